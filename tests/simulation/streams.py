"""The streams of the tables, and the mapping that hands their records to a function."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from random import Random
from typing import Any
from zlib import crc32

from tests.simulation.engine import Engine, Outcome
from tests.simulation.faults import Faults
from tests.simulation.services.dynamodb import Change
from trading.adapters.dynamodb.names import EVENT_ATTRIBUTE

SHARDS = 2
LARGEST_BATCH = 10
OFTEN_LATE, LATEST = 0.05, 120.0
"""How often a shard is read late, and how late at most, so that its next batch is large."""
AGAIN = 1.0
"""The pause before a failed batch comes again."""

Shard = tuple[str, int]
Invoke = Callable[[Any, str, Callable[[Outcome], None]], None]


class Streams:
    """Each shard is read in order, one batch at a time. A batch comes again until it succeeds.

    Records without an event are left out, as the filter of the mapping does.
    """

    def __init__(
        self, engine: Engine, random: Random, faults: Faults, tables: Iterable[str], invoke: Invoke
    ) -> None:
        self._engine = engine
        self._random = random
        self._faults = faults
        self._tables = frozenset(tables)
        self._invoke = invoke
        self._shards: defaultdict[Shard, deque[dict[str, Any]]] = defaultdict(deque)
        self._busy: set[Shard] = set()
        self._sequence = 0
        self._batches = 0

    def take(self, changes: Iterable[Change]) -> None:
        """Append the changes of tables to their streams."""
        for change in changes:
            image = change.after
            if change.table in self._tables and image is not None and EVENT_ATTRIBUTE in image:
                shard = change.table, crc32(change.key[0].encode()) % SHARDS
                self._sequence += 1
                self._shards[shard].append(_record(change, self._sequence))
                late = self._random.random() < OFTEN_LATE
                self._poll_after(shard, self._random.uniform(0.005, LATEST if late else 0.25))

    @property
    def left(self) -> int:
        """How many records were not handled yet."""
        return sum(map(len, self._shards.values()))

    def _poll_after(self, shard: Shard, pause: float) -> None:
        if shard not in self._busy:
            self._busy.add(shard)
            self._engine.after(pause, lambda: self._poll(shard))

    def _poll(self, shard: Shard) -> None:
        records = list(self._shards[shard])[: self._random.randint(1, LARGEST_BATCH)]
        self._batches += 1
        key = f"{records[0]['eventID']} x{len(records)} b{self._batches}"
        self._invoke(
            {"Records": records}, key, lambda outcome: self._handled(shard, len(records), outcome)
        )

    def _handled(self, shard: Shard, number: int, outcome: Outcome) -> None:
        self._busy.discard(shard)
        failed = outcome.error is not None or outcome.killed is not None
        if not failed and not self._faults.happens("redelivered", self._random):
            for _ in range(number):
                self._shards[shard].popleft()
        if self._shards[shard]:
            self._poll_after(shard, AGAIN if failed else 0.01)


def _record(change: Change, sequence: int) -> dict[str, Any]:
    assert change.after is not None
    images = {"NewImage": dict(change.after)}
    if change.before is not None:
        images["OldImage"] = dict(change.before)
    return {
        "eventID": f"record-{sequence}",
        "eventName": "INSERT" if change.before is None else "MODIFY",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": f"arn:aws:dynamodb:us-east-1:000000000000:table/{change.table}/stream/1",
        "dynamodb": {
            "SequenceNumber": f"{sequence:021d}",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **images,
        },
    }
