"""One execution of a state machine in the simulated Step Functions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.simulation.services import asl
from tests.simulation.services.asl_attempt import Attempt
from tests.simulation.services.asl_host import Failure
from tests.simulation.services.asl_run import MapAttempt, Run

if TYPE_CHECKING:
    from tests.simulation.services.stepfunctions import StepFunctions

PREFIX = "arn:aws:states:us-east-1:000000000000"
TRANSITION_SECONDS = 0.05
"""The longest time that a transition takes."""


class ExecutionState(NamedTuple):
    """What a checker sees of an execution.

    `state` is None before the first state. `parent` is None unless a Map started the execution.
    `error` is that of a failed execution. `path` has the states in the order in which they were
    entered.
    """

    arn: str
    name: str
    state_machine: str
    status: str
    state: str | None
    open_tokens: int
    parent: str | None
    started_at: float
    stopped_at: float
    error: str | None
    path: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Execution:
    """One execution. It is the `asl_host.Host` of its run."""

    service: StepFunctions
    machine: str
    arn: str
    name: str
    input: str
    started_at: float
    parent: Execution | None = None
    map_run: str | None = None
    express: bool = False
    status: str = "RUNNING"
    stopped_at: float = 0.0
    output: str | None = None
    failure: Failure | None = None
    history: list[tuple[float, str, str | None]] = field(default_factory=list)
    open_tokens: int = 0
    run: Run = field(init=False)
    done: Callable[[Execution, Any], None] | None = None
    _tokens: int = 0

    def begin(self, graph: asl.Graph, content: Any) -> None:
        """Start the run."""
        context = {
            "Execution": {
                "Id": self.arn,
                "Name": self.name,
                "StartTime": time_of(self.started_at)
                .isoformat(timespec="milliseconds")
                .replace("+00:00", "Z"),
                "Input": content,
            },
            "StateMachine": {"Id": f"{PREFIX}:stateMachine:{self.machine}", "Name": self.machine},
        }
        self.record("ExecutionStarted")
        self.run = Run(self, graph, context, self._ended)
        self.run.start(content)

    def stop(self, status: str = "ABORTED") -> None:
        """Abort the execution and everything that it started."""
        if self.status == "RUNNING":
            self.run.stop()
            self._close(status, f"Execution{''.join(map(str.title, status.split('_')))}", None)

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        self.service.schedule(seconds, callback)

    def soon(self, callback: Callable[[], None]) -> None:
        self.service.schedule(self.service.random.random() * TRANSITION_SECONDS, callback)

    def jittered(self, seconds: float) -> float:
        return self.service.random.uniform(0, seconds)

    def record(self, event: str, state: str | None = None) -> int:
        self.history.append((self.service.now(), event, state))
        return len(self.history)

    def new_token(self, state: str) -> str:
        self._tokens += 1
        secret = f"{self.service.secret}|{self.arn}|{self.started_at}|{state}|{self._tokens}"
        return f"AQCkAAAAKgAAAAMAAAAA{hashlib.sha512(secret.encode()).hexdigest()}"

    def open_token(self, token: str, attempt: Attempt) -> None:
        self.service.tokens[token] = attempt
        self.open_tokens += 1

    def closed_token(self) -> None:
        self.open_tokens -= 1

    def send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.service.send_message(params)

    def get_item(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.service.get_item(params)

    def invoke_function(
        self, name: str, payload: Any, done: Callable[[Any | None, Failure | None], None]
    ) -> None:
        self.service.invoke_function(name, payload, done)

    def start_child(
        self, attempt: MapAttempt, content: Any, done: Callable[[Any, bool], None]
    ) -> Execution:
        return self.service.start_child(self, attempt, content, done)

    def _ended(self, output: Any, failure: Failure | None) -> None:
        if failure is None:
            self.output = json.dumps(output, separators=(",", ":"))
            self._close("SUCCEEDED", "ExecutionSucceeded", output)
        else:
            self.failure = failure
            self._close("FAILED", "ExecutionFailed", None)

    def _close(self, status: str, event: str, output: Any) -> None:
        self.status, self.stopped_at = status, self.service.now()
        self.record(event)
        if self.done is not None:
            self.done(self, output)


def time_of(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
