"""At the close of a day, DAY orders expire and the executed part of the other orders is cleared."""

from datetime import timedelta

import pytest

from tests.fakes.builders import TODAY, TOMORROW, D
from tests.fakes.world import World
from trading.adapters.dynamodb.keys import attention_shard, attention_shards
from trading.domain.deadline import Deadline
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side, TimeInForce
from trading.messages import CancelOrder, ClearOrder
from trading.usecases.execution.close_day import CloseDay, ShardToClose


def after_the_close(world: World) -> None:
    world.now = world.now.replace(hour=21, minute=5)


def test_the_close_expires_day_orders_and_leaves_gtc_orders(world: World) -> None:
    day = world.placed("day")
    sale = world.placed("sale", side=Side.SELL, limit_price=D("100.01"))
    gtc = world.placed("gtc", time_in_force=TimeInForce.GTC)
    after_the_close(world)
    assert world.close_day(None) == 2
    world.run()
    assert world.current(day).status is OrderStatus.EXPIRED
    assert world.current(sale).status is OrderStatus.EXPIRED
    assert world.current(gtc).status is OrderStatus.ROUTING
    assert world.findings() == []
    assert world.close_day(None) == 0


def test_before_the_close_orders_expire_only_if_an_operator_gives_the_date(world: World) -> None:
    order = world.placed()
    assert world.close_day(None) == 0
    assert world.close_day(TODAY - timedelta(days=1)) == 0
    assert world.close_day(TODAY) == 1
    (message,) = world.mailboxes.waiting("execution")
    assert isinstance(message, CancelOrder)
    assert (message.order_id, message.outcome) == (order.order_id, "EXPIRED")


def test_a_close_by_hand_takes_the_orders_of_earlier_days_too(world: World) -> None:
    earlier = world.placed("earlier", quantity=10)
    world.advance(days=1)
    later = world.placed("later", quantity=10)
    assert world.close_day(TOMORROW) == 2
    world.run()
    assert world.statuses(earlier, later) == (OrderStatus.EXPIRED, OrderStatus.EXPIRED)


def test_an_order_of_the_next_session_survives_the_close(world: World) -> None:
    after_the_close(world)
    order = world.placed()
    assert world.close_day(TODAY) == 0
    assert world.close_day(None) == 0
    assert world.current(order).business_date == TODAY + timedelta(days=1)


def test_the_close_clears_the_executed_part_of_an_order_that_stays_open(world: World) -> None:
    order = world.placed(time_in_force=TimeInForce.GTC)
    world.fill(order, 30)
    after_the_close(world)
    assert world.close_day(None) == 0
    (message,) = world.mailboxes.waiting("clearing")
    assert isinstance(message, ClearOrder)
    world.run()
    assert [entry.kind for entry in world.books.ledger() if entry.kind == "NOVATION"] == [
        "NOVATION"
    ]
    assert world.current(order).status is OrderStatus.PARTIALLY_FILLED
    assert world.findings() == []


def test_one_orders_failure_does_not_stop_the_close(world: World) -> None:
    """The shards of both orders are closed here. A batch fails, then its order by itself."""
    for key in ("first", "second"):
        world.placed(key, quantity=10)
    after_the_close(world)
    world.faults.before("mailboxes.executions")
    world.faults.before("mailboxes.execution")
    assert world.close_day(None) == 1
    assert world.monitor.times("ClosesFailed") == 1


def test_what_no_batch_takes_is_sent_one_by_one(world: World) -> None:
    world.placed()
    after_the_close(world)
    world.mailboxes.refusing = {"alice"}
    assert world.close_day(None) == 1
    assert len(world.mailboxes.waiting("execution")) == 1


def test_orders_that_cannot_be_read_together_are_read_one_by_one(world: World) -> None:
    """As when one of them is unreadable."""
    world.placed()
    after_the_close(world)
    world.faults.before("books.orders")
    assert world.close_day(None) == 1
    world.mailboxes.queues.clear()
    world.faults.before("books.orders")
    world.faults.before("books.order")
    assert world.close_day(None) == 0
    assert world.monitor.times("ClosesFailed") == 1


def in_pages_of(world: World, number: int) -> CloseDay:
    world.orders_per_page = number
    world.day_close = world._use_case(CloseDay)
    return world.day_close


def resting(world: World, number: int) -> dict[str, list[str]]:
    """So many DAY orders after the close, by shard."""
    shards: dict[str, list[str]] = {shard: [] for shard in attention_shards()}
    for n in range(number):
        order_id = world.placed(f"key-{n}", quantity=1).order_id
        shards[attention_shard(order_id)].append(order_id)
    after_the_close(world)
    return shards


def expiring(world: World) -> list[str]:
    return sorted(m.order_id for m in world.mailboxes.waiting("execution"))  # type: ignore[attr-defined]


def test_a_shard_of_more_than_a_page_has_an_invocation_of_its_own(world: World) -> None:
    close = in_pages_of(world, 3)
    shards = resting(world, 16)
    large = [shard for shard, orders in shards.items() if len(orders) > 3]
    here = sum(len(orders) for orders in shards.values() if len(orders) <= 3)
    assert large
    assert close(None, world.invocations) == (here, len(large))
    assert list(world.invocations.started) == [ShardToClose(shard=shard) for shard in large]
    assert world.invoke_further() == 16 - here
    assert expiring(world) == sorted(id_ for orders in shards.values() for id_ in orders)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_without_time_each_page_has_an_invocation_of_its_own(world: World, size: int) -> None:
    close = in_pages_of(world, size)
    shards = resting(world, 12)
    shard, orders = max(shards.items(), key=lambda each: len(each[1]))
    part: ShardToClose | None = ShardToClose(shard=shard, business_date=TODAY)
    pages = []
    while part is not None:
        pages.append(close.close_shard(part, world.invocations, Deadline(timedelta)))
        started = world.invocations.started
        part = started.popleft() if started else None  # type: ignore[assignment]
        assert part is None or part.business_date == TODAY
    assert len(orders) > size
    assert pages[:-1] == [size] * (len(pages) - 1)
    assert expiring(world) == sorted(orders)


def test_a_part_of_the_close_that_is_done_twice_ends_each_order_once(world: World) -> None:
    close = in_pages_of(world, 1)
    orders = [order_id for ids in resting(world, 8).values() for order_id in ids]
    close(None, world.invocations)
    world.invocations.started *= 2
    world.invoke_further()
    world.run()
    assert {world.books.order(order_id).status for order_id in orders} == {OrderStatus.EXPIRED}  # type: ignore[union-attr]
    assert world.failures == []
    assert world.findings() == []


def test_a_part_of_the_close_that_is_lost_is_left_to_the_sweeper(world: World) -> None:
    close = in_pages_of(world, 1)
    orders = [order_id for ids in resting(world, 8).values() for order_id in ids]
    close(None, world.invocations)
    world.invocations.started.clear()
    world.run()
    world.sweep()
    world.run()
    assert {world.books.order(order_id).status for order_id in orders} == {OrderStatus.EXPIRED}  # type: ignore[union-attr]


def test_a_shard_that_nobody_takes_is_closed_here(world: World) -> None:
    close = in_pages_of(world, 1)
    resting(world, 8)
    world.faults.before("invocations.start", times=4)
    assert close(None, world.invocations) == (8, 0)
    assert not world.invocations.started
