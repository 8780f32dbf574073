"""Canceling an order: the request is written into the order before it is answered.

What an exchange executes before it confirms the cancel stands. A replacement that still waits for
the order is canceled with it.
"""

from datetime import datetime

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.orders import replacement
from trading.domain.orders.end_request import EndRequest
from trading.domain.orders.order import Order
from trading.domain.orders.order_effects import OrderEffect
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Frozen

BY_CLIENT = EndRequest(
    status=OrderStatus.CANCELED, reason="canceled by the client", asked_by="client"
)
BY_SUSPENSION = EndRequest(
    status=OrderStatus.CANCELED, reason="the client was suspended", asked_by="operator"
)


class CancelRequested(Frozen):
    """The changes of a cancel request.

    order: the order that the request names. withdrawn: the pending replacement that is canceled
    with it; it is the order itself if the request names the replacement.
    """

    order: Order
    withdrawn: OrderEffect | None = None

    @property
    def changed(self) -> tuple[Order | Account | Position, ...]:
        """What is written, in one transaction."""
        if self.withdrawn is None:
            return (self.order,)
        named = () if self.order.order_id == self.withdrawn.order.order_id else (self.order,)
        return (*named, *self.withdrawn.changed)


def decide(
    order: Order,
    request: EndRequest,
    replacing: Order | None,
    account: Account | None,
    position: Position | None,
    now: datetime,
) -> CancelRequested:
    """Record a cancel request in an order that `is_changed_by` it.

    replacing: the order that is to replace this one. account, position: what the pending one of the
    two reserves from; None if neither is pending (`pending_of`).
    """
    pending = pending_of(order, replacing)
    withdrawn = None
    if pending is not None:
        if account is None:
            raise ValueError(f"{pending.order_id} reserves from an account")
        withdrawn = replacement.withdraw(pending, request, account, position, now)
        if pending is order:
            return CancelRequested(order=withdrawn.order, withdrawn=withdrawn)
    ending = order.with_ending(request, now)
    return CancelRequested(order=ending, withdrawn=withdrawn)


def pending_of(order: Order, replacing: Order | None) -> Order | None:
    """Which of the two waits to replace another order, and so is canceled at once."""
    return next((each for each in (order, replacing) if each and each.is_pending), None)


def is_changed_by(order: Order, request: EndRequest) -> bool:
    """Whether a cancel request changes an order.

    It does not if the order is over, or if a request of equal or higher rank stands: a client's
    request outranks an operator's, which outranks one that nobody made.
    """
    if order.is_pending:
        return True
    return order.is_open and (order.ending is None or order.ending.is_outranked_by(request))


def is_canceled_by_client(order: Order) -> bool:
    """Whether the order was canceled because its client asked for it.

    It was not if it was filled first, or if a bust left nothing of it.
    """
    ending = order.ending
    if ending is None or ending.asked_by != "client":
        return False
    return order.status is OrderStatus.CANCELED and order.reason_code == ending.code
