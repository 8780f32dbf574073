"""An execution that an exchange reports is booked once or refused as a break."""

from datetime import timedelta

import pytest

from tests.fakes.builders import D, make_instrument
from tests.fakes.faults import CrashError
from tests.fakes.world import World
from trading.domain import identifiers
from trading.domain.ledger import Break
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side, TimeInForce
from trading.messages import PollOrder, ReportReceived
from trading.wire import ExecType, ExecutionReport


def breaks(world: World) -> list[str]:
    return [entry.code for entry in world.books.ledger() if isinstance(entry, Break)]


def deliver(world: World, report: ExecutionReport) -> None:
    world.execute(ReportReceived(client_id=report.account, correlation_id="c", report=report))


def trade(
    world: World, order: Order, quantity: int, price: str = "100.00", child: int = 1
) -> ExecutionReport:
    """Execute at the exchange. The report is still on its way."""
    return world.exchanges.fill(f"{order.order_id}-{child}", quantity, price)


def canceled(world: World, order: Order, child: int = 1) -> ExecutionReport:
    return world.exchanges.end(f"{order.order_id}-{child}", ExecType.CANCELED)


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


def test_a_fill_after_the_order_is_over_is_a_break_and_flags_it(world: World) -> None:
    order = world.placed()
    late = trade(world, order, 30)
    world.exchanges.states.pop(f"{order.order_id}-1")
    world.cancel(order)
    assert world.current(order).status is OrderStatus.CANCELED
    world.report(late)
    after = world.current(order)
    assert (after.status, after.filled_quantity, after.review_reason) == (
        OrderStatus.CANCELED,
        0,
        "OVERFILL",
    )
    assert breaks(world) == ["OVERFILL"]
    assert world.books.account("alice").total == D("100000.00")
    assert [f.invariant for f in world.findings()] == [5], "the only finding is the break itself"


@pytest.mark.parametrize("change", [{"last_quantity": 41}, {"last_price": D("99.00")}])
def test_a_repeated_execution_with_other_numbers_is_one_break(
    world: World, change: dict[str, object]
) -> None:
    order = world.placed()
    report = world.fill(order, 40)
    for _ in range(2):
        world.report(report.model_copy(update=change))
    assert breaks(world) == ["EXECUTION_CHANGED"]
    assert (world.current(order).filled_quantity, world.current(order).review_reason) == (
        40,
        "EXECUTION_CHANGED",
    )


def test_an_execution_of_one_order_reported_for_another_is_a_break(world: World) -> None:
    first = world.fill(world.placed(), 40)
    other = world.placed("key-2")
    said = trade(world, other, 40).model_copy(update={"execution_id": first.execution_id})
    for _ in range(2):
        world.report(said)
    assert (breaks(world), world.failures) == (["EXECUTION_CHANGED"], [])
    assert (world.current(other).filled_quantity, world.current(other).review_reason) == (
        0,
        "EXECUTION_CHANGED",
    )


def test_a_repeated_execution_with_the_price_written_differently_is_a_duplicate(
    world: World,
) -> None:
    order = world.placed()
    report = world.fill(order, 40, "99.5")
    world.report(report.model_copy(update={"last_price": D("99.5000")}))
    assert breaks(world) == []


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [(101, "100.00", "OVERFILL"), (100, "100.01", "PRICE_WORSE_THAN_LIMIT")],
)
def test_an_impossible_execution_is_a_break_and_books_nothing(
    world: World, quantity: int, price: str, code: str
) -> None:
    order = world.placed()
    report = trade(world, order, quantity, price)
    world.report(report)
    world.report(report)
    assert breaks(world) == [code], "the break is written once"
    assert (world.current(order).filled_quantity, world.current(order).review_reason) == (0, code)
    assert world.books.account("alice").total == D("100000.00")


@pytest.mark.parametrize(
    "forged",
    [
        {"client_order_id": "ord_unknown-1"},
        {"client_order_id": "-1"},
        {"account": "bob"},
        {"exchange_id": "XNAS"},
    ],
)
def test_a_report_that_matches_no_order_of_account_and_exchange_is_a_break(
    world: World, forged: dict[str, str]
) -> None:
    order = world.placed()
    report = trade(world, order, 40).model_copy(update=forged)
    world.report(report)
    world.report(report)
    assert breaks(world) == ["UNKNOWN_ORDER"]
    assert world.failures == []
    assert world.current(order).filled_quantity == 0


@pytest.mark.parametrize("missing", [{"last_quantity": 0}, {"last_price": None}])
def test_a_trade_without_quantity_or_price_is_a_break(
    world: World, missing: dict[str, object]
) -> None:
    order = world.placed()
    world.report(trade(world, order, 40).model_copy(update=missing))
    assert breaks(world) == ["MALFORMED_TRADE"]


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
    assert world.workflow.ended == {order.order_id: "SUCCEEDED"}
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


def test_a_refused_execution_does_not_keep_the_order_open(world: World) -> None:
    """The exchange believes that it executed 100. The books expect nothing more, and operators have
    the break.
    """
    order = world.placed()
    world.report(trade(world, order, 100, "100.01"))
    ended = world.current(order)
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELED, 0)
    assert world.books.account("alice").available == D("100000.00")
    assert [(f.invariant, f.message) for f in world.findings(expect_final=True)] == [
        (5, "break PRICE_WORSE_THAN_LIMIT: 100.01 against 100.00")
    ]


def test_after_a_refused_fill_the_rest_of_the_order_can_still_be_filled(world: World) -> None:
    order = world.placed()
    world.fill(order, 20)
    world.report(trade(world, order, 30, "100.01"))
    assert world.current(order).is_open
    world.fill(order, 50)
    assert (world.current(order).status, world.current(order).filled_quantity) == (
        OrderStatus.CANCELED,
        70,
    )
    assert [f.invariant for f in world.findings()] == [5], "the only finding is the break itself"


def test_a_fill_with_an_impossible_time_is_a_break(world: World) -> None:
    order = world.placed()
    report = trade(world, order, 100)
    world.report(
        report.model_copy(update={"transact_time": report.transact_time.replace(year=1999)})
    )
    assert breaks(world) == ["IMPLAUSIBLE_TIME"]


def test_a_report_of_another_symbol_or_side_is_a_break(world: World) -> None:
    order = world.placed()
    report = trade(world, order, 40)
    deliver(world, report.model_copy(update={"symbol": "MSFT"}))
    deliver(world, report.model_copy(update={"side": Side.SELL, "execution_id": "another"}))
    assert breaks(world) == ["OTHER_ORDER_REPORTED", "OTHER_ORDER_REPORTED"]
    assert world.current(order).filled_quantity == 0


@pytest.mark.parametrize("price", ["0", "-5.00"])
def test_a_trade_with_a_price_of_zero_or_less_is_a_break(world: World, price: str) -> None:
    order = world.placed()
    said = trade(world, order, 40).model_dump() | {"last_price": D(price)}
    deliver(world, ExecutionReport.model_validate(said))
    assert breaks(world) == ["MALFORMED_TRADE"]
    assert world.current(order).filled_quantity == 0


def test_after_a_refused_execution_the_state_that_the_exchange_answers_is_booked(
    world: World,
) -> None:
    order = world.placed()
    report = trade(world, order, 100)
    deliver(world, report.model_copy(update={"last_quantity": 101}))
    assert breaks(world) == ["OVERFILL"]
    assert world.current(order).status is OrderStatus.FILLED
    assert "exchanges.cancel" in world.faults.calls
    assert world.findings()[0].message.startswith("break OVERFILL")


def test_after_a_refused_execution_the_open_rest_is_canceled_at_the_exchange(
    world: World,
) -> None:
    order = world.placed()
    report = world.fill(order, 40)
    deliver(world, report.model_copy(update={"last_quantity": 101, "execution_id": "rogue"}))
    assert breaks(world) == ["OVERFILL"]
    assert (world.current(order).status, world.current(order).filled_quantity) == (
        OrderStatus.CANCELED,
        40,
    )
    assert "exchanges.cancel" in world.faults.calls


def test_after_a_refused_execution_the_order_stays_open_until_the_exchange_answers(
    world: World,
) -> None:
    order = world.placed()
    report = trade(world, order, 100)
    world.exchanges.down.add("ARCX")
    deliver(world, report.model_copy(update={"last_quantity": 101, "execution_id": "rogue"}))
    assert (breaks(world), world.current(order).is_open) == (["OVERFILL"], True)
    world.exchanges.down.clear()
    world.execute(PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id))
    assert world.current(order).status is OrderStatus.FILLED
    assert world.findings()[0].message.startswith("break OVERFILL")


def test_after_a_false_report_of_the_whole_child_a_silent_fill_of_it_is_found(
    world: World,
) -> None:
    """By our books the child is over, and by those of its exchange it is not."""
    order = world.placed(quantity=700)
    first, second = world.current(order).children
    report = trade(world, order, first.quantity)
    deliver(world, report.model_copy(update={"execution_id": "false", "last_price": D("100.01")}))
    assert breaks(world) == ["PRICE_WORSE_THAN_LIMIT"]
    assert world.current(order).is_open
    world.exchanges.fill(identifiers.child_order_id(order.order_id, 1), first.quantity, "100.00")
    world.execute(PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id))
    found = world.current(order)
    assert (found.filled_quantity, found.is_open) == (first.quantity, True)
    assert second.quantity == 700 - first.quantity


def test_a_report_of_another_symbol_does_not_reduce_the_open_quantity(
    world: World,
) -> None:
    order = world.placed()
    noise = trade(world, order, 40).model_copy(update={"symbol": "MSFT", "execution_id": "noise"})
    deliver(world, noise)
    world.report(trade(world, order, 60))
    assert world.current(order).filled_quantity == 60
    world.execute(PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id))
    assert world.current(order).status is OrderStatus.FILLED
    assert breaks(world) == ["OTHER_ORDER_REPORTED"]
