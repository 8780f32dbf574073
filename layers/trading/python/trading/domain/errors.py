"""What can go wrong by the rules of the domain. Codes are stable: clients and runbooks rely on
them.
"""

from collections.abc import Mapping
from enum import StrEnum


class ErrorKind(StrEnum):
    """The nature of a refusal, in no transport's words; each transport maps it once."""

    INVALID = "INVALID"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    UNPROCESSABLE = "UNPROCESSABLE"
    THROTTLED = "THROTTLED"
    UNAVAILABLE = "UNAVAILABLE"


class InvariantError(Exception):
    """A rule was about to be broken by ourselves: a bug. Nothing may be written, and trying again
    cannot help.
    """


class DomainError(Exception):
    """A refusal with a stable `code` (UPPER_SNAKE) and a `message` that is safe to show to the
    client.

    `field` names the input at fault; `details` carries further facts as text; `retry_after_seconds`
    says when asking again makes sense. A subclass sets `code` and `kind`.
    """

    code: str = "DOMAIN_ERROR"
    kind: ErrorKind = ErrorKind.UNPROCESSABLE

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        details: Mapping[str, str] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.details = dict(details or {})
        self.retry_after_seconds = retry_after_seconds


PERMANENT = (DomainError, InvariantError)
"""What a message raises that cannot succeed, unless it `is_transient`."""


def is_transient(error: Exception) -> bool:
    """Whether the error itself says that asking again makes sense."""
    return isinstance(error, DomainError) and error.retry_after_seconds is not None
