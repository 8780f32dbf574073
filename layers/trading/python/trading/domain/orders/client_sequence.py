"""A client's orders reach the exchanges in the order in which they were accepted.

Queues may deliver them in another order, so each order looks for its unsent predecessors.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from trading.domain.orders.order import Order
from trading.domain.orders.reasons import EndReason

RESENT_WITHIN = timedelta(minutes=10)
"""If a worker died, the queue delivers its message again within this time."""


def ends_search(order: Order, predecessor: Order) -> bool:
    """Whether the search for unsent predecessors of `order` can stop at this one.

    Stop at the first routed predecessor: everything before it has been sent. Exception: orders it
    overtook while they waited for the open. An order that overtakes them too may ignore them.
    """
    reached_an_exchange = (
        predecessor.routed_at is not None or predecessor.reason_code is EndReason.NOT_EXECUTABLE
    )
    return reached_an_exchange and bool(order.overtakes or not predecessor.overtakes)


def accepted_before(order: Order, others: Iterable[Order]) -> list[Order]:
    """Those of the client's orders that were accepted before this one, newest first."""
    earlier = (other for other in others if other.sequence < order.sequence)
    return sorted(earlier, key=lambda other: other.sequence, reverse=True)


def possibly_unsent(predecessors: Iterable[Order], now: datetime) -> Order | None:
    """The predecessor whose route a worker may have saved without sending it.

    A worker saves a route before it sends it. If the worker died between the two, the order that
    was routed last is the one in doubt.
    """
    routed = {at: order for order in predecessors if order.is_open and (at := order.routed_at)}
    last = max(routed, default=None)
    return routed[last] if last is not None and last >= now - RESENT_WITHIN else None
