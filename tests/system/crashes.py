"""Workers that die at crash points while a test runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.crash_points import CrashPoint
from workstation.local_system import LocalSystem


@contextmanager
def crashes(system: LocalSystem, *points: CrashPoint) -> Iterator[None]:
    """While the block runs, one worker dies at each of the points. The test fails if a point is not
    reached.
    """
    for point in points:
        point.arm(system)
    try:
        yield
        missed = [point for point in points if not point.was_reached(system)]
    finally:
        for point in points:
            point.disarm(system)
    assert not missed
