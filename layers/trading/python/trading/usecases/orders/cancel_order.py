"""Orders are taken back: the wish is written into the order before it is answered; the exchanges
are its mailbox's to deal with.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.orders import replacement
from trading.domain.orders.order import Ending, Order, OrderStatus
from trading.messages import CancelOrder
from trading.metrics import Metric
from trading.usecases.orders.end_order import holders
from trading.usecases.ports import Books, Clock, Mailboxes, Monitor, NotFoundError
from trading.usecases.retrying import on_fresh_state

ORDERS_A_REQUEST = 100
TIME_A_REQUEST = timedelta(seconds=5)
"""Half of what the API's function has."""

BY_CLIENT = Ending(status=OrderStatus.CANCELED, reason="canceled by the client", asked_by="client")
BY_SUSPENSION = Ending(
    status=OrderStatus.CANCELED, reason="the client was suspended", asked_by="operator"
)


class OrderClosedError(DomainError):
    """The order can no longer execute, so there is nothing to cancel or to replace."""

    code = ErrorCode.ORDER_CLOSED
    kind = ErrorKind.CONFLICT

    @classmethod
    def of(cls, order: Order) -> "OrderClosedError":
        """With how it ended, and which order took its place."""
        details = {"status": str(order.status)} | (
            {"replaced_by": order.replaced_by} if order.replaced_by else {}
        )
        return cls(f"The order is {order.status}.", details=details)


@dataclass(frozen=True)
class RequestCancel:
    """Once the wish is written the order will be worked towards its end. What an exchange executes
    before it gives the order up is executed: each share is either filled or canceled. What waits to
    replace an order is taken back with it.
    """

    books: Books
    mailboxes: Mailboxes
    monitor: Monitor
    clock: Clock

    def __call__(self, client_id: str, order_id: str) -> Order:
        """The order as it stands: its cancel is under way while it is open, and done if it is not.

        Raises NotFoundError, OrderClosedError when it ended otherwise, and StaleError when too much
        happens to the order.
        """
        order = self._wish(client_id, order_id, BY_CLIENT)
        if not order.is_open and not _is_canceled_by_client(order):
            raise OrderClosedError.of(order)
        self._tell([order], self._time_is_up_at())
        return order

    def all(self, client_id: str) -> tuple[list[Order], bool]:
        """The open orders that are canceled for this, oldest first, and whether there are more.
        Those whose cancel the client had asked for before are left out. Raises StaleError like the
        cancel of one.
        """
        until = self._time_is_up_at()
        found = self.books.orders(self.books.account(client_id).open_order_ids)
        to_cancel = [
            order for order in found if order.ending is None or order.ending.gives_way_to(BY_CLIENT)
        ]
        asked: list[Order] = []
        for order in to_cancel[:ORDERS_A_REQUEST]:
            if self.clock() >= until:
                break
            asked.append(self._wish(client_id, order.order_id, BY_CLIENT))
        self._tell(asked, until)
        return [order for order in asked if order.ending == BY_CLIENT], len(asked) < len(to_cancel)

    def of_suspended(self, client_id: str) -> int:
        """Cancel all open orders of a client that can open no more; how many."""
        order_ids = self.books.account(client_id).open_order_ids
        wished = [self._wish(client_id, order_id, BY_SUSPENSION) for order_id in order_ids]
        self._tell(wished, self._time_is_up_at())
        return len(wished)

    @on_fresh_state
    def _wish(self, client_id: str, order_id: str, wish: Ending) -> Order:
        """The order, which from now on is to end; one that is over, or whose cancel was asked for
        before, as it is.
        """
        order = self.books.order(order_id)
        if order is None or order.client_id != client_id:
            raise NotFoundError("There is no such order.", field="order_id")
        if order.is_pending:
            return self._withdraw(order, wish)
        if not order.is_open or (order.ending is not None and not order.ending.gives_way_to(wish)):
            return order
        wished = order.model_copy(update={"ending": wish, "attention_at": self.clock()})
        replacing = self.books.order(order.replaced_by) if order.replaced_by else None
        if replacing is not None and replacing.is_pending:
            self._withdraw(replacing, wish, wished)
        else:
            self.books.commit(wished)
        return wished.saved()

    def _withdraw(self, pending: Order, wish: Ending, *replaced: Order) -> Order:
        """Take back what waits to replace an order, and in the same transaction that one too if it
        is given.
        """
        account, position = holders(self.books, pending)
        withdrawn = replacement.withdrawn(pending, wish, account, position, self.clock())
        self.books.commit(*replaced, *withdrawn.changed)
        return withdrawn.order.saved()

    def _tell(self, orders: Iterable[Order], until: datetime) -> None:
        """What is written is accepted whatever happens here: the sweeper tells the mailbox what it
        is not told now.
        """
        try:
            for order in orders:
                if order.is_open and order.ending is not None and self.clock() < until:
                    ids = {
                        name: getattr(order, name)
                        for name in ("client_id", "correlation_id", "order_id")
                    }
                    self.mailboxes.execution(CancelOrder(**ids, reason=order.ending.reason))
        except Exception as error:
            self.monitor.count(Metric.CANCELS_DEFERRED, error=repr(error))

    def _time_is_up_at(self) -> datetime:
        return self.clock() + TIME_A_REQUEST


def _is_canceled_by_client(order: Order) -> bool:
    return (
        order.status is OrderStatus.CANCELED
        and order.ending is not None
        and order.ending.asked_by == "client"
    )
