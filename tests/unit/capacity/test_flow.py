"""The parts of the capacity model against hand computations."""

from datetime import date

import pytest

from tests.capacity.flow import (
    Bucket,
    Environments,
    Growing,
    Pollers,
    Station,
    share_out,
)
from tests.capacity.quotas import Quota, Raised

DAY = date(2026, 11, 30)
SCALING = Quota("Lambda", "scaling", 100, "environments/s", "here", Raised.NEVER, burst=1000)


def quota(rate: float, burst: float | None = None) -> Quota:
    return Quota("AWS", "a quota", rate, "requests/s", "here", Raised.NEVER, burst, DAY)


def second(stations: list[Station], buckets: list[Bucket], now: int, arriving: float) -> None:
    """A second in which orders arrive at the first station."""
    for bucket in buckets:
        bucket.refill()
    for station in stations:
        station.arrive(now, arriving if station is stations[0] else 0.0)
    short = share_out([station for station in stations if station.waiting], now)
    for bucket in buckets:
        bucket.end(now, bucket in short)


def test_a_full_bucket_gives_its_burst_once_and_then_its_rate() -> None:
    starts = Bucket("starts", quota(300, burst=1300))
    station = Station("accept", {starts: 1.0}, refuses=True)
    served = []
    for now in range(3):
        second([station], [starts], now, 3000)
        served.append(station.served_now)
    assert served == [1600, 300, 300]
    assert station.refused == 9000 - 2200


def test_an_unused_bucket_refills_up_to_its_size() -> None:
    starts = Bucket("starts", quota(300, burst=1300))
    starts.refill()
    starts.take(1600)
    starts.rest(2)
    assert starts.tokens == 600
    starts.rest(100)
    assert starts.tokens == 1300


def test_a_queue_drains_at_the_rate_that_is_left() -> None:
    """3,000 arrive in one second, 100 a second afterwards, 400 a second are served: 2,600 are
    left, and go down by 300 a second. So it takes 9 more seconds.
    """
    bucket = Bucket("b", quota(400))
    station = Station("clear", {bucket: 1.0})
    second([station], [bucket], 0, 3000)
    assert station.waiting == 2600
    now = 0
    while station.waiting:
        now += 1
        second([station], [bucket], now, 100)
    assert now == 9
    assert station.longest_backlog == 9


def test_the_oldest_are_served_first_and_the_age_is_that_of_the_oldest() -> None:
    """Of 1,000 that arrive at once, 100 a second are served: the last ones wait nine seconds."""
    bucket = Bucket("b", quota(100))
    station = Station("clear", {bucket: 1.0})
    for now in range(20):
        second([station], [bucket], now, 1000 if now == 0 else 0)
    assert station.worst_age == 8  # after the ninth second, some are left that came in the first
    assert station.most_waiting == 900
    assert station.served == 1000


def test_concurrency_is_rate_times_duration() -> None:
    """Little's law: 400 orders a second of a quarter of a second keep 100 environments busy."""
    pool = Environments("env", quota(1000), 1000, SCALING)
    station = Station("execute", {pool: 0.25})
    for now in range(3):
        second([station], [pool], now, 400)
    assert pool.most == 100
    assert station.waiting == 0


def test_environments_come_at_the_scaling_rate() -> None:
    pool = Environments("env", quota(5000), 5000, SCALING)
    station = Station("execute", {pool: 1.0}, refuses=True)
    served = []
    for now in range(3):
        second([station], [pool], now, 5000)
        served.append(station.served_now)
    assert served == [1000, 1100, 1200]


def test_pollers_are_added_while_all_are_busy() -> None:
    pollers = Pollers("p", quota(5), 1250)
    station = Station("execute", {pollers: 1.0})
    served = []
    for now in range(4):
        second([station], [pollers], now, 100)
        served.append(station.served_now)
    assert served == [5, 10, 15, 20]


def test_provisioned_pollers_are_there_from_the_start() -> None:
    pollers = Pollers("p", quota(5), 1250)
    pollers.raise_to(100)
    station = Station("execute", {pollers: 1.0})
    second([station], [pollers], 0, 100)
    assert station.served_now == 100


def test_a_table_doubles_half_an_hour_after_its_peak() -> None:
    table = Growing("t", quota(4000), most=40_000)
    station = Station("write", {table: 1.0}, refuses=True)
    for now in range(32 * 60):
        second([station], [table], now, 10_000)
    assert station.served_now == 8000


def test_those_who_want_the_same_get_the_same_part_of_what_they_want() -> None:
    shared = Bucket("shared", quota(300))
    one, other = Station("one", {shared: 1.0}), Station("other", {shared: 1.0})
    one.arrive(0, 100)
    other.arrive(0, 300)
    shared.refill()
    assert share_out([one, other], 0) == {shared}
    assert (one.served_now, other.served_now) == (75, 225)


@pytest.mark.parametrize(
    ("rate", "served", "exhausted"),
    [(400, (50, 300), {"own"}), (280, (50 * 280 / 330, 280 * 280 / 330), {"shared"})],
    ids=["enough for both", "too little for both"],
)
def test_what_one_cannot_use_the_other_gets(
    rate: float, served: tuple[float, float], exhausted: set[str]
) -> None:
    shared, own = Bucket("shared", quota(rate)), Bucket("own", quota(50))
    one, other = Station("one", {shared: 1.0, own: 1.0}), Station("other", {shared: 1.0})
    for station in (one, other):
        station.arrive(0, 300)
    for bucket in (shared, own):
        bucket.refill()
    assert {bucket.name for bucket in share_out([one, other], 0)} == exhausted
    assert (one.served_now, other.served_now) == pytest.approx(served)


@pytest.mark.parametrize("burst", [None, 500.0])
def test_a_higher_rate_never_makes_a_queue_older(burst: float | None) -> None:
    ages = []
    for rate in (50, 100, 200, 400, 800):
        bucket = Bucket("b", quota(rate, burst))
        station = Station("clear", {bucket: 1.0})
        for now in range(300):
            second([station], [bucket], now, 1000 if now % 60 == 0 else 10)
        ages.append(station.worst_age)
    assert ages == sorted(ages, reverse=True)
    assert ages[0] > ages[-1]


def test_a_bucket_that_does_not_bind_only_counts() -> None:
    logs = Bucket("logs", quota(10), is_binding=False)
    station = Station("execute", {logs: 1.0})
    for now in range(60):
        second([station], [logs], now, 100)
    assert station.served == 6000
    assert logs.seen().use == 10
