"""Instants as they are written in items and on the wire."""

from datetime import UTC, datetime


def moment(text: str) -> float:
    """The Unix time in seconds."""
    return datetime.fromisoformat(text).timestamp()


def timestamp(now: float) -> str:
    """The reverse of `moment`, in the format of the exchanges."""
    return datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
