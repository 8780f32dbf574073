"""A run through a compiled state machine. Each step is a callback that the host schedules."""

from collections.abc import Callable
from typing import Any

from tests.simulation.services import asl
from tests.simulation.services.asl import Graph, State
from tests.simulation.services.asl_attempt import Attempt
from tests.simulation.services.asl_data import as_json
from tests.simulation.services.asl_expressions import (
    RUNTIME,
    Context,
    StatesError,
)
from tests.simulation.services.asl_host import Failure, Host, Stoppable

MAX_HISTORY_EVENTS = 25_000
INLINE_CONCURRENCY, DISTRIBUTED_CONCURRENCY = 40, 10_000


class Run:
    """The run of an execution or of an iteration of an inline Map. `state` is the current state."""

    def __init__(
        self,
        host: Host,
        graph: Graph,
        context: Context,
        done: Callable[[Any, Failure | None], None],
    ) -> None:
        self.host, self.context = host, context
        self.state: State | None = None
        self.data: Any = None
        self.attempt: Attempt | None = None
        self._graph = graph
        self._done = done
        self._live = True
        self._retries: list[int] = []

    def start(self, data: Any) -> None:
        """Enter the first state soon."""
        self._go(self._graph.start_at, data)

    def stop(self) -> None:
        """Stop the run and invalidate its tokens."""
        self._live = False
        if self.attempt is not None:
            self.attempt.close()

    def succeeded(self, result: Any) -> None:
        """The state's work has succeeded. Continue with its output."""
        state = self.state
        assert state is not None
        try:
            context = self.in_state()
            output = state.output(state.insert(self.data, state.result(result, context)), context)
        except StatesError as error:
            self.failed(error.error, error.cause)
            return
        self._leave(output, state.next)

    def failed(self, error: str, cause: str) -> None:
        """The state's work has failed. Retry it, continue with a catcher, or fail the run.

        Only the first matching retrier counts. When its attempts are used up, the catchers are
        asked.
        """
        state = self.state
        assert state is not None
        for position, retrier in enumerate(state.retriers):
            if asl.matches(retrier.errors, error):
                if self._retries[position] == retrier.max_attempts:
                    break
                pause = min(
                    retrier.interval * retrier.backoff_rate ** self._retries[position],
                    retrier.max_delay,
                )
                self._retries[position] += 1
                self.host.later(
                    self.host.jittered(pause) if retrier.full_jitter else pause, self._try
                )
                return
        for catcher in state.catchers:
            if asl.matches(catcher.errors, error):
                self._leave(
                    catcher.insert(self.data, {"Error": error, "Cause": cause}), catcher.next
                )
                return
        self._end(None, (error, cause))

    def in_state(self) -> Context:
        """The context object as the state sees it."""
        assert self.state is not None
        return {
            **self.context,
            "State": {"Name": self.state.name, "RetryCount": sum(self._retries)},
        }

    def _go(self, name: str, data: Any) -> None:
        self.host.soon(lambda: self._enter(name, data))

    def _enter(self, name: str, data: Any) -> None:
        if not self._live:
            return
        self.state = state = self._graph.states[name]
        self.data, self.attempt, self._retries = data, None, [0] * len(state.retriers)
        if self.host.record(f"{state.kind}StateEntered", name) >= MAX_HISTORY_EVENTS - 1:
            cause = (
                "The execution reached the maximum number of history events "
                f"({MAX_HISTORY_EVENTS})."
            )
            self._end(None, (RUNTIME, cause))
            return
        self._try()

    def _try(self) -> None:
        if not self._live:
            return
        assert self.state is not None
        try:
            _WORK[self.state.kind](self, self.state)
        except StatesError as error:
            self.failed(error.error, error.cause)

    def _leave(self, output: Any, following: str | None) -> None:
        assert self.state is not None
        self.host.record(f"{self.state.kind}StateExited", self.state.name)
        if following is None:
            self._end(output, None)
        else:
            self._go(following, output)

    def _end(self, output: Any, failure: Failure | None) -> None:
        self.host.soon(lambda: self._over(output, failure))

    def _over(self, output: Any, failure: Failure | None) -> None:
        if self._live:
            self._live = False
            self._done(output, failure)

    def _task(self, state: State) -> None:
        self.attempt = attempt = Attempt(self)
        context = self.in_state()
        token = None
        if state.resource == asl.SEND_AND_WAIT:
            token = self.host.new_token(state.name)
            context["Task"] = {"Token": token}
        params = state.arguments(state.input(self.data, context), context)
        if state.timeout is not None:
            seconds = state.timeout(self.data, context)
            if type(seconds) is not int or seconds <= 0:
                raise StatesError(RUNTIME, f"The timeout must be a positive integer, not {seconds}")
            self.host.later(seconds, attempt.time_out)
        self.host.record("TaskScheduled")
        self.host.record("TaskStarted")
        if state.resource == asl.INVOKE:
            self.host.invoke_function(
                params["FunctionName"], as_json(params.get("Payload", {})), attempt.returned
            )
            return
        if state.resource == asl.GET_ITEM:
            attempt.read(params)
            return
        if token is not None:
            attempt.token = token
            self.host.open_token(token, attempt)
        attempt.send(params)

    def _map(self, state: State) -> None:
        self.attempt = attempt = MapAttempt(self, state)
        attempt.start()

    def _pass(self, state: State) -> None:
        context = self.in_state()
        effective = state.input(self.data, context)
        self.succeeded(state.constant[0] if state.constant else state.arguments(effective, context))

    def _wait(self, state: State) -> None:
        context = self.in_state()
        effective = state.input(self.data, context)
        assert state.seconds is not None
        self.host.later(state.seconds(effective, context), lambda: self._waited(effective))

    def _waited(self, effective: Any) -> None:
        if self._live:
            self.succeeded(effective)

    def _choice(self, state: State) -> None:
        context = self.in_state()
        effective = state.input(self.data, context)
        chosen = next(
            (target for rule, target in state.choices if rule(effective, context)), state.default
        )
        if chosen is None:
            raise StatesError(
                "States.NoChoiceMatched",
                f"No choice of {state.name} matched, and it has no default",
            )
        self._leave(state.output(effective, context), chosen)

    def _succeed(self, state: State) -> None:
        context = self.in_state()
        self._leave(state.output(state.input(self.data, context), context), None)

    def _fail(self, state: State) -> None:
        self._end(None, (state.error, state.cause))


_WORK: dict[str, Callable[[Run, State], None]] = {
    "Task": Run._task,
    "Map": Run._map,
    "Pass": Run._pass,
    "Wait": Run._wait,
    "Choice": Run._choice,
    "Succeed": Run._succeed,
    "Fail": Run._fail,
}


class MapAttempt(Attempt):
    """One attempt of a Map. It runs as many items at once as it may."""

    events = "MapState"

    def __init__(self, run: Run, state: State) -> None:
        super().__init__(run)
        self.state = state
        self._children: dict[int, Stoppable] = {}
        self._inputs: list[Any] = []
        self._results: list[Any] = []
        self._next = self._failed = 0
        self.map_run: str | None = None

    def start(self) -> None:
        """Start the first items."""
        state, context = self.state, self.run.in_state()
        assert state.items is not None
        assert state.item is not None
        effective = state.input(self.run.data, context)
        items = state.items(effective, context)
        if not isinstance(items, list):
            raise StatesError(RUNTIME, f"{state.name}: ItemsPath must select an array")
        self._contexts = [
            {**context, "Map": {"Item": {"Index": i, "Value": item}}}
            for i, item in enumerate(items)
        ]
        self._inputs = [state.item(effective, each) for each in self._contexts]
        self._results = [None] * len(items)
        self.run.host.record("MapStateStarted")
        if state.distributed:
            self.run.host.record("MapRunStarted")
        most = DISTRIBUTED_CONCURRENCY if state.distributed else INLINE_CONCURRENCY
        for _ in range(min(state.max_concurrency or most, most, len(items))):
            self._begin_next()
        if not items:
            self.succeed([])

    def close(self) -> None:
        """Ignore all later answers and stop the children."""
        super().close()
        for child in list(self._children.values()):
            child.stop()
        self._children.clear()

    def _begin_next(self) -> None:
        position, self._next = self._next, self._next + 1
        if self.state.distributed:
            child = self.run.host.start_child(
                self,
                self._inputs[position],
                lambda result, failed: self._child_ended(position, result, failed),
            )
        else:
            assert self.state.processor is not None
            child = Run(
                self.run.host,
                self.state.processor,
                self._contexts[position],
                lambda result, failure: self._iteration_ended(position, result, failure),
            )
            child.start(self._inputs[position])
        self._children[position] = child

    def _iteration_ended(self, position: int, result: Any, failure: Failure | None) -> None:
        del self._children[position]
        if failure is not None:
            self.fail(*failure)
        else:
            self._ended(position, result)

    def _child_ended(self, position: int, result: Any, failed: bool) -> None:
        if not self.open:  # the child was stopped together with its siblings
            return
        del self._children[position]
        self._failed += failed
        if 100 * self._failed / len(self._inputs) > self.state.tolerated_failure_percentage:
            self.run.host.record("MapRunFailed")
            self.fail(
                "States.ExceedToleratedFailureThreshold",
                "The specified tolerated failure threshold was exceeded",
            )
            return
        self._ended(position, result)

    def _ended(self, position: int, result: Any) -> None:
        self._results[position] = result
        if self._next < len(self._inputs):
            self._begin_next()
        elif not self._children:
            if self.state.distributed:
                self.run.host.record("MapRunSucceeded")
            try:
                results = as_json(self._results)
            except StatesError as error:
                self.fail(error.error, error.cause)
                return
            self.succeed(results)
