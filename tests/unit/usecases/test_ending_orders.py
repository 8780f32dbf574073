"""Cancel, expiry, and the answer to the workflow."""

import pytest

from tests.fakes.builders import D
from tests.fakes.faults import CrashError
from tests.fakes.world import EXCHANGES, World
from trading.domain.orders import endings
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side
from trading.messages import CancelOrder, ClearOrder, ExecuteOrder, PollOrder, ReportReceived
from trading.usecases.ports import OutcomeUnknownError
from trading.wire import ExecType


def poll(world: World, order: Order) -> None:
    world.mailboxes.put(
        "execution", PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id)
    )
    world.run()


def test_a_cancel_takes_the_order_back_and_releases_what_it_held(world: World) -> None:
    order = world.placed(quantity=700)
    world.cancel(order)
    ended = world.current(order)
    assert (ended.status, ended.history[-1].reason) == (OrderStatus.CANCELED, "asked")
    assert {state.status for state in world.exchanges.states.values()} == {"CANCELED"}
    assert world.books.account("alice").available == D("100000.00")
    assert world.workflow.ended[order.order_id] == "OrderClosed: CANCELED"
    assert world.findings(expect_final=True) == []


def test_expiry_is_a_cancel_with_another_name(world: World) -> None:
    order = world.placed(side=Side.SELL)
    world.cancel(order, outcome="EXPIRED", reason="the day is over")
    assert world.current(order).status is OrderStatus.EXPIRED
    assert world.books.position("alice", "AAPL").available == 1000


def test_an_order_that_was_never_routed_can_be_canceled(world: World) -> None:
    order = world.order()
    world.execute(
        CancelOrder(client_id="alice", correlation_id="c", order_id=order.order_id, reason="asked")
    )
    assert world.current(order).status is OrderStatus.CANCELED
    world.run()
    assert world.exchanges.arrived == []
    assert world.workflow.ended[order.order_id] == "OrderClosed: CANCELED", (
        "its message found it closed"
    )


def test_what_was_executed_before_the_cancel_is_booked_first(world: World) -> None:
    order = world.placed()
    world.exchanges.fill(f"{order.order_id}-1", 30, "100.00")
    world.cancel(order)
    ended = world.current(order)
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELED, 30)
    assert ended.cleared_at is not None
    assert world.findings() == []


def test_filled_takes_precedence_over_canceled(world: World) -> None:
    order = world.placed()
    world.exchanges.fill(f"{order.order_id}-1", 100, "100.00")
    world.cancel(order)
    assert world.current(order).status is OrderStatus.CLEARED


def test_a_canceled_order_is_not_routed_on(world: World) -> None:
    order = world.placed()
    world.exchanges.end(f"{order.order_id}-1", ExecType.REJECTED)
    world.cancel(order)
    assert world.current(order).status is OrderStatus.CANCELED
    assert len(world.exchanges.arrived) == 1


def test_an_order_whose_exchange_does_not_answer_the_cancel_stays_until_it_does(
    world: World,
) -> None:
    order = world.placed(quantity=700)
    world.exchanges.down = {"ARCX"}
    world.cancel(order)
    assert world.current(order).is_open
    assert world.books.account("alice").held > 0, "the exchange may still execute it"
    world.exchanges.down = set()
    poll(world, order)
    ended = world.current(order)
    assert (ended.status, ended.history[-1].reason) == (OrderStatus.CANCELED, "asked")
    assert world.findings(expect_final=True) == []


def test_a_fill_at_a_silent_exchange_is_booked_while_the_order_is_ending(world: World) -> None:
    order = world.placed()
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    world.cancel(order)
    world.fill(order, 60)
    assert world.current(order).filled_quantity == 60
    poll(world, order)
    assert (world.current(order).status, world.current(order).filled_quantity) == (
        OrderStatus.CANCELED,
        60,
    )
    assert world.findings() == []


def test_a_second_cancel_changes_nothing(world: World) -> None:
    order = world.placed()
    world.cancel(order)
    ended = world.current(order)
    world.cancel(order, outcome="EXPIRED")
    assert world.current(order) == ended


@pytest.mark.parametrize("call", ["exchanges.cancel", "books.commit"])
@pytest.mark.parametrize("after", [False, True])
def test_a_cancel_whose_worker_dies_is_finished_by_its_redelivery(
    world: World, call: str, after: bool
) -> None:
    order = world.placed()
    (world.faults.after if after else world.faults.before)(call)
    world.cancel(order)
    assert len(world.failures) == 1
    assert world.current(order).status is OrderStatus.CANCELED
    assert world.findings(expect_final=True) == []


def answers(world: World) -> list[str]:
    return [call for call in world.faults.calls if call in ("workflow.succeed", "workflow.fail")]


def test_the_workflow_is_answered_when_the_order_has_done_executing_and_not_before(
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


def test_an_answer_that_is_lost_is_given_again_and_clears_once(world: World) -> None:
    order = world.placed()
    report = world.exchanges.fill(f"{order.order_id}-1", 100, "100.00")
    world.faults.after("workflow.succeed")
    world.report(report)
    assert world.current(order).status is OrderStatus.CLEARED
    assert sum(1 for entry in world.books.ledger() if entry.kind == "NOVATION") == 1
    assert world.findings() == []


def test_when_the_workflow_is_gone_clearing_is_told_directly(world: World) -> None:
    order = world.placed()
    world.workflow.lose(order.order_id)
    world.fill(order, 100)
    assert world.current(order).status is OrderStatus.CLEARED


def test_an_order_that_was_executed_without_a_workflow_is_cleared_by_the_poll(world: World) -> None:
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


def test_an_order_that_was_canceled_in_part_without_a_workflow_is_cleared_by_the_poll(
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


def test_an_order_that_is_executed_in_very_many_parts_is_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "MAX_TRADES", 3)
    order = world.placed()
    for _ in range(3):
        world.fill(order, 1)
    ended = world.current(order)
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELED, 3)
    assert world.exchanges.states[f"{order.order_id}-1"].status == "CANCELED"
    assert world.findings() == []
