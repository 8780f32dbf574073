"""Whether a run of OrderLifecycle still looks at an order.

Nothing records the runs of an order. But a run looks at its order for a fixed time, so the time of
its last look follows from the order.
"""

from datetime import datetime, timedelta

from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus, time_of

LOOKS_AFTER = (timedelta(seconds=1), timedelta(seconds=3))
"""How long after its message a run looks at the order. The definition of the workflow waits so."""
CLOCKS_DIFFER_BY = timedelta(seconds=1)
"""The most that the clocks of order entry, a worker and Step Functions differ."""


def watched_until(order: Order) -> datetime | None:
    """The earliest time of the last look of the run that sends an order.

    If the run starts late, its last look is later. None: the order was never accepted.
    """
    accepted = time_of(OrderStatus.VALIDATED, order.history)
    if accepted is None:
        return None
    return max(accepted, order.release_at or accepted) + LOOKS_AFTER[-1]


def is_watched(order: Order, now: datetime) -> bool:
    """Whether a run will certainly look at the order again, unless it failed or never started.

    An order that was sent because a later one had to follow it may have no run yet. If there is no
    look, the sweeper has the order cleared a minute or two later.
    """
    until = watched_until(order)
    return until is not None and now < until - CLOCKS_DIFFER_BY
