"""An order whose message cannot succeed is rejected or flagged for review."""

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World
from trading.domain.errors import NegativeBalanceError
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.messages import ExecuteOrder
from trading.usecases.ports import OutcomeUnknownError


def message(order: Order, token: str | None = None) -> ExecuteOrder:
    return ExecuteOrder(
        client_id="alice", correlation_id="c", order_id=order.order_id, task_token=token
    )


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


def test_the_workflow_of_an_order_that_is_over_is_answered_after_a_sweep(world: World) -> None:
    """The order had ended. Its message is given up because the workflow takes no answer."""
    order = world.placed()
    world.faults.before("workflow.fail", OutcomeUnknownError("no answer"), times=5)
    world.cancel(order)
    world.run()
    assert world.faults.pending == 0
    ended = world.current(order)
    assert (ended.status, ended.attention_at) == (OrderStatus.CANCELED, None)
    assert order.order_id not in world.workflow.ended
    world.execute.give_up(message(order), "no answer")
    assert world.current(order).attention_at is not None, "the sweeper must find the order"
    world.advance(minutes=2)
    world.sweep()
    world.run()
    assert order.order_id in world.workflow.ended
    given_up = world.current(order)
    assert (given_up.attention_at, given_up.review_reason) == (None, "no answer")


def test_giving_up_does_not_change_another_clients_order(world: World) -> None:
    order = world.order()
    world.execute.give_up(message(order).model_copy(update={"client_id": "bob"}), "broken")
    assert world.current(order) == order.saved()


def test_a_workflow_that_cannot_be_answered_is_answered_after_a_sweep(world: World) -> None:
    order = world.order()
    world.faults.before("exchanges.quotes", NegativeBalanceError("a bug"), times=5)
    world.faults.before("workflow.fail", OutcomeUnknownError("no answer"), times=1)
    with pytest.raises(OutcomeUnknownError):
        world.run()
    for queue in world.mailboxes.queues.values():
        queue.clear()
    ended = world.current(order)
    assert ended.status is OrderStatus.REJECTED
    assert ended.attention_at is not None, "the sweeper must find the order"
    assert order.order_id not in world.workflow.ended
    world.advance(minutes=2)
    world.sweep()
    world.run()
    assert order.order_id in world.workflow.ended
    assert world.current(order).attention_at is None
    assert world.findings(expect_final=True) == []
