"""What a run of a state machine needs from its surroundings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tests.simulation.services.asl_attempt import Attempt
    from tests.simulation.services.asl_run import MapAttempt

Failure = tuple[str, str]
"""An error and its cause."""


class Stoppable(Protocol):
    """Something that a Map has started."""

    def stop(self) -> None:
        """Stop without an outcome."""
        ...


class Host(Protocol):
    """The execution that a run belongs to, and the world around it."""

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back after that many virtual seconds."""

    def soon(self, callback: Callable[[], None]) -> None:
        """Call back after the time of a transition."""

    def jittered(self, seconds: float) -> float:
        """A random number of seconds up to the given one."""
        ...

    def record(self, event: str, state: str | None = None) -> int:
        """Add an event to the history, and return the history's length."""
        ...

    def new_token(self, state: str) -> str:
        """A new task token that nobody knows yet."""
        ...

    def open_token(self, token: str, attempt: Attempt) -> None:
        """Deliver answers to this token to the attempt from now on."""

    def closed_token(self) -> None:
        """Note that an open token is used up."""

    def send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        """Perform SQS SendMessage. Raises ServiceError."""
        ...

    def get_item(self, params: dict[str, Any]) -> dict[str, Any]:
        """Perform DynamoDB GetItem. Raises ServiceError."""
        ...

    def invoke_function(
        self, name: str, payload: Any, done: Callable[[Any | None, Failure | None], None]
    ) -> None:
        """Perform Lambda Invoke. `done` is called when the function has returned or failed."""

    def start_child(
        self, attempt: MapAttempt, content: Any, done: Callable[[Any, bool], None]
    ) -> Stoppable:
        """Start a child execution of a distributed Map. `done` gets its result, and whether it
        failed.
        """
        ...
