"""An execution that an exchange reports is booked once."""

from datetime import timedelta

import pytest

from tests.fakes.builders import D, make_instrument
from tests.fakes.faults import CrashError
from tests.fakes.world import World
from tests.unit.usecases.execution.reported import breaks, canceled, deliver, trade
from trading.domain.ledger import BreakCode
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side, TimeInForce
from trading.wire import ExecType


def test_a_fill_changes_order_account_position_and_ledger_together(world: World) -> None:
    order = world.placed()
    world.fill(order, 40, "99.50")
    partial = world.current(order)
    assert (partial.status, partial.filled_quantity, partial.fees) == (
        OrderStatus.PARTIALLY_FILLED,
        40,
        D("0.12"),
    )
    assert world.books.account("alice").total == D("100000.00") - D("3980.12")
    assert world.books.position("alice", "AAPL").quantity == 1040
    assert world.findings() == []
    world.fill(order, 60, "100.00")
    assert world.current(order).filled_quantity == 100
    assert world.books.account("alice").held == 0
    assert world.health.observed == [("ARCX", 1)]
    assert world.findings() == []


def test_a_duplicate_report_changes_nothing(world: World) -> None:
    order = world.placed()
    report = world.fill(order, 40)
    before = dict(world.books.items)
    world.report(report)
    assert world.books.items == before
    assert world.monitor.times("FillsRepeated") == 1


def test_a_contradiction_that_comes_again_raises_no_second_alarm(world: World) -> None:
    order = world.placed()
    report = world.fill(order, 40)
    for _ in range(3):
        world.report(report.model_copy(update={"last_quantity": 41}))
    assert breaks(world) == [BreakCode.EXECUTION_CHANGED]
    assert world.monitor.times("Breaks") == 1


def test_two_exchanges_may_give_their_executions_the_same_id(world: World) -> None:
    order = world.placed(quantity=700)
    first, second = (trade(world, order, 200, child=child) for child in (1, 2))
    assert first.exchange_id != second.exchange_id
    for report in (first, second, first, second):
        world.report(report.model_copy(update={"execution_id": "execution-1"}))
    assert world.current(order).filled_quantity == 400
    assert (world.monitor.times("FillsRepeated"), breaks(world)) == (2, [])


def test_reports_may_arrive_in_any_order(world: World) -> None:
    order = world.placed()
    first, second, third = (trade(world, order, quantity) for quantity in (10, 20, 70))
    for report in (third, first, second):
        world.report(report)
    assert world.current(order).status is OrderStatus.CLEARED
    assert world.findings() == []


def test_an_end_reported_before_the_last_fill_waits_for_it(world: World) -> None:
    order = world.placed()
    last = trade(world, order, 30)
    world.report(canceled(world, order))
    assert world.current(order).is_open
    assert world.books.account("alice").held == D("10000.30"), (
        "30 may still be filled, so the fate of 70 is open"
    )
    world.report(last)
    ended = world.current(order)
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELED, 30)
    assert world.books.account("alice").held == 0
    assert breaks(world) == []
    assert world.findings() == []


def test_an_exchange_can_expire_a_partly_filled_order(world: World) -> None:
    order = world.placed()
    world.fill(order, 30)
    world.report(world.exchanges.end(f"{order.order_id}-1", ExecType.EXPIRED))
    ended = world.current(order)
    assert (ended.status, ended.filled_quantity, ended.cleared_at) == (
        OrderStatus.EXPIRED,
        30,
        world.now,
    )
    assert world.books.account("alice").notional_today == D("3000.00")
    assert world.findings() == []


def test_an_order_split_over_exchanges_ends_when_the_last_part_does(world: World) -> None:
    order = world.placed(quantity=700)
    world.report(canceled(world, order, child=2))
    assert world.current(order).status is OrderStatus.ROUTING
    world.fill(order, 500, child=1)
    assert (world.current(order).status, world.current(order).filled_quantity) == (
        OrderStatus.CANCELED,
        500,
    )
    assert world.findings() == []


def test_a_repeated_execution_with_the_price_written_differently_is_a_duplicate(
    world: World,
) -> None:
    order = world.placed()
    report = world.fill(order, 40, "99.5")
    world.report(report.model_copy(update={"last_price": D("99.5000")}))
    assert breaks(world) == []


def test_an_acknowledgement_changes_nothing(world: World) -> None:
    order = world.placed()
    report = trade(world, order, 40).model_copy(update={"exec_type": ExecType.NEW})
    world.report(report)
    assert world.current(order) == order


@pytest.mark.parametrize("after", [False, True])
def test_a_report_is_booked_once_although_its_worker_dies(world: World, after: bool) -> None:
    order = world.placed()
    report = trade(world, order, 100)
    (world.faults.after if after else world.faults.before)("books.commit")
    with pytest.raises(CrashError):
        deliver(world, report)
    assert (world.current(order).filled_quantity == 100) is after
    deliver(world, report)
    world.run()
    assert world.current(order).status is OrderStatus.CLEARED
    assert world.findings() == []


def test_a_sale_takes_the_held_shares(world: World) -> None:
    order = world.placed(side=Side.SELL, quantity=400, time_in_force=TimeInForce.IOC)
    world.fill(order, 150, "100.10")
    world.show("AAPL")
    world.report(canceled(world, order))
    position = world.books.position("alice", "AAPL")
    assert (position.available, position.held, position.unsettled) == (850, 0, -150)
    assert world.books.account("alice").unsettled == D("15014.55")
    assert world.findings() == []


def test_a_fill_that_happened_after_the_close_settles_a_day_later(world: World) -> None:
    world.books.instruments = {"AAPL": make_instrument(trading_hours="continuous")}
    order = world.placed(time_in_force=TimeInForce.GTC)
    world.now += timedelta(hours=7)
    report = world.fill(order, 100)
    fill = next(e for e in world.books.ledger() if e.kind == "FILL")
    assert fill.executed_at == report.transact_time
    assert (fill.trade_date.isoformat(), fill.settlement_date.isoformat()) == (
        "2026-11-24",
        "2026-11-25",
    )


def test_the_first_reported_end_of_a_child_stands(world: World) -> None:
    order = world.placed()
    fills = [trade(world, order, 30)]
    world.report(canceled(world, order))
    world.report(
        world.exchanges.end(f"{order.order_id}-1", ExecType.EXPIRED).model_copy(
            update={"cumulative_quantity": 0}
        )
    )
    assert world.current(order).children[0].ending == "CANCELED"
    assert len(world.health.observed) == 1
    world.report(fills[0])
    assert (world.current(order).status, world.current(order).filled_quantity) == (
        OrderStatus.CANCELED,
        30,
    )
