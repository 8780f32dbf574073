"""One thread, one virtual clock, one order of events.

Everything that runs is a process that the engine resumes. A process is ordinary blocking code in a
greenlet. It yields at each call that would leave it (AWS, HTTP, sleep). So processes interleave at
every call, in an order that follows from the seed alone.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any, NamedTuple

from greenlet import getcurrent, greenlet

LATENCY = (0.002, 0.02)
"""The range of seconds that a call takes within AWS, each way."""


class KilledError(BaseException):
    """Unwinds a killed process. Nothing that it still tries has any effect."""


class StuckError(AssertionError):
    """The run did not end within its limit of steps."""


class Outcome(NamedTuple):
    """How a process ended: with a value, by an exception, or killed for a reason."""

    value: Any = None
    error: Exception | None = None
    killed: str | None = None


class Engine:
    """The clock, and the events that are to happen."""

    def __init__(self, start: float, set_wall_clock: Callable[[float], None]) -> None:
        self.now = start
        self.steps = 0
        self.after_step: Callable[[], None] = lambda: None
        self.set_wall_clock = set_wall_clock
        self.resumed: Process | None = None
        """The process that ran last."""
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._scheduled = 0

    def after(self, delay: float, action: Callable[[], None]) -> None:
        """Schedule an event that many seconds from now."""
        self._scheduled += 1
        heappush(self._events, (self.now + delay, self._scheduled, action))

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Schedule an event."""
        self.after(max(time - self.now, 0), action)

    def run(self, until: float, max_steps: int) -> None:
        """Let everything happen that is due until then. Raises StuckError after too many steps."""
        last = self.steps + max_steps
        events = self._events
        while events and events[0][0] <= until:
            self.now, _, action = heappop(events)
            self.steps += 1
            if self.steps > last:
                raise StuckError(f"more than {max_steps} steps")
            action()
            self.after_step()
        self.now = max(self.now, until)


class _Fiber(greenlet):
    process: Process


class Process:
    """Code that runs until it ends, is killed, or runs out of time.

    `skew` is the error of its machine's clock.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        random: Random,
        body: Callable[[], Any],
        done: Callable[[Outcome], None],
        *,
        timeout: float = float("inf"),
        skew: float = 0.0,
    ) -> None:
        self.name = name
        self.random = random
        self.deadline = engine.now + timeout
        self.skew = skew
        self.displayed: dict[str, list[dict[str, Any]]] = {}
        """The last quotes that it has got, by symbol."""
        self.entered: Callable[[], None] = lambda: None
        self.left: Callable[[], None] = lambda: None
        self._engine = engine
        self._body = body
        self._done = done
        self._dead: str | None = None
        self._ended = False
        self._fiber = _Fiber(self._run)
        self._fiber.process = self
        engine.after(0, self._resume)

    @property
    def remaining(self) -> float:
        """Seconds until its time is over."""
        return self.deadline - self._engine.now

    def sleep(self, seconds: float) -> None:
        """Let others run for that long. A process that runs out of time meanwhile does not come
        back.
        """
        self._check_alive()
        if self._engine.now + seconds >= self.deadline:
            self._engine.at(self.deadline, lambda: self.kill("timed out"))
        else:
            self._engine.after(seconds, self._resume)
        self._yield()

    def wait(self, start: Callable[[Callable[[Any], None]], None]) -> Any:
        """Start something that takes a callback, and wait for the callback. Return its argument."""
        self._check_alive()
        answers: list[Any] = []

        def answered(answer: Any) -> None:
            answers.append(answer)
            self._engine.after(0, self._resume)

        start(answered)
        self._yield()
        return answers[0]

    def die(self, reason: str) -> None:
        """Kill the process from within."""
        self._dead = reason
        raise KilledError

    def kill(self, reason: str) -> None:
        """Kill the process from outside."""
        if self._ended or self._dead:
            return
        self._dead = reason
        if self._fiber:
            self._fiber.throw(KilledError)
        else:
            self._end(Outcome(killed=reason))

    def _yield(self) -> None:
        parent = self._fiber.parent
        assert parent is not None
        self.left()
        parent.switch()
        self._check_alive()

    def _check_alive(self) -> None:
        if self._dead:
            raise KilledError

    def _resume(self) -> None:
        if self._ended or self._dead:
            return
        self._engine.resumed = self
        self._engine.set_wall_clock(self._engine.now + self.skew)
        self.entered()
        self._fiber.parent = getcurrent()
        self._fiber.switch()

    def _run(self) -> None:
        try:
            outcome = Outcome(value=self._body())
        except Exception as error:
            outcome = Outcome(error=error)
        except KilledError:
            outcome = Outcome(killed=self._dead)
        if self._dead:
            outcome = Outcome(killed=self._dead)
        self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        self._ended = True
        self._done(outcome)


def current() -> Process | None:
    """The running process, or None while the simulation itself runs."""
    fiber = getcurrent()
    return fiber.process if isinstance(fiber, _Fiber) else None


def raised(outcome: Outcome) -> None:
    """Raise what a process of the simulation raised. Its errors are no outcome of the run."""
    if outcome.error is not None:
        raise outcome.error
