"""How a simulated service refuses."""

from typing import Any


class ServiceError(Exception):
    """An error answer: its code and message, and in `extra` further top-level fields of it
    (CancellationReasons, Item).
    """

    def __init__(self, code: str, message: str, **extra: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.extra = extra
