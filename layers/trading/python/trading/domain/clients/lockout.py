"""When failed log-ins lock an API key or an address, and for how long.

A lock refuses wrong secrets. The right one always passes, so nobody can lock an owner out. Secrets
are 256 random bits, so trying many of them does not help.
"""

from datetime import datetime, timedelta

from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.values import Frozen, Timestamp

FIRST_LOCK = timedelta(seconds=5)
FAILURES_REMEMBERED_FOR = timedelta(hours=1)


class LockRule(Frozen):
    """How many failures lock, and for how long at most."""

    failures: int
    longest_lock: timedelta


OF_A_KEY = LockRule(failures=5, longest_lock=timedelta(minutes=15))
"""For one key, from one address."""
OF_AN_ADDRESS = LockRule(failures=20, longest_lock=timedelta(minutes=1))
"""For an address, with any keys. Many clients may share one, so its lock is short."""


class LoginLockedError(DomainError):
    """Too many recent log-ins with this key, or from this address, have failed."""

    code = ErrorCode.LOGIN_LOCKED
    kind = ErrorKind.THROTTLED


class FailedLogins(Frozen):
    """A number of failures, and the time of the last one."""

    number: int
    last_at: Timestamp


class RecentFailures(Frozen):
    """The failures that count for a log-in: with the same key from the same address, and from that
    address with any key.
    """

    with_key: FailedLogins | None = None
    from_address: FailedLogins | None = None


def lock_after(failures: int, rule: LockRule = OF_A_KEY) -> timedelta:
    """How long the n-th failure locks.

    The first lock lasts 5 s. Each further failure doubles that, up to `longest_lock`.
    """
    if failures < rule.failures:
        return timedelta(0)
    doublings = min(failures - rule.failures, 16)
    return min(FIRST_LOCK * (1 << doublings), rule.longest_lock)


def check_not_locked(recent: RecentFailures, now: datetime) -> None:
    """Raise LoginLockedError while the key or the address is locked."""
    rules = ((recent.with_key, OF_A_KEY), (recent.from_address, OF_AN_ADDRESS))
    locks = [failed.last_at + lock_after(failed.number, rule) for failed, rule in rules if failed]
    wait = max(((until - now).total_seconds() for until in locks), default=0)
    if wait > 0:
        raise LoginLockedError(
            "Too many failed attempts with this key, or from this address.",
            retry_after_seconds=int(wait) + 1,
        )
