"""A workflow is answered when its order is closed, and repeated answers do no harm."""

import pytest

from tests.fakes.faults import CrashError
from tests.fakes.world import EXCHANGES, World
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.messages import ClearOrder, ExecuteOrder, PollOrder, ReportReceived


def poll(world: World, order: Order) -> None:
    world.mailboxes.put(
        "execution", PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id)
    )
    world.run()


def answers(world: World) -> list[str]:
    return [call for call in world.faults.calls if call in ("workflow.succeed", "workflow.fail")]


def test_the_workflow_is_answered_only_when_the_order_has_finished_executing(
    world: World,
) -> None:
    order = world.order()
    world.execute(world.mailboxes.queues["execution", "alice"].popleft())  # type: ignore[arg-type]
    report = world.exchanges.fill(f"{order.order_id}-1", 40, "100.00")
    world.execute(ReportReceived(client_id="alice", correlation_id="c", report=report))
    assert answers(world) == []
    report = world.exchanges.fill(f"{order.order_id}-1", 60, "100.00")
    world.execute(ReportReceived(client_id="alice", correlation_id="c", report=report))
    assert answers(world) == ["workflow.succeed"]
    (clear,) = world.mailboxes.waiting("clearing")
    assert isinstance(clear, ClearOrder)
    assert clear.task_token


def test_a_worker_that_dies_between_commit_and_answer_answers_on_redelivery(world: World) -> None:
    order = world.placed()
    report = world.exchanges.fill(f"{order.order_id}-1", 100, "100.00")
    message = ReportReceived(client_id="alice", correlation_id="c", report=report)
    world.faults.before("workflow.succeed")
    with pytest.raises(CrashError):
        world.execute(message)
    assert world.current(order).status is OrderStatus.FILLED
    world.execute(message)
    world.run()
    assert world.workflow.ended == {order.order_id: "SUCCEEDED"}


def test_a_lost_answer_is_repeated_and_the_order_is_cleared_once(world: World) -> None:
    order = world.placed()
    report = world.exchanges.fill(f"{order.order_id}-1", 100, "100.00")
    world.faults.after("workflow.succeed")
    world.report(report)
    assert world.current(order).status is OrderStatus.CLEARED
    assert sum(1 for entry in world.books.ledger() if entry.kind == "NOVATION") == 1
    assert world.findings() == []


def test_without_a_workflow_the_clearing_message_is_sent_directly(world: World) -> None:
    order = world.placed()
    world.workflow.lose(order.order_id)
    world.fill(order, 100)
    assert world.current(order).status is OrderStatus.CLEARED


def test_a_poll_clears_an_order_that_was_executed_without_a_workflow(world: World) -> None:
    world.faults.before("workflow.start")
    order = world.order()
    world.mailboxes.put(
        "execution", ExecuteOrder(client_id="alice", correlation_id="c", order_id=order.order_id)
    )
    world.run()
    world.fill(order, 100)
    assert world.current(order).status is OrderStatus.FILLED
    poll(world, order)
    assert world.current(order).status is OrderStatus.CLEARED


def test_an_order_that_ends_unfilled_fails_its_workflow_and_is_not_cleared(world: World) -> None:
    world.exchanges.refusing = set(EXCHANGES)
    order = world.placed()
    assert answers(world) == ["workflow.fail"]
    assert world.mailboxes.waiting("clearing") == []
    assert world.workflow.ended[order.order_id].startswith("OrderClosed")


def test_a_poll_clears_an_order_that_was_canceled_in_part_without_a_workflow(
    world: World,
) -> None:
    world.faults.before("workflow.start")
    order = world.order()
    world.mailboxes.put(
        "execution", ExecuteOrder(client_id="alice", correlation_id="c", order_id=order.order_id)
    )
    world.run()
    world.fill(order, 30)
    world.cancel(order)
    assert (world.current(order).status, world.current(order).cleared_at) == (
        OrderStatus.CANCELED,
        None,
    )
    poll(world, order)
    assert world.current(order).cleared_at is not None
