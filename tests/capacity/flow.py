"""Queues and token buckets, second by second. Orders are amounts: nobody is told apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.capacity.quotas import Quota

TINY, NEARLY_NONE = 1e-9, 1e-6
MINUTE = 60


class Seen(NamedTuple):
    """What was seen of a bucket. `peak`: the mean of the busiest minute. `use`: as a part of what
    the rate allows; a burst can exceed 1. `throttled`: the seconds in which it held somebody back.
    """

    peak: float
    use: float
    throttled: int


class Bucket:
    """A token bucket, refilled once a second. Up to `size` tokens are kept for the next second.

    With Little's law this is concurrency as well: in a second, N environments work N seconds.
    A bucket that is not `binding` only counts what would be taken.
    """

    def __init__(
        self, name: str, quota: Quota, rate: float | None = None, *, is_binding: bool = True
    ) -> None:
        """`rate` replaces that of the quota, for instance for several partitions."""
        self.name = name
        self.quota = quota
        self.rate = quota.rate if rate is None else rate
        self.size = quota.burst or 0.0
        self.is_binding = is_binding
        self.tokens = self.size
        self.peak = 0.0
        self._throttled = 0
        self._taken = 0.0
        self._minute: deque[float] = deque([0.0] * MINUTE, MINUTE)
        self._sum = 0.0

    def refill(self) -> None:
        """Begin a second."""
        self.tokens = min(self.size, self.tokens) + self.rate

    def raise_to(self, rate: float) -> None:
        """Raise the limit before the run, and the size of the bucket in proportion."""
        self.size *= rate / self.rate
        self.rate, self.tokens = rate, self.size

    def rest(self, seconds: int) -> None:
        """Let seconds pass in which nobody wants anything."""
        self.tokens = min(self.size, self.tokens + seconds * self.rate)
        if seconds >= MINUTE:
            self._minute.extend([0.0] * MINUTE)
            self._sum = 0.0

    def take(self, amount: float) -> None:
        """Use tokens."""
        self.tokens = max(0.0, self.tokens - amount)
        self._taken += amount

    def end(self, now: int, short: bool) -> None:
        """End a second. `short`: somebody wanted more than there was."""
        self._throttled += short
        self._sum += self._taken - self._minute[0]
        self._minute.append(self._taken)
        self.peak = max(self.peak, self._sum / MINUTE)
        self._taken = 0.0

    def seen(self) -> Seen:
        """What was seen since the last call."""
        seen = Seen(self.peak, self.peak / self.allowed, self._throttled)
        self.peak, self._throttled = 0.0, 0
        return seen

    @property
    def allowed(self) -> float:
        """The rate that the use is compared with."""
        return self.rate


class Environments(Bucket):
    """The environments of a function. A second of an environment is a token. New ones come at
    Lambda's scaling rate.
    """

    def __init__(self, name: str, quota: Quota, limit: float, scaling: Quota) -> None:
        super().__init__(name, quota, rate=limit)
        self.most = 0.0
        self._ready = 0.0
        self._scaling = scaling
        self._new = scaling.size

    def refill(self) -> None:
        """Begin a second with what is ready and what can be added."""
        self._new = min(self._scaling.size, self._new + self._scaling.rate)
        self.tokens = min(self.rate, self._ready + self._new)

    def end(self, now: int, short: bool) -> None:
        """End a second: keep the environments that were added."""
        self.most = max(self.most, self._taken)
        added = max(0.0, self._taken - self._ready)
        self._new -= added
        self._ready += added
        super().end(now, short)


class Pollers(Bucket):
    """The pollers of a mailbox. Each has one invocation at a time. More are added while all are
    busy, and some are given back when half of them are idle.
    """

    FEWEST = 5

    def __init__(self, name: str, quota: Quota, most: float) -> None:
        super().__init__(name, quota, rate=most)
        self._added = quota.rate
        self._fewest = self._present = float(self.FEWEST)

    def raise_to(self, rate: float) -> None:
        """Keep so many pollers at all times: the provisioned mode."""
        super().raise_to(rate)
        self._fewest = self._present = rate

    def refill(self) -> None:
        """Begin a second."""
        self.tokens = self._present

    def end(self, now: int, short: bool) -> None:
        """End a second."""
        idle = self._taken < self._present / 2
        step = self._added if short else -self._added if idle else 0.0
        self._present = min(self.rate, max(self._fewest, self._present + step))
        super().end(now, short)


class Growing(Bucket):
    """The units of an on-demand table: twice the peak of half an hour ago, at least what a new
    table has, at most the quota.
    """

    MINUTES_TO_DOUBLE = 30

    def __init__(self, name: str, quota: Quota, most: float) -> None:
        super().__init__(name, quota)
        self.new = self.rate
        self.most = max(most, self.rate)
        self._peaks: deque[float] = deque(maxlen=self.MINUTES_TO_DOUBLE)
        self._peak_then = 0.0

    def raise_to(self, rate: float) -> None:
        """Set the warm throughput, before the run. It may need a higher quota."""
        super().raise_to(rate)
        self.new, self.most = rate, max(self.most, rate)

    def refill(self) -> None:
        """Begin a second."""
        self.rate = min(self.most, max(self.new, 2 * self._peak_then))
        super().refill()

    def rest(self, seconds: int) -> None:
        """Let seconds pass in which nobody wants anything."""
        super().rest(seconds)
        if seconds >= MINUTE * self.MINUTES_TO_DOUBLE:
            self._peak_then = self.peak

    def end(self, now: int, short: bool) -> None:
        """End a second. Once a minute the peak is noted."""
        super().end(now, short)
        if now % MINUTE == 0:
            if len(self._peaks) == self._peaks.maxlen:
                self._peak_then = max(self._peak_then, self._peaks[0])
            self._peaks.append(self.peak)

    @property
    def allowed(self) -> float:
        """What a new table has."""
        return self.new


@dataclass
class Station:
    """A step with its queue. `needs`: what one order takes of each bucket.

    A station that `refuses` keeps no queue: what it cannot serve at once, the caller is told.
    """

    name: str
    needs: Mapping[Bucket, float]
    refuses: bool = False
    arrived: float = 0.0
    served: float = 0.0
    refused: float = 0.0
    waiting: float = 0.0
    worst_age: int = 0
    most_waiting: float = 0.0
    longest_backlog: int = 0
    granted: float = 0.0
    served_now: float = 0.0
    _cohorts: deque[list[float]] = field(default_factory=deque)
    _coming: deque[list[float]] = field(default_factory=deque)
    _backlog_since: int | None = None

    def send(self, at: int, amount: float) -> None:
        """Let orders arrive at a later second."""
        self._coming.append([at, amount])

    def arrive(self, now: int, amount: float = 0.0) -> None:
        """Take what arrives in this second."""
        while self._coming and self._coming[0][0] <= now:
            amount += self._coming.popleft()[1]
        if amount > 0:
            self.arrived += amount
            self.waiting += amount
            self._cohorts.append([now, amount])

    def possible(self) -> float:
        """What could be served in this second if nobody else wanted anything."""
        limits = (b.tokens / need for b, need in self.needs.items() if b.is_binding)
        return min((self.waiting, *limits))

    def held_back_by(self) -> Iterator[Bucket]:
        """The empty buckets that somebody here still waits for."""
        if self.waiting - self.granted > NEARLY_NONE:
            for bucket in self.needs:
                if bucket.is_binding and bucket.tokens <= NEARLY_NONE * bucket.rate:
                    yield bucket

    def serve(self, now: int) -> None:
        """Serve the oldest, as many as were granted. The rest waits, or is refused."""
        amount = min(self.waiting, self.granted)
        self.granted = 0.0
        self.served += amount
        self.served_now = amount
        self.waiting -= amount
        while self._cohorts and amount > 0:
            part = min(amount, self._cohorts[0][1])
            amount -= part
            self._cohorts[0][1] -= part
            if self._cohorts[0][1] <= TINY:
                self._cohorts.popleft()
        if self.refuses or self.waiting <= TINY:
            self.refused += max(0.0, self.waiting)
            self.waiting = 0.0
            self._cohorts.clear()
        self._watch(now)

    def _watch(self, now: int) -> None:
        self.most_waiting = max(self.most_waiting, self.waiting)
        if not self._cohorts:
            self._backlog_since = None
            return
        self.worst_age = max(self.worst_age, now - int(self._cohorts[0][0]))
        since = self._backlog_since = now if self._backlog_since is None else self._backlog_since
        self.longest_backlog = max(self.longest_backlog, now - since + 1)

    @property
    def under_way(self) -> float:
        """What waits here, or is on its way here."""
        return self.waiting + sum(amount for _, amount in self._coming)

    def next_arrival(self) -> int | None:
        """The second at which something arrives that is on its way."""
        return int(self._coming[0][0]) if self._coming else None


def share_out(stations: Sequence[Station], now: int) -> set[Bucket]:
    """Serve what the buckets allow in one second. Returns the buckets that were exhausted.

    Those who want the same bucket get the same part of what they want, and nobody wants more than
    its own buckets would allow it alone. When a bucket is empty, the others go on without those who
    need it.
    """
    wants = {station.name: station.possible() for station in stations}
    active, given = list(stations), 0.0
    while active:
        asked: dict[Bucket, float] = {}
        for station in active:
            for bucket, need in station.needs.items():
                asked[bucket] = asked.get(bucket, 0.0) + wants[station.name] * need
        parts = {
            bucket: bucket.tokens / amount
            for bucket, amount in asked.items()
            if bucket.is_binding and amount > TINY
        }
        scarcest = min(parts, key=parts.__getitem__, default=None)
        part = 1.0 - given if scarcest is None else min(1.0 - given, parts[scarcest])
        for bucket, amount in asked.items():
            bucket.take(part * amount)
        for station in active:
            station.granted += part * wants[station.name]
        given += part
        if given >= 1.0 - TINY or scarcest is None:
            break
        active = [station for station in active if scarcest not in station.needs]
    exhausted = {bucket for station in stations for bucket in station.held_back_by()}
    for station in stations:
        station.serve(now)
    return exhausted
