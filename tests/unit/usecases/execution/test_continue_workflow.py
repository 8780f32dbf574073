"""An order that is over is cleared, whether a run looks at it, none does, or two do."""

from datetime import timedelta

import pytest

from tests.fakes.faults import CrashError
from tests.fakes.world import EXCHANGES, World
from tests.unit.usecases.execution.correcting import child
from trading.domain.orders import watch
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.messages import ExecuteOrder, PollOrder, ReportReceived
from trading.metrics import Metric
from trading.usecases.ports import OutcomeUnknownError

WATCHED = (watch.LOOKS_AFTER[-1] - watch.CLOCKS_DIFFER_BY).total_seconds()


def poll(world: World, order: Order) -> None:
    world.mailboxes.put(
        "execution", PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id)
    )
    world.run()


def filled(world: World, order: Order, quantity: int = 100) -> ReportReceived:
    report = world.exchanges.fill(f"{order.order_id}-1", quantity, "100.00")
    return ReportReceived(client_id="alice", correlation_id="c", report=report)


def test_an_order_that_ends_while_a_run_looks_at_it_needs_no_other(world: World) -> None:
    order = world.placed()
    world.advance(seconds=WATCHED - 0.001)
    world.fill(order, 100)
    assert world.current(order).status is OrderStatus.CLEARED
    assert world.workflow.started_at_clearing == []


def test_a_late_fill_starts_a_run_at_clearing(world: World) -> None:
    order = world.placed()
    world.advance(seconds=WATCHED)
    world.fill(order, 40)
    assert world.workflow.started_at_clearing == [], "the order is still open"
    world.fill(order, 60)
    assert world.workflow.started_at_clearing == [order.order_id]
    assert world.current(order).status is OrderStatus.CLEARED


def test_a_canceled_order_with_fills_starts_a_run_at_clearing(world: World) -> None:
    order = world.placed()
    world.advance(minutes=5)
    world.fill(order, 40)
    world.cancel(order)
    assert world.workflow.started_at_clearing == [order.order_id]
    assert world.current(order).cleared_at is not None


def test_two_runs_that_look_at_one_order_clear_it_once(world: World) -> None:
    order = world.order()
    world.workflow.start(order)
    world.run()
    world.advance(seconds=WATCHED)
    world.fill(order, 100)
    assert world.current(order).status is OrderStatus.CLEARED
    assert world.exchanges.arrived == [f"{order.order_id}-1"]
    assert sum(1 for entry in world.books.ledger() if entry.kind == "NOVATION") == 1
    assert world.findings() == []


def test_a_worker_that_dies_between_commit_and_start_starts_on_redelivery(world: World) -> None:
    order = world.placed()
    world.advance(minutes=5)
    message = filled(world, order)
    world.faults.before("workflow.start_at_clearing")
    world.faults.before("mailboxes.clearing")
    with pytest.raises(CrashError):
        world.execute(message)
    assert world.current(order).status is OrderStatus.FILLED
    world.execute(message)
    world.run()
    assert world.current(order).status is OrderStatus.CLEARED


def test_if_no_run_starts_the_clearing_message_is_sent_directly(world: World) -> None:
    order = world.placed()
    world.advance(minutes=5)
    world.faults.before("workflow.start_at_clearing", OutcomeUnknownError("no answer"))
    world.fill(order, 100)
    assert world.workflow.started_at_clearing == []
    assert world.monitor.times(Metric.CLEARING_RUNS_REFUSED) == 1
    assert world.current(order).status is OrderStatus.CLEARED


def test_an_order_whose_run_was_killed_is_cleared_after_a_sweep(world: World) -> None:
    order = world.placed()
    world.workflow.kill()
    world.fill(order, 100)
    assert world.current(order).status is OrderStatus.FILLED
    world.advance(minutes=1)
    world.sweep()
    world.run()
    assert world.current(order).status is OrderStatus.CLEARED


def test_an_order_that_a_correction_fills_is_looked_at_soon(world: World) -> None:
    """It rested, so its next look was half an hour off."""
    order = world.placed()
    world.fill(order, 40)
    world.advance(minutes=5)
    world.sweep()
    world.run()
    rests = world.current(order)
    assert rests.attention_at is not None
    assert rests.attention_at > world.now + timedelta(minutes=20)
    report = world.exchanges.correct(child(order), f"{child(order)}-1", 100, "99.80")
    world.faults.before("workflow.start_at_clearing")
    world.faults.before("mailboxes.clearing")
    with pytest.raises(CrashError):
        world.execute(ReportReceived(client_id="alice", correlation_id="c", report=report))
    ended = world.current(order)
    assert ended.status is OrderStatus.FILLED
    assert ended.attention_at is not None
    assert ended.attention_at <= world.now + timedelta(minutes=2)


@pytest.mark.parametrize("canceled", [False, True])
def test_a_poll_clears_an_order_that_was_executed_without_a_run(
    world: World, canceled: bool
) -> None:
    world.faults.before("workflow.start")
    order = world.order()
    world.mailboxes.put(
        "execution", ExecuteOrder(client_id="alice", correlation_id="c", order_id=order.order_id)
    )
    world.run()
    world.fill(order, 30 if canceled else 100)
    if canceled:
        world.cancel(order)
    assert world.current(order).cleared_at is None
    poll(world, order)
    assert world.current(order).cleared_at is not None


def test_an_order_that_ends_unfilled_is_not_cleared(world: World) -> None:
    world.exchanges.refusing = set(EXCHANGES)
    order = world.order()
    world.advance(minutes=5)
    world.run()
    assert world.current(order).status is OrderStatus.REJECTED
    assert world.workflow.started_at_clearing == []
    assert "mailboxes.clearing" not in world.faults.calls


def test_an_order_is_watched_from_its_acceptance_or_its_open(world: World) -> None:
    order = world.order()
    accepted = order.history[-1].time
    assert watch.watched_until(order) == accepted + timedelta(seconds=3)
    assert not watch.is_watched(world.order("rejected", quantity=100_000), world.now)
