"""Checks of the time after which a message that failed comes again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tests.simulation.violations import ViolationError

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 90.0
"""Seconds. The pause after a failure doubles from the first to the longest."""


def check_pauses(
    failed: Iterable[Mapping[str, Any]],
    visible_at: Mapping[str, float],
    untouched: float,
    now: float,
) -> None:
    """Check when the messages of a batch come again that its worker has just called failed.

    `visible_at` is by message id. A message whose visibility could not be changed is `untouched`:
    it comes again when the queue gives up on its worker. Messages that wait behind one that was
    tried more often wait as long as that one.
    """
    receives: Counter[str] = Counter()
    for message in failed:
        group, times = (
            message["Attributes"]["MessageGroupId"],
            int(message["Attributes"]["ApproximateReceiveCount"]),
        )
        receives[group] = max(receives[group], times)
    for message in failed:
        at = visible_at.get(message["MessageId"], now)
        times = receives[message["Attributes"]["MessageGroupId"]]
        pause = min(FIRST_PAUSE * 2.0 ** (times - 1), LONGEST_PAUSE)
        if at > now + pause and at != untouched:
            raise ViolationError(
                "a failed message comes again soon",
                message["MessageId"],
                f"{at - now:.0f} s after its try {times}: {message['Body']}",
            )
