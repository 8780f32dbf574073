"""At the close of a day, DAY orders expire and the executed part of the other orders is cleared."""

from datetime import timedelta

from tests.fakes.builders import TODAY, TOMORROW, D
from tests.fakes.world import World
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side, TimeInForce
from trading.messages import CancelOrder, ClearOrder


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
    for key in ("first", "second"):
        world.placed(key, quantity=10)
    after_the_close(world)
    world.faults.before("mailboxes.execution")
    assert world.close_day(None) == 1
    assert world.monitor.times("ClosesFailed") == 1
