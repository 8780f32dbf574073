"""Records the calls to AWS that a command makes, and makes them fail where a test says so."""

from collections.abc import Callable
from threading import get_ident
from typing import Any

import pytest
from botocore.client import BaseClient


class Crash(BaseException):
    """The process ends here. No exception handler sees it."""


class Calls:
    """The names of the operations called. `before` may raise in place of a call. An operation with
    an entry in `answers` is not called. Only the calls of the test's own thread count: workflows of
    earlier tests go on in others.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.heal()
        self.answers: dict[str, Any] = {}
        real = BaseClient._make_api_call  # type: ignore[attr-defined]
        ours = get_ident()

        def call(client: Any, name: str, request: dict[str, Any]) -> Any:
            if get_ident() != ours:
                return real(client, name, request)
            self.before(name, request)
            self.made.append((name, request))
            return self.answers[name] if name in self.answers else real(client, name, request)

        patch.setattr(BaseClient, "_make_api_call", call)

    def heal(self) -> None:
        """Make nothing fail from now on."""
        self.before: Callable[[str, dict[str, Any]], None] = lambda name, request: None

    @property
    def names(self) -> list[str]:
        """The names of the operations, in order."""
        return [name for name, _ in self.made]

    def crash_at(self, operation: str) -> None:
        """End the process instead of calling this operation."""

        def crash(name: str, _: dict[str, Any]) -> None:
            if name == operation:
                raise Crash

        self.before = crash
