"""Waiting for the deployed system: one way and one patience for all tests."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 420
"""Nothing that a test waits for takes longer than two visibility timeouts of a minute each. The
rest is for a machine that is several times slower.
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
    """Wait until what happened before has an earlier time than what happens from now on."""
    time.sleep(CLOCK_SECONDS)
