"""The sweeper pushes every due order again, and no push does harm."""

from datetime import timedelta

from tests.fakes.builders import D
from tests.fakes.world import World
from trading.adapters.dynamodb.keys import attention_shard, attention_shards
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import TimeInForce
from trading.messages import ExecuteOrder, PollOrder
from trading.usecases.execution.sweep_orders import ORDERS_PER_SWEEP, SweepOrders
from trading.usecases.ports import OutcomeUnknownError


def after_the_close(world: World) -> None:
    world.now = world.now.replace(hour=21, minute=5)


def test_nothing_is_due_within_the_first_minute(world: World) -> None:
    world.placed()
    assert world.sweep() == 0
    world.advance(seconds=59)
    assert world.sweep() == 0
    world.advance(seconds=1)
    assert world.sweep() == 1


def test_an_accepted_order_without_a_workflow_gets_one(world: World) -> None:
    world.faults.before("workflow.start")
    order = world.order()
    world.advance(minutes=1)
    assert world.sweep() == 1
    assert world.workflow.started == [order.order_id]
    world.run()
    assert world.current(order).status is OrderStatus.ROUTING


def test_the_sweeper_replaces_the_lost_message_of_an_accepted_order(
    world: World,
) -> None:
    order = world.order()
    world.mailboxes.queues.clear()
    world.advance(minutes=1)
    world.sweep()
    (message,) = world.mailboxes.waiting("execution")
    assert message == ExecuteOrder(
        client_id="alice", correlation_id="correlation-key-1", order_id=order.order_id
    )


def test_an_order_at_the_exchanges_is_polled(world: World) -> None:
    order = world.placed()
    world.advance(minutes=1)
    world.sweep()
    (message,) = world.mailboxes.waiting("execution")
    assert message == PollOrder(
        client_id="alice", correlation_id="correlation-key-1", order_id=order.order_id
    )


def test_an_order_that_waits_for_clearing_is_polled_until_it_is_cleared(world: World) -> None:
    order = world.placed()
    world.advance(seconds=30)
    world.faults.before("workflow.start_at_clearing", OutcomeUnknownError("no answer"), times=5)
    world.faults.before("mailboxes.clearing", times=5)
    world.fill(order, 100)
    assert world.current(order).status is OrderStatus.FILLED
    world.advance(minutes=1)
    assert world.sweep() == 1
    world.run()
    assert world.current(order).status is OrderStatus.CLEARED
    world.advance(days=1)
    assert world.sweep() == 0, "the cleared order is at rest"


def test_an_order_at_rest_is_not_pushed(world: World) -> None:
    order = world.placed()
    world.cancel(order)
    world.order("rejected", quantity=5000)
    world.advance(days=1)
    assert world.sweep() == 0


def test_an_order_is_pushed_again_after_a_minute_and_a_resting_one_later(
    world: World,
) -> None:
    immediate = world.placed("immediate", time_in_force=TimeInForce.IOC)
    resting = world.placed("resting", time_in_force=TimeInForce.GTC)
    world.advance(minutes=1)
    assert world.sweep() == 2
    assert world.sweep() == 0
    world.mailboxes.queues.clear()
    world.advance(minutes=1)
    assert world.sweep() == 1
    assert [m.order_id for m in world.mailboxes.waiting("execution")] == [immediate.order_id]  # type: ignore[attr-defined]
    world.advance(minutes=30)
    world.mailboxes.queues.clear()
    assert world.sweep() == 2
    due = world.current(resting).attention_at
    assert due is not None
    assert due > world.now + timedelta(minutes=5)


def test_a_push_does_not_undo_a_change_that_happened_meanwhile(world: World) -> None:
    order = world.placed()
    world.books.postpone(
        order.model_copy(update={"version": order.version - 1}), world.now + timedelta(days=1)
    )
    assert world.current(order).attention_at == order.attention_at


def test_one_orders_failure_does_not_stop_the_others(world: World) -> None:
    for key in ("first", "second", "third"):
        world.placed(key, quantity=10)
    world.advance(minutes=1)
    world.faults.before("mailboxes.execution")
    assert world.sweep() == 2
    assert world.monitor.times("SweepsFailed") == 1
    world.advance(minutes=1)
    assert world.sweep() == 1, "the failed order is due again"


def orders_per_invocation(world: World, number: int) -> SweepOrders:
    world.orders_per_invocation = number
    world.sweep_orders = world._use_case(SweepOrders)
    return world.sweep_orders


def due_orders(world: World, number: int) -> list[str]:
    orders = [world.placed(f"key-{n}", quantity=10) for n in range(number)]
    world.advance(minutes=1)
    return [order.order_id for order in orders]


def test_no_more_orders_than_one_invocation_may_push_are_pushed_at_once(world: World) -> None:
    sweep = orders_per_invocation(world, 3)
    due_orders(world, 3)
    assert sweep(world.invocations) == (3, 0)
    assert not world.invocations.started


def test_more_orders_are_divided_among_further_invocations(world: World) -> None:
    sweep = orders_per_invocation(world, 3)
    due = due_orders(world, 7)
    assert sweep(world.invocations) == (0, 7)
    parts = [part.order_ids for part in world.invocations.started]  # type: ignore[attr-defined]
    assert [len(part) for part in parts] == [3, 3, 1]
    assert sorted(order_id for part in parts for order_id in part) == sorted(due)
    assert world.invoke_further() == 7
    polled = [message.order_id for message in world.mailboxes.waiting("execution")]  # type: ignore[attr-defined]
    assert sorted(polled) == sorted(due)
    assert world.sweep() == 0


def test_a_part_that_is_done_twice_pushes_each_order_once(world: World) -> None:
    sweep = orders_per_invocation(world, 1)
    due_orders(world, 2)
    sweep(world.invocations)
    world.invocations.started *= 2
    assert world.invoke_further() == 2
    assert len(world.mailboxes.waiting("execution")) == 2


def test_a_part_that_is_lost_is_due_again(world: World) -> None:
    sweep = orders_per_invocation(world, 2)
    due_orders(world, 4)
    sweep(world.invocations)
    world.invocations.started.popleft()
    assert world.invoke_further() == 2
    assert world.sweep() == 2


def test_a_part_that_nobody_takes_is_pushed_here(world: World) -> None:
    sweep = orders_per_invocation(world, 2)
    due_orders(world, 6)
    world.faults.before("invocations.start", times=2)
    assert sweep(world.invocations) == (4, 2)
    assert world.invoke_further() == 2
    assert world.monitor.times("SweepsFailed") == 2


def test_the_orders_of_a_shard_are_pushed_in_their_order(world: World) -> None:
    """At the open, a client's orders are started in the order in which they were accepted."""
    sweep = orders_per_invocation(world, 1)
    due = due_orders(world, 12)
    for shard in attention_shards():
        mine = [order_id for order_id in due if attention_shard(order_id) == shard]
        world.mailboxes.queues.clear()
        assert sweep(world.invocations, shard=shard) == (len(mine), 0)
        polled = [message.order_id for message in world.mailboxes.waiting("execution")]  # type: ignore[attr-defined]
        assert polled == mine


def test_a_sweep_can_look_at_three_hundred_orders_a_second() -> None:
    assert ORDERS_PER_SWEEP / 60 >= 300


def test_the_sweeper_expires_a_day_order_if_the_close_did_not(world: World) -> None:
    order = world.placed()
    after_the_close(world)
    world.sweep()
    world.run()
    assert world.current(order).status is OrderStatus.EXPIRED


def test_a_gtc_order_expires_after_ninety_days(world: World) -> None:
    order = world.placed(time_in_force=TimeInForce.GTC)
    world.advance(days=89)
    world.sweep()
    world.run()
    assert world.current(order).is_open
    world.advance(days=1)
    world.sweep()
    world.run()
    assert world.current(order).status is OrderStatus.EXPIRED
    assert world.books.account("alice").available == D("100000.00")
