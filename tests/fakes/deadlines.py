"""Deadlines that pass at a given check."""

from datetime import timedelta

from trading.domain.deadline import Deadline


def over_at(check: int) -> Deadline:
    """A deadline that passes at the check of that number and stays passed."""
    checks = iter([timedelta(seconds=1)] * (check - 1))
    return Deadline(lambda: next(checks, timedelta()))
