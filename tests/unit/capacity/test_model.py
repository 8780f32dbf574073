"""The model forgets no step, loses no order, and never gets worse with a higher limit."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.catalog.functions import SERVICES, SIMULATORS
from infra.catalog.names import MAILBOXES
from infra.catalog.tables import SIMULATOR_TABLES, TABLES
from tests.benchmarks.lifecycle import Stage
from tests.capacity import arrivals, limits, measured, model, quotas, report, requests
from tests.capacity.arrivals import OPEN
from tests.capacity.measured import CALLS, UNITS
from trading.bootstrap.settings import ComparisonSettings
from trading.usecases.posttrade.reconcile_settlement import MOST_PAGES

ORDER = measured.plain_order()
PAGE = dict(measured._tables(measured.COSTS.read_text()))
OURS = [row for row in PAGE[CALLS] if row["function"] not in SIMULATORS]
RUSH = arrivals.flat(3000, 60)
SMALL = arrivals.flat(600, 60)
STARTS = f"{quotas.EXPRESS_STARTS.service}: {quotas.EXPRESS_STARTS.name}"


@pytest.fixture(scope="module")
def rush() -> model.Run:
    """A minute of the rate at the open."""
    return model.play(RUSH, ORDER)


NOT_OF_AN_ORDER = (Stage.PLAN, Stage.TICK, Stage.PUSH)
"""The model's clients are not connected to the stream."""


def test_every_step_of_the_benchmark_is_in_the_model(rush: model.Run) -> None:
    driven = {str(stage) for stage in Stage if stage not in NOT_OF_AN_ORDER}
    assert ORDER.steps.keys() == driven
    assert driven - rush.stations.keys() == {"authorize"}, "a part of accept"


def test_every_function_of_a_plain_order_has_its_limit(rush: model.Run) -> None:
    names = {bucket.name for bucket in rush.buckets}
    for function in {row["function"] for row in OURS} - {"settlement_reconcile"}:
        assert f"Lambda: environments of {function}" in names
    assert limits.COMPARISONS.name in " ".join(names), "the reconciliation is one long invocation"


def test_every_queue_of_a_plain_order_has_its_limit(rush: model.Run) -> None:
    names = {bucket.name for bucket in rush.buckets}
    for mailbox in MAILBOXES:
        assert f"SQS: an API action of {mailbox}.fifo" in names
        assert f"Lambda: pollers of {mailbox}.fifo" in names


def test_every_table_and_index_of_a_plain_order_has_its_limit(rush: model.Run) -> None:
    names = {bucket.name for bucket in rush.buckets}
    for row in PAGE[UNITS]:
        table, _, index = row["table or index"].partition("/")
        if table in SIMULATOR_TABLES:
            continue
        assert table in TABLES
        assert not index or index in TABLES[table].indexes
        for kind in ("write", "read"):
            if row[f"{kind} units"]:
                assert f"DynamoDB: {kind} units of {row['table or index']}" in names


def test_the_units_by_table_are_those_of_each_step() -> None:
    for step in measured._tables(measured.COSTS.read_text()):
        if step[0] != measured.STEPS:
            continue
        for row in step[1]:
            if row[""] == "ours" and row["step"] != "all":
                mine = ORDER.steps[row["step"]].units
                for kind in ("write", "read"):
                    total = sum(getattr(each, f"{kind}_units") for each in mine)
                    assert total == pytest.approx(float(row[f"{kind} units"] or 0), abs=2e-4)


@pytest.mark.parametrize("operation", ["StartExecution", "TransactWriteItems"])
def test_calls_are_those_of_the_page(operation: str) -> None:
    listed = sum(float(row["calls"]) for row in OURS if row["operation"].endswith(operation))
    assert ORDER.calls(operation) == listed > 0


def test_a_page_without_a_table_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "costs.md"
    page.write_text(measured.COSTS.read_text().replace(f"**{UNITS}**", "**Other**"))
    with pytest.raises(measured.UnreadableError, match=UNITS):
        measured.plain_order(page)


@pytest.mark.parametrize("load", [RUSH, SMALL], ids=lambda load: str(load.name))
def test_what_arrives_is_refused_waits_or_is_cleared(load: arrivals.Load) -> None:
    run = model.play(load, ORDER)
    assert run.arrived == pytest.approx(load.orders)
    assert run.arrived == pytest.approx(run.refused + run.accepted)
    assert run.accepted == pytest.approx(run.cleared)
    assert run.under_way == pytest.approx(0, abs=1e-3)
    assert run.stations["settle"].served == pytest.approx(run.stations["plan"].served)


def test_nothing_is_lost_while_orders_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums agree in each second, not only at the end."""
    step = model._second

    def checked(run: model.Run, now: int, arriving: float) -> None:
        step(run, now, arriving)
        if now < OPEN + 300:
            assert run.accepted == pytest.approx(run.cleared + run.under_way)

    monkeypatch.setattr(model, "_second", checked)
    model.play(SMALL, ORDER)


def test_a_rush_starts_all_workflows_at_once(rush: model.Run) -> None:
    assert rush.accepted > 0
    assert rush.deferred == 0


def test_orders_whose_workflow_cannot_start_wait_for_the_sweeper() -> None:
    """The bucket holds 300 and gets 300 a second: of a minute's orders, 18,300 start at once."""
    run = model.play(RUSH, ORDER, {STARTS: 300})
    assert run.accepted - run.deferred == pytest.approx(300 + 60 * 300)
    assert run.stations["sweep"].served == pytest.approx(run.deferred)


def test_with_more_starts_the_sweeper_has_less_to_start() -> None:
    few, more = (model.play(RUSH, ORDER, {STARTS: rate}) for rate in (300, 600))
    assert more.stations["sweep"].worst_age < few.stations["sweep"].worst_age


def test_a_low_rate_meets_no_limit() -> None:
    run = model.play(arrivals.flat(30, 60), ORDER)
    assert run.first_throttled is None
    assert run.refused == 0
    assert max(station.worst_age for station in run.stations.values()) < 60


def _raised(run: model.Run, factor: float) -> Mapping[str, float]:
    return {bucket.name: factor * bucket.allowed for bucket in run.buckets}


@pytest.mark.parametrize(
    ("quota", "steps"),
    [
        (quotas.CALLBACK_ROUTE, ("report",)),
        (quotas.LOG_IN_ROUTE, ("log in",)),
    ],
    ids=lambda value: value.name if isinstance(value, quotas.Quota) else "",
)
def test_a_higher_limit_never_makes_those_older_who_wait_for_it(
    quota: quotas.Quota, steps: tuple[str, ...]
) -> None:
    name = f"{quota.service}: {quota.name}"
    lower, higher = (model.play(RUSH, ORDER, {name: part * quota.rate}) for part in (0.5, 2))
    for step in steps:
        assert higher.stations[step].worst_age < lower.stations[step].worst_age


def test_a_higher_limit_of_the_route_refuses_fewer(rush: model.Run) -> None:
    name = f"{quotas.ORDERS_ROUTE.service}: {quotas.ORDERS_ROUTE.name}"
    higher = model.play(RUSH, ORDER, {name: 2 * quotas.ORDERS_ROUTE.rate})
    assert higher.refused < rush.refused


def test_with_all_limits_higher_no_queue_gets_older(rush: model.Run) -> None:
    doubled = model.play(RUSH, ORDER, _raised(rush, 2))
    tenfold = model.play(RUSH, ORDER, _raised(rush, 10))
    assert tenfold.refused == 0
    for name in model.BY_DAY:
        assert tenfold.stations[name].worst_age <= doubled.stations[name].worst_age
    # A faster plan makes the clients' mailboxes longer, and everything is settled sooner.
    assert tenfold.settled_by <= doubled.settled_by
    assert tenfold.compared_by <= doubled.compared_by
    assert tenfold.stations["clear"].worst_age == 0


def test_a_higher_limit_of_the_callbacks_makes_reports_no_later() -> None:
    """At a rate that the other limits allow, the worst age falls as the limit rises."""
    name = f"{quotas.CALLBACK_ROUTE.service}: {quotas.CALLBACK_ROUTE.name}"
    load = arrivals.flat(290, 120)
    ages = []
    for rate in (200, 400, 800):
        run = model.play(load, ORDER, {name: rate})
        ages.append(max(run.stations[step].worst_age for step in ("report", "book fill", "clear")))
    assert ages == sorted(ages, reverse=True)
    assert ages[0] > ages[-1]


def test_all_that_is_asked_for_is_enough(rush: model.Run) -> None:
    afterwards = model.play(RUSH, ORDER, requests.raised(rush))
    assert afterwards.refused == pytest.approx(0, abs=1e-6)
    assert afterwards.deferred == 0
    assert {each.bucket for each in requests.excesses(afterwards)} == {
        bucket.name
        for bucket in afterwards.buckets
        if bucket.name.startswith("Lambda: pollers of e")
    }, "the need for pollers is that they are there at once"


def test_every_excess_has_a_unit_and_says_what_to_do(rush: model.Run) -> None:
    for excess in requests.excesses(rush):
        assert excess.unit
        assert re.match(r"Set |Request: |Change |Look |\d", excess.what_to_do), excess


def source_of(function: str) -> str:
    """The handler cannot be imported without its settings."""
    return (measured.COSTS.parents[2] / "functions" / function / "handler.py").read_text()


def test_the_sweeper_pushes_its_part_in_the_time_that_its_handler_gives_it() -> None:
    assert f"A_MINUTES_SWEEP_SECONDS = {limits.A_SWEEP}\n" in source_of("sweeper")
    assert limits.ORDERS_PER_INVOCATION * limits.A_PUSH < limits.A_SWEEP
    assert limits.SWEEPS.rate >= 300


def test_a_million_resting_orders_are_ended_in_the_evening(rush: model.Run) -> None:
    part = report.A_PART_OF_THE_CLOSE
    assert f"A_PART = timedelta(seconds={part})\n" in source_of("day_close")
    assert 2 * part < SERVICES["day_close"].timeout
    *_, (resting, asked, _, ended) = report.close_of_the_day(rush).rows
    assert resting == "1,000,000"
    assert int(asked.split()[0]) < int(ended.split()[0]) < 60
    assert asked.endswith(" min")
    assert ended.endswith(" min")


def test_a_page_of_the_comparison_ends_far_within_its_time() -> None:
    page = ComparisonSettings.model_fields["confirmations_per_page"].default
    assert 10 * page / limits.COMPARISONS.rate < SERVICES["settlement_reconcile"].timeout
    pages = arrivals.ORDERS_A_DAY / page
    assert 10 * pages * report.EVENTS_OF_A_PAGE < report.HISTORY
    assert MOST_PAGES * report.EVENTS_OF_A_PAGE < report.HISTORY


def test_the_day_has_its_orders_and_its_rush() -> None:
    day = arrivals.day()
    assert day.orders == pytest.approx(arrivals.ORDERS_A_DAY)
    assert day.rate(OPEN) == arrivals.AT_THE_OPEN
    assert day.rate(OPEN - 1) == day.rate(arrivals.CLOSE) == 0
    assert 100 < day.rate(OPEN + 120) < 300
