"""What an exchange says and we do not know is kept, and what comes behind it is booked."""

import pytest

from tests.fakes.world import World
from tests.unit.usecases.execution.reported import breaks, canceled, deliver, trade
from trading.domain.ledger import Break
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import TimeInForce
from trading.wire import ExecutionReport, OrderState

UNKNOWN = ("PENDING_CANCEL", "DONE_FOR_DAY", "RESTATED", "CALCULATED", "", 7, None)


@pytest.mark.parametrize("exec_type", UNKNOWN)
def test_an_unknown_event_is_kept_and_fills_behind_it_are_booked(
    world: World, exec_type: object
) -> None:
    order = world.placed()
    first = trade(world, order, 40)
    event = first.model_dump(mode="json") | {
        "execution_id": "an-event",
        "exec_type": exec_type,
        "last_quantity": 0,
        "last_price": "0",
        "venue_flags": {"a": ["b"]},
    }
    for _ in range(2):
        deliver(world, ExecutionReport.model_validate(event))
    deliver(world, first)
    world.fill(order, 60)
    assert world.current(order).status is OrderStatus.CLEARED
    assert world.current(order).review_reason is None
    assert breaks(world) == ["NOT_UNDERSTOOD"]
    (kept,) = [entry for entry in world.books.ledger() if isinstance(entry, Break)]
    assert kept.order_id == order.order_id
    assert "venue_flags" in kept.evidence["not_understood"]
    assert str(exec_type) in kept.evidence["not_understood"]
    assert world.monitor.times("NotUnderstood") == 1
    assert world.monitor.times("Breaks") == 0
    assert {finding.message.split(":")[0] for finding in world.findings()} == {
        "break NOT_UNDERSTOOD"
    }


def test_a_cancel_with_a_price_of_zero_ends_its_child(world: World) -> None:
    order = world.placed(time_in_force=TimeInForce.IOC)
    said = canceled(world, order).model_dump(mode="json") | {"last_price": "0", "new": 1}
    world.report(ExecutionReport.model_validate(said))
    assert world.current(order).children[0].status is ChildStatus.CANCELED
    assert breaks(world) == []


def test_an_end_without_its_cumulative_quantity_ends_nothing(world: World) -> None:
    order = world.placed()
    said = canceled(world, order).model_dump(mode="json") | {"cumulative_quantity": "many"}
    deliver(world, ExecutionReport.model_validate(said))
    assert world.current(order).children[0].status is ChildStatus.SENT
    assert breaks(world) == ["NOT_UNDERSTOOD"]


@pytest.mark.parametrize("status", ["PENDING_CANCEL", "DONE_FOR_DAY", "SUSPENDED"])
def test_an_answer_with_an_unknown_status_books_its_executions_and_the_order_goes_on(
    world: World, status: str
) -> None:
    order = world.placed()
    name = f"{order.order_id}-1"
    trade(world, order, 30)
    trade(world, order, 20)
    state = world.exchanges.status("ARCX", name)
    assert state is not None
    said = state.model_dump(mode="json") | {"status": status, "surprise": True}
    said["executions"].insert(0, {"note": "no execution at all"})
    said["executions"].insert(1, {"execution_id": "bad", "quantity": 5, "price": "0"})
    read = OrderState.model_validate(said)
    booked = world.book.state(world.current(order), order.children[0], read)
    assert booked.filled_quantity == 50
    assert booked.children[0].status is ChildStatus.SENT
    assert breaks(world) == ["MALFORMED_TRADE"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("side", "sell_short"),
        ("symbol", 5),
        ("last_quantity", -4),
        ("last_quantity", 10**400),
        ("last_price", "1e5"),
        ("transact_time", "yesterday"),
        ("transact_time", "0001-01-01T00:00:00+14:00"),
        ("transact_time", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_a_trade_with_an_unreadable_field_is_a_break_and_not_lost(
    world: World, field: str, value: object
) -> None:
    order = world.placed()
    said = trade(world, order, 40).model_dump(mode="json") | {field: value}
    deliver(world, ExecutionReport.model_validate(said))
    (code,) = breaks(world)
    assert code in ("MALFORMED_TRADE", "OTHER_ORDER_REPORTED", "IMPLAUSIBLE_TIME")
    assert world.current(order).review_reason == code
    assert world.current(order).filled_quantity == 0


def test_what_is_set_aside_is_bounded(world: World) -> None:
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    many = {f"field-{number:02}" * 100: "x" * 1000 for number in range(50)}
    said = trade(world, world.placed(), 40).model_dump(mode="json")
    aside = ExecutionReport.model_validate(said | {"deep": deep} | many).not_understood
    assert aside is not None
    assert len(aside) == 20
    assert aside["deep"] == "nested too deeply"
    assert all(len(name) <= 256 and len(text) <= 256 for name, text in aside.items())
