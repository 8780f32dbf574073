"""The one place where time is read."""

from datetime import UTC, datetime


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)
