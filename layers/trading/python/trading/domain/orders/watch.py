"""Whether a run of OrderLifecycle still looks at an order.

Nothing records the runs of an order. A run looks at its order for a fixed time, so the order's
history says until when.
"""

from datetime import datetime, timedelta

from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus, time_of

LOOKS_AFTER = (timedelta(seconds=1), timedelta(seconds=3))
"""When a run looks at its order, counted from its message. The workflow's definition waits so."""
CLOCKS_DIFFER_BY = timedelta(seconds=1)
"""The most that the clocks of order entry, a worker and Step Functions differ."""


def watched_until(order: Order) -> datetime | None:
    """When the run that sends an order looks for the last time, at the earliest.

    None: the order was never accepted. The run may start later, and then looks longer.
    """
    accepted = time_of(OrderStatus.VALIDATED, order.history)
    if accepted is None:
        return None
    return max(accepted, order.release_at or accepted) + LOOKS_AFTER[-1]


def is_watched(order: Order, now: datetime) -> bool:
    """Whether a run will certainly look at the order again, unless it failed or never started."""
    until = watched_until(order)
    return until is not None and now < until - CLOCKS_DIFFER_BY
