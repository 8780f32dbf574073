"""Waiting for the deployed system. All tests wait in the same way and for the same time."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 420
"""A test waits for at most two visibility timeouts of one minute each. The rest is for a machine
that is several times slower.
"""
LOOK_SECONDS = 0.5
CLOCK_SECONDS = 1.0
"""The resolution of a queue's clock."""

Found = TypeVar("Found")


def wait_for(look: Callable[[], Found | None], what: str) -> Found:
    """Return what `look` returns once it is not None."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(LOOK_SECONDS)
    return found


def let_the_queues_clock_tick() -> None:
    """Wait until the queue's clock has advanced, so that later events have a later time."""
    time.sleep(CLOCK_SECONDS)
