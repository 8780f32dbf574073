"""What a walk through a state machine needs of its surroundings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tests.simulation.services.asl_run import Attempt, MapAttempt

Failure = tuple[str, str]
"""Error and cause."""


class Stoppable(Protocol):
    """Something that a Map has running."""

    def stop(self) -> None:
        """Without an outcome."""
        ...


class Host(Protocol):
    """The execution that a walk belongs to, and the world around it."""

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back after so many virtual seconds."""

    def soon(self, callback: Callable[[], None]) -> None:
        """Call back after what a transition takes."""

    def jittered(self, seconds: float) -> float:
        """Somewhere between nothing and so many seconds."""
        ...

    def record(self, event: str, state: str | None = None) -> int:
        """Into the history; how long it is."""
        ...

    def new_token(self, state: str) -> str:
        """A task token, not known to anybody yet."""
        ...

    def open_token(self, token: str, attempt: Attempt) -> None:
        """From now on this is what its answer is for."""

    def closed_token(self) -> None:
        """One that was open is used up."""

    def send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        """SQS SendMessage. Raises ServiceError."""
        ...

    def invoke_function(
        self, name: str, payload: Any, done: Callable[[Any | None, Failure | None], None]
    ) -> None:
        """Lambda Invoke; `done` is called when the function has returned or failed."""

    def start_child(
        self, attempt: MapAttempt, content: Any, done: Callable[[Any, bool], None]
    ) -> Stoppable:
        """A child execution of a distributed Map; `done` gets its result, and whether it failed."""
        ...
