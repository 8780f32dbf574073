"""How an order ends that is not filled: its final status and its reason."""

from typing import NamedTuple

from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.end_request import EndRequest
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.orders.routing import Step

MAX_TRADES = 1000
"""An order lists its trades, and an item of DynamoDB has at most 400 KB. When an order has this
many trades, its remainder is canceled.
"""

TOO_MANY_TRADES = EndRequest(status=OrderStatus.CANCELED, reason="executed in too many parts")


class OrderEnd(NamedTuple):
    """The final status of an order, with the code and the sentence that explain it."""

    status: OrderStatus
    code: EndReason
    reason: str


UNPROCESSABLE = OrderEnd(
    OrderStatus.REJECTED, EndReason.PROCESSING_FAILED, "the order could not be processed"
)


SELF_TRADE_PREVENTED = OrderEnd(
    OrderStatus.CANCELED,
    EndReason.SELF_TRADE_PREVENTED,
    "it could trade with an order of the same client at every remaining exchange",
)


def has_too_many_trades(order: Order) -> bool:
    """Whether an order must end because of the number of its trades."""
    return order.is_open and len(order.trades) >= MAX_TRADES and order.ending is None


def end_of(order: Order, step: Step, kept_apart: bool = False) -> OrderEnd:
    """How an order ends that no exchange works any more and that is not routed again.

    kept_apart: other orders of its client kept it away from exchanges. The client never sees an
    exchange's own text.
    """
    if order.ending is not None:
        return OrderEnd(order.ending.status, order.ending.code, order.ending.reason)
    if step is Step.EXPIRE:
        return OrderEnd(OrderStatus.EXPIRED, EndReason.EXPIRED, "expired at the exchange")
    canceled = any(child.status is ChildStatus.CANCELED for child in order.children)
    if order.executed_quantity or canceled:
        not_executed = f"{order.remaining} of {order.quantity} not executed"
        return OrderEnd(OrderStatus.CANCELED, EndReason.REMAINDER_CANCELED, not_executed)
    if kept_apart:
        return SELF_TRADE_PREVENTED
    return OrderEnd(OrderStatus.REJECTED, EndReason.NOT_EXECUTABLE, "no exchange took the order")
