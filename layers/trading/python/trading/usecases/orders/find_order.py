"""Reading an order that must exist."""

from trading.domain.orders.order import Order
from trading.usecases.ports import NotFoundError, Orders


def find_order(orders: Orders, order_id: str) -> Order:
    """The order as it is stored now. Raises NotFoundError."""
    order = orders.order(order_id)
    if order is None:
        raise NotFoundError(f"no order {order_id}", field="order_id")
    return order
