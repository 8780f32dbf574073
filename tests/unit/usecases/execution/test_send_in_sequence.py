"""A client's orders reach the exchanges in the order in which they were placed."""

import pytest

from tests.fakes.faults import CrashError
from tests.fakes.world import World
from trading.adapters.dynamodb.transactions import OverloadedError
from trading.domain.errors import NegativeBalanceError
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import TimeInForce
from trading.messages import CancelOrder, ExecuteOrder


def message(order: Order) -> ExecuteOrder:
    return ExecuteOrder(client_id="alice", correlation_id="c", order_id=order.order_id)


def test_the_predecessors_of_an_order_are_routed_first(world: World) -> None:
    """The workflow of the first order started late, so its message comes after the second's."""
    first, second, third = (world.order(key) for key in ("first", "second", "third"))
    world.execute(message(third))
    assert world.exchanges.arrived == [f"{order.order_id}-1" for order in (first, second, third)]
    world.run()
    assert len(world.exchanges.arrived) == 3
    assert world.findings() == []


def test_a_predecessor_that_ended_before_it_was_routed_does_not_hide_an_older_one(
    world: World,
) -> None:
    first = world.order("first", time_in_force=TimeInForce.GTC)
    second = world.order("second")
    world.execute(
        CancelOrder(client_id="alice", correlation_id="c", order_id=second.order_id, reason="asked")
    )
    third = world.order("third")
    world.execute(message(third))
    assert world.exchanges.arrived == [f"{first.order_id}-1", f"{third.order_id}-1"]


def test_an_order_does_not_wait_for_other_clients_orders(world: World) -> None:
    world.add_client("bob", cash="20000.00")
    world.order("alices")
    bobs = world.order("bobs", client_id="bob")
    world.execute(message(bobs).model_copy(update={"client_id": "bob"}))
    assert world.exchanges.arrived == [f"{bobs.order_id}-1"]


def test_a_predecessor_that_cannot_be_processed_does_not_stop_its_successor(
    world: World,
) -> None:
    first, second = world.order("first"), world.order("second")
    world.faults.before("exchanges.quotes", NegativeBalanceError("a bug"))
    world.execute(message(second))
    assert (world.current(first).status, world.current(first).reason_code) == (
        OrderStatus.REJECTED,
        "PROCESSING_FAILED",
    )
    assert world.current(second).status is OrderStatus.ROUTING
    assert world.findings() == []


def test_a_predecessor_with_a_transient_failure_is_not_overtaken(world: World) -> None:
    first, second = world.order("first"), world.order("second")
    world.faults.before("exchanges.quotes")
    with pytest.raises(CrashError):
        world.execute(message(second))
    assert world.exchanges.arrived == []
    world.execute(message(second))
    assert world.exchanges.arrived == [f"{first.order_id}-1", f"{second.order_id}-1"]


def test_a_predecessor_whose_tables_are_busy_is_neither_given_up_nor_overtaken(
    world: World,
) -> None:
    first, second = world.order("first"), world.order("second")
    world.faults.before(
        "exchanges.quotes", OverloadedError("the tables are busy", retry_after_seconds=1)
    )
    with pytest.raises(OverloadedError):
        world.execute(message(second))
    assert world.statuses(first, second) == (OrderStatus.VALIDATED, OrderStatus.VALIDATED)
    world.execute(message(second))
    assert world.exchanges.arrived == [f"{first.order_id}-1", f"{second.order_id}-1"]


def test_a_predecessor_whose_worker_died_before_it_was_sent_is_not_overtaken(world: World) -> None:
    first, second = world.order("first"), world.order("second")
    world.faults.before("exchanges.submit")
    with pytest.raises(CrashError):
        world.execute(message(second))
    assert world.current(first).status is OrderStatus.ROUTING
    assert world.exchanges.arrived == []
    world.execute(message(second), redelivered=True)
    assert world.exchanges.arrived == [f"{first.order_id}-1", f"{second.order_id}-1"]


def test_a_predecessor_that_is_only_partly_sent_is_not_overtaken(
    world: World,
) -> None:
    first, second = world.order("first", quantity=600), world.order("second", quantity=10)
    world.faults.after("exchanges.submit", CrashError("died"))
    with pytest.raises(CrashError):
        world.execute(message(second))
    world.book.report(world.exchanges.fill(f"{first.order_id}-1", 5, "100.00"))
    assert world.current(first).status is OrderStatus.PARTIALLY_FILLED
    world.execute(message(second), redelivered=True)
    assert [sent.rpartition("-")[0] for sent in world.exchanges.arrived] == [
        first.order_id,
        first.order_id,
        second.order_id,
    ]
