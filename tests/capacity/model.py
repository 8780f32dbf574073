"""The life of orders under a load, second by second."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.capacity.arrivals import MIDNIGHT, OPEN, SETTLEMENT, Load
from tests.capacity.flow import TINY, Bucket, Seen, Station, share_out
from tests.capacity.limits import COMPARISONS, PLANS, SWEEPS, Limits
from tests.capacity.measured import PlainOrder
from trading.domain.orders.attention import FIRST_LOOK_AFTER

HOP_SECONDS = 1
"""What is served in a second arrives at the next step in the following one."""
VENUE_SECONDS = 1
"""Assumed: an exchange reports the execution so long after it took the order."""
SWEPT_AFTER = int(FIRST_LOOK_AFTER.total_seconds())
LATEST = 3 * MIDNIGHT
"""A run that is not over by then has a backlog for ever."""
LASTING_SECONDS = 60
BY_DAY = ("log in", "accept", "sweep", "execute", "report", "book fill", "clear", "publish", "log")
LAST = {"clear": "cleared_by", "settle": "settled_by", "reconcile": "compared_by"}
"""The attribute of a run that has the second in which a step was last at work."""
IN_THE_EVENING = ("plan", "settle", "reconcile")


class Throttled(NamedTuple):
    """A bucket, the second since the open, and the orders that arrived in it."""

    bucket: str
    second: int
    rate: float


@dataclass
class Run:
    """A run of the model: its stations and its buckets. `deferred`: accepted orders whose workflow
    could not start at once. `most_open`: the most orders that were accepted and not cleared.
    """

    load: Load
    order: PlainOrder
    limits: Limits
    stations: Mapping[str, Station]
    deferred: float = 0.0
    most_open: float = 0.0
    first: dict[str, tuple[int, float]] = field(default_factory=dict)
    """When a bucket first held somebody back: the second, and the orders that arrived in it."""
    by_day: Mapping[str, Seen] = field(default_factory=dict)
    in_the_evening: Mapping[str, Seen] = field(default_factory=dict)
    """What was seen of each bucket before the settlement cycle, and from then on."""
    cleared_by: int = OPEN
    settled_by: int = SETTLEMENT
    compared_by: int = SETTLEMENT
    buckets: list[Bucket] = field(default_factory=list)

    @property
    def arrived(self) -> float:
        """The orders that clients sent."""
        return self.stations["accept"].arrived

    @property
    def accepted(self) -> float:
        """The orders that were accepted."""
        return self.stations["accept"].served

    @property
    def refused(self) -> float:
        """The orders that were answered with an error, mostly 429."""
        return self.stations["accept"].refused

    @property
    def cleared(self) -> float:
        """The orders that came to their end."""
        return self.stations["clear"].served

    @property
    def first_throttled(self) -> Throttled | None:
        """The first bucket that held orders back for a minute or longer on their day. Of several
        that did so at once, the one that fewer orders fill.
        """
        lasting = [name for name, seen in self.by_day.items() if seen.throttled >= LASTING_SECONDS]
        if not lasting:
            return None
        full_at = {
            bucket.name: bucket.rate / (self.need(bucket) or TINY) for bucket in self.buckets
        }
        name = min(lasting, key=lambda name: (self.first[name][0], full_at[name]))
        second, rate = self.first[name]
        return Throttled(name, second - OPEN, rate)

    def seen(self) -> dict[str, Seen]:
        """What was seen of each bucket since the last call."""
        return {bucket.name: bucket.seen() for bucket in self.buckets}

    def need(self, bucket: Bucket) -> float:
        """What an order takes of a bucket on its day, from the log-in to clearing."""
        steps = (name for name in BY_DAY if name != "sweep")
        taken = sum(self.stations[name].needs.get(bucket, 0.0) for name in steps)
        return taken + (bucket is self.limits.starts)

    @property
    def under_way(self) -> float:
        """The accepted orders that are somewhere between acceptance and clearing."""
        between = ("sweep", "execute", "report", "book fill", "clear")
        return sum(self.stations[name].under_way for name in between)


def build(load: Load, order: PlainOrder, raised: Mapping[str, float] | None = None) -> Run:
    """A run that has not begun. `raised`: higher rates by the name of the bucket."""
    limits = Limits(order, raised or {})
    needs = {name: limits.step(name) for name in order.steps}
    accepting = dict(needs.pop("accept"))
    for bucket, need in needs.pop("authorize").items():
        accepting[bucket] = accepting.get(bucket, 0.0) + need
    needs["accept"] = accepting
    needs["sweep"] = {limits.plain(SWEEPS): 1.0, limits.starts: 1.0}
    needs["plan"] = {limits.plain(PLANS): 1.0}
    needs["reconcile"][limits.plain(COMPARISONS)] = 1.0
    stations = {
        name: Station(name, needs[name], refuses=name == "accept")
        for name in (*BY_DAY, *IN_THE_EVENING)
    }
    run = Run(load, order, limits, stations)
    run.buckets = list(limits.buckets.values())
    return run


def play(load: Load, order: PlainOrder, raised: Mapping[str, float] | None = None) -> Run:
    """Play a load from the open until everything is done."""
    run = build(load, order, raised)
    idle = 0
    for now in range(OPEN, LATEST):
        arriving = load.rate(now)
        due = [s.next_arrival() for s in run.stations.values()]
        is_idle = (
            not arriving
            and now != SETTLEMENT
            and all(s.waiting <= TINY for s in run.stations.values())
            and all(at is None or at > now for at in due)
        )
        if is_idle:
            if now > SETTLEMENT and all(at is None for at in due):
                break
            idle += 1
            continue
        for bucket in run.buckets:
            if idle:
                bucket.rest(idle)
            bucket.refill()
        idle = 0
        if now == SETTLEMENT:
            run.by_day = run.seen()
        _second(run, now, arriving)
    run.in_the_evening = run.seen()
    return run


def _second(run: Run, now: int, arriving: float) -> None:
    stations = run.stations
    for name, station in stations.items():
        station.arrive(now, arriving if name in ("log in", "accept") else 0.0)
        station.served_now = 0.0
    if now == SETTLEMENT:  # what was cleared a day before, which was as much
        stations["plan"].arrive(now, stations["clear"].served)
    busy = [station for station in stations.values() if station.waiting > 0]
    short = share_out(busy, now)
    short |= _start(run, now)
    for name, follower, seconds in (
        ("execute", "report", VENUE_SECONDS),
        ("report", "book fill", HOP_SECONDS),
        ("book fill", "clear", HOP_SECONDS),
        ("clear", "publish", HOP_SECONDS),
        ("publish", "log", HOP_SECONDS),
        ("sweep", "execute", HOP_SECONDS),
        ("plan", "settle", HOP_SECONDS),
        ("settle", "reconcile", 0),
    ):
        if served := stations[name].served_now:
            stations[follower].send(now + seconds, served)
    for bucket in run.buckets:
        bucket.end(now, bucket in short)
    for bucket in short:
        run.first.setdefault(bucket.name, (now, arriving))
    run.most_open = max(run.most_open, run.accepted - run.cleared)
    for name, attribute in LAST.items():
        if stations[name].served_now:
            setattr(run, attribute, now)


def _start(run: Run, now: int) -> set[Bucket]:
    """Start the workflows of what was accepted. An order whose workflow does not start stays
    accepted, and the sweeper starts it.
    """
    accepted, starts = run.stations["accept"].served_now, run.limits.starts
    started = min(accepted, starts.tokens)
    if started:
        starts.take(started)
        run.stations["execute"].send(now + HOP_SECONDS, started)
    left = accepted - started
    if left <= TINY:
        return set()
    run.deferred += left
    run.stations["sweep"].send(now + SWEPT_AFTER, left)
    return {starts}
