"""The one place where the simulators read the time."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
