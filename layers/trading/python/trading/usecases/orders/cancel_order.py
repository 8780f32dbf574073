"""Cancel orders: the request is written into the order before it is answered. A message in the
client's mailbox then has the exchanges cancel.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from trading.domain.deadline import Deadline
from trading.domain.orders import cancellation
from trading.domain.orders.cancellation import BY_CLIENT, BY_SUSPENSION
from trading.domain.orders.conflicts import OrderClosedError
from trading.domain.orders.end_request import EndRequest
from trading.domain.orders.order import Order
from trading.metrics import Metric
from trading.usecases.orders import order_messages
from trading.usecases.orders.end_order import holders
from trading.usecases.orders.list_orders import EVERY_ORDER, OrderFilter
from trading.usecases.ports import (
    Accounts,
    Clock,
    Mailboxes,
    Monitor,
    NotFoundError,
    Orders,
    UnitOfWork,
)
from trading.usecases.retrying import on_fresh_state

ORDERS_A_REQUEST = 100
TIME_A_REQUEST = timedelta(seconds=5)
"""Half of what the API's function has."""


class CancelBooks(Orders, Accounts, UnitOfWork, Protocol):
    """The orders, and what a pending replacement reserves from."""


@dataclass(frozen=True)
class RequestCancel:
    """Fills that happen before the exchange confirms the cancel stand: each share is either filled
    or canceled. A pending replacement is canceled with the order that it was to replace.
    """

    books: CancelBooks
    mailboxes: Mailboxes
    monitor: Monitor
    clock: Clock

    def __call__(self, client_id: str, order_id: str, field: str = "order_id") -> Order:
        """The order as it stands. Its cancel is under way while it is open, and done otherwise.

        `field` is the name of the parameter that names the order, for the refusal.
        Raises NotFoundError, OrderClosedError if the order ended in another way, and StaleError if
        other writers win every race.
        """
        order = self._record(client_id, order_id, BY_CLIENT, field)
        if not order.is_open and not cancellation.is_canceled_by_client(order):
            raise OrderClosedError.of(order)
        self._notify_mailbox([order], self._deadline())
        return order

    def all(self, client_id: str, wanted: OrderFilter = EVERY_ORDER) -> tuple[list[Order], bool]:
        """The open orders that this request cancels, oldest first, and whether there are more.

        Orders that do not match `wanted` stand. An order whose cancel the client requested before
        is left out. Raises StaleError as for one order.
        """
        deadline = self._deadline()
        found = self.books.orders(self.books.account(client_id).open_order_ids)
        to_cancel = [
            order
            for order in found
            if wanted.matches(order)
            and (order.ending is None or order.ending.is_outranked_by(BY_CLIENT))
        ]
        asked: list[Order] = []
        for order in to_cancel[:ORDERS_A_REQUEST]:
            if deadline.is_over:
                break
            asked.append(self._record(client_id, order.order_id, BY_CLIENT))
        self._notify_mailbox(asked, deadline)
        return [order for order in asked if order.ending == BY_CLIENT], len(asked) < len(to_cancel)

    def of_suspended(self, client_id: str) -> int:
        """Cancel all open orders of a suspended client, who can place no more. Returns how many."""
        order_ids = self.books.account(client_id).open_order_ids
        written = [self._record(client_id, order_id, BY_SUSPENSION) for order_id in order_ids]
        self._notify_mailbox(written, self._deadline())
        return len(written)

    @on_fresh_state
    def _record(
        self, client_id: str, order_id: str, request: EndRequest, field: str = "order_id"
    ) -> Order:
        """The order with the request written into it, or as it stands if the request changes
        nothing.
        """
        order = self.books.order(order_id)
        if order is None or order.client_id != client_id:
            raise NotFoundError("There is no such order.", field=field)
        if not cancellation.is_changed_by(order, request):
            return order
        now = self.clock()
        named = order.replaced_by if order.is_open else None
        replacing = self.books.order(named) if named else None
        pending = cancellation.pending_of(order, replacing)
        account, position = holders(self.books, pending) if pending else (None, None)
        requested = cancellation.decide(order, request, replacing, account, position, now)
        self.books.commit(*requested.changed)
        return requested.order.saved()

    def _notify_mailbox(self, orders: Iterable[Order], deadline: Deadline) -> None:
        """If a message cannot be sent, the sweeper sends it later: the request stands."""
        try:
            for order in orders:
                if order.is_open and order.ending is not None and not deadline.is_over:
                    message = order_messages.cancel(order, order.ending.reason)
                    self.mailboxes.execution(message)
        except Exception as error:
            self.monitor.count(Metric.CANCELS_DEFERRED, error=repr(error))

    def _deadline(self) -> Deadline:
        return Deadline.after(TIME_A_REQUEST, self.clock)
