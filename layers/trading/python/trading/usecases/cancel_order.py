"""A client takes orders back: a request to the actor behind its mailbox, which alone deals with the exchanges."""

from dataclasses import dataclass

from trading.domain.errors import DomainError, ErrorKind
from trading.domain.orders import Order, OrderStatus
from trading.messages import CancelOrder
from trading.usecases.ports import Books, Mailboxes, NotFoundError

ORDERS_A_REQUEST = 100
REASON = "canceled by the client"


class OrderClosedError(DomainError):
    """The order can no longer execute, so there is nothing to cancel or to replace."""

    code = "ORDER_CLOSED"
    kind = ErrorKind.CONFLICT

    @classmethod
    def of(cls, order: Order) -> "OrderClosedError":
        """With how it ended, and which order took its place."""
        details = {"status": str(order.status)} | ({"replaced_by": order.replaced_by} if order.replaced_by else {})
        return cls(f"The order is {order.status}.", details=details)


@dataclass(frozen=True)
class RequestCancel:
    """Once the message is in the mailbox the order will be worked towards its end. What an exchange executes before it gives the
    order up is executed: each share is either filled or canceled. What is to replace an order is taken back with it.
    """

    books: Books
    mailboxes: Mailboxes

    def __call__(self, client_id: str, order_id: str) -> tuple[Order, bool]:
        """The order as it stands, and whether its cancel is under way; if not, it was canceled at the client's request before.

        Raises NotFoundError, OrderClosedError.
        """
        order = self.books.order(order_id)
        if order is None or order.client_id != client_id:
            raise NotFoundError("There is no such order.", field="order_id")
        under_way = order.is_open or order.is_pending
        if under_way:
            self._ask(order)
        elif order.status is not OrderStatus.CANCELED or order.ending is None or order.ending.reason != REASON:
            raise OrderClosedError.of(order)
        return order, under_way

    def all(self, client_id: str) -> tuple[list[Order], bool]:
        """The open orders whose cancel was asked for, oldest first, and whether there are more. Those that are ending already are
        left out, but not those that are to replace them.
        """
        orders = self.books.orders(self.books.account(client_id).open_order_ids)
        to_cancel = [order for order in orders if order.is_pending or (order.is_open and order.ending is None)]
        for order in to_cancel[:ORDERS_A_REQUEST]:
            self._ask(order)
        return to_cancel[:ORDERS_A_REQUEST], len(to_cancel) > ORDERS_A_REQUEST

    def _ask(self, order: Order) -> None:
        ids = {"client_id": order.client_id, "correlation_id": order.correlation_id, "order_id": order.order_id}
        self.mailboxes.execution(CancelOrder(**ids, reason=REASON, with_replacement=True))
