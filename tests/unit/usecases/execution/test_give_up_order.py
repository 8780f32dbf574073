"""An order whose message cannot succeed is rejected or flagged for review."""

from tests.fakes.builders import D
from tests.fakes.world import World
from trading.domain.errors import NegativeBalanceError
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.messages import ExecuteOrder
from trading.usecases.ports import OutcomeUnknownError


def message(order: Order) -> ExecuteOrder:
    return ExecuteOrder(client_id="alice", correlation_id="c", order_id=order.order_id)


def test_giving_up_rejects_an_order_that_no_exchange_has(world: World) -> None:
    order = world.order()
    world.faults.before("exchanges.quotes", NegativeBalanceError("a bug"), times=5)
    world.run()
    assert world.faults.pending == 0
    ended = world.current(order)
    assert (ended.status, ended.reason_code) == (OrderStatus.REJECTED, "PROCESSING_FAILED")
    assert world.books.account("alice").available == D("100000.00")
    assert world.findings(expect_final=True) == []


def test_giving_up_flags_an_order_that_an_exchange_may_have(world: World) -> None:
    order = world.placed()
    world.execute.give_up(message(order), "broken")
    assert (world.current(order).status, world.current(order).review_reason) == (
        OrderStatus.ROUTING,
        "broken",
    )


def test_giving_up_an_order_that_is_over_flags_it_and_leaves_it_to_the_sweeper(
    world: World,
) -> None:
    """The order is filled. Its message is given up because nothing can be sent to clearing."""
    order = world.placed()
    world.advance(minutes=5)
    for call in ("workflow.start_at_clearing", "mailboxes.clearing"):
        world.faults.before(call, OutcomeUnknownError("no answer"), times=5)
    world.fill(order, 100)
    assert world.faults.pending == 0
    given_up = world.current(order)
    assert (given_up.status, given_up.review_reason is None) == (OrderStatus.FILLED, False)
    world.advance(minutes=1)
    world.sweep()
    world.run()
    assert world.current(order).status is OrderStatus.CLEARED
    assert world.current(order).attention_at is None


def test_giving_up_does_not_change_another_clients_order(world: World) -> None:
    order = world.order()
    world.execute.give_up(message(order).model_copy(update={"client_id": "bob"}), "broken")
    assert world.current(order) == order.saved()
