"""Deliberate bugs, to see that the simulation can fail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def applied(name: str | None) -> Iterator[None]:
    """While it lasts, the bug of that name is in the code."""
    yield
