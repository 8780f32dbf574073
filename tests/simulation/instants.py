"""Instants as they are written in items and on the wire."""

from datetime import UTC, datetime


def moment(text: str) -> float:
    """Its Unix seconds."""
    return datetime.fromisoformat(text).timestamp()


def timestamp(now: float) -> str:
    """The reverse, as an exchange writes it."""
    return datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
