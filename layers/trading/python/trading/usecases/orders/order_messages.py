"""The messages about an order that go to its client's mailboxes."""

from typing import TypedDict

from trading.domain.orders.order import Order
from trading.domain.orders.order_times import expiry_of
from trading.messages import CancelOrder, ClearOrder, ExecuteOrder, PollOrder


class _Ids(TypedDict):
    client_id: str
    correlation_id: str
    order_id: str


def _ids(order: Order) -> _Ids:
    return {
        "client_id": order.client_id,
        "correlation_id": order.correlation_id,
        "order_id": order.order_id,
    }


def execute(order: Order) -> ExecuteOrder:
    """Send the order to the exchanges, without a run of its workflow."""
    return ExecuteOrder(**_ids(order))


def poll(order: Order) -> PollOrder:
    """Ask the exchanges what became of the order."""
    return PollOrder(**_ids(order))


def expire(order: Order) -> CancelOrder:
    """End an order whose time is over."""
    ending = expiry_of(order)
    return CancelOrder(**_ids(order), outcome=ending.status, reason=ending.reason)


def cancel(order: Order, reason: str) -> CancelOrder:
    """End an order for a reason that is written into it."""
    return CancelOrder(**_ids(order), reason=reason)


def clear(order: Order) -> ClearOrder:
    """Clear the order's trades."""
    return ClearOrder(**_ids(order))
