"""An execution that cannot be is refused as a break, and its order goes on."""

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World
from tests.unit.usecases.execution.reported import breaks, deliver, trade
from trading.domain import identifiers
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side
from trading.messages import PollOrder
from trading.wire import ExecutionReport


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
