"""Cleared orders, and what settlement writes of them."""

from datetime import timedelta

from tests.fakes.builders import TOMORROW
from tests.fakes.world import World
from trading.domain.ledger import Break, Settlement
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus

BEFORE = TOMORROW - timedelta(days=1)


def cleared(world: World, key: str = "key-1", **changes: object) -> tuple[Order, str]:
    """A cleared order of one trade, and the trade's id."""
    order = world.placed(key, **changes)
    world.fill(order, order.quantity)
    order = world.current(order)
    assert order.status is OrderStatus.CLEARED
    return order, order.trades[0]


def settlements(world: World) -> list[Settlement]:
    return [entry for entry in world.books.ledger() if isinstance(entry, Settlement)]


def breaks(world: World) -> list[str]:
    return [entry.code for entry in world.books.ledger() if isinstance(entry, Break)]
