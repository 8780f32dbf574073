"""Deadlines that pass at a given check."""

from datetime import timedelta

from trading.domain.deadline import Deadline


def over_at(check: int) -> Deadline:
    """A deadline that is over when it is checked for so many times, and from then on."""
    checks = iter([timedelta(seconds=1)] * (check - 1))
    return Deadline(lambda: next(checks, timedelta()))
