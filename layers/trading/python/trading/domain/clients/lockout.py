"""When failed log-ins lock an API key, and for how long."""

from datetime import datetime, timedelta

from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.values import Frozen, Timestamp

FREE_FAILURES = 5
FIRST_LOCK = timedelta(seconds=5)
LONGEST_LOCK = timedelta(minutes=15)
FAILURES_REMEMBERED_FOR = timedelta(hours=1)


class LoginLockedError(DomainError):
    """Too many recent log-ins with this key have failed."""

    code = ErrorCode.LOGIN_LOCKED
    kind = ErrorKind.THROTTLED


class FailedLogins(Frozen):
    """The failures in a row with one API key, and when the last one was."""

    number: int
    last_at: Timestamp


def lock_after(failures: int) -> timedelta:
    """How long a key is locked after its n-th failure in a row.

    The fifth failure locks it for 5 s. Each further failure doubles that, up to 15 minutes.
    """
    if failures < FREE_FAILURES:
        return timedelta(0)
    doublings = min(failures - FREE_FAILURES, 16)
    return min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


def check_not_locked(failed: FailedLogins | None, now: datetime) -> None:
    """Raise LoginLockedError while the key is locked."""
    if failed is None:
        return
    wait = (failed.last_at + lock_after(failed.number) - now).total_seconds()
    if wait > 0:
        raise LoginLockedError(
            "Too many failed attempts with this key.", retry_after_seconds=int(wait) + 1
        )
