"""The errors of the simulated services."""

from typing import Any


class ServiceError(Exception):
    """An error answer: its code and its message.

    `extra` holds further top-level fields of the answer (CancellationReasons, Item).
    """

    def __init__(self, code: str, message: str, **extra: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.extra = extra
