"""Faults that tests inject into calls of ports. A call fails before its effect, or its effect
happens and the answer is lost.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from trading.usecases.ports import StaleError

P = ParamSpec("P")
R = TypeVar("R")


class CrashError(Exception):
    """The worker died at this call."""


class Faults:
    """One register for all the ports of a test. A port's call is named `port.method`, for example
    `books.commit`.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._planned: list[tuple[str | int, bool, Exception]] = []

    def before(self, call: str | int, error: Exception | None = None, times: int = 1) -> None:
        """The next calls of that name fail without effect. A number names one call,
        counted from 1.
        """
        self._planned += [(call, False, error or CrashError(f"before {call}"))] * times

    def after(self, call: str | int, error: Exception | None = None, times: int = 1) -> None:
        """The next calls of that name have their effect, but their answer is lost. A number names
        one call, counted from 1.
        """
        self._planned += [(call, True, error or CrashError(f"after {call}"))] * times

    def stale(self, times: int = 1) -> None:
        """The next commits lose a race against another writer."""
        self.before("books.commit", StaleError(), times)

    @property
    def pending(self) -> int:
        """The planned faults that have not happened yet."""
        return len(self._planned)

    def around(self, name: str, effect: Callable[[], R]) -> R:
        """Make the call, with its planned fault if there is one."""
        self.calls.append(name)
        fault = next((f for f in self._planned if f[0] in (name, len(self.calls))), None)
        if fault is None:
            return effect()
        self._planned.remove(fault)
        _, has_effect, error = fault
        if has_effect:
            effect()
        raise error


class _HasFaults(Protocol):
    port: str
    faults: Faults


S = TypeVar("S", bound=_HasFaults)


def faulty(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Make a port's method count its calls and fail when a fault is planned."""

    @wraps(method)
    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.faults.around(
            f"{self.port}.{method.__name__}", lambda: method(self, *args, **kwargs)
        )

    return call
