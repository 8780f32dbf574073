"""Workers that die at crash points while a test runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.crash_points import CrashPoint
from tests.system.waiting import wait_for
from workstation.local_system import LocalSystem


@contextmanager
def crashes(system: LocalSystem, *points: CrashPoint) -> Iterator[None]:
    """One worker dies at each of the points, while the block runs or soon after it: a client may be
    answered before the worker gets to its point. The test fails if a point is not reached.
    """
    for point in points:
        point.arm(system)
    try:
        yield
        for point in points:
            wait_for(lambda: point.was_reached(system) or None, str(point))  # noqa: B023
    finally:
        for point in points:
            point.disarm(system)
