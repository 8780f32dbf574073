"""Orders end before they are filled: by a cancel, at their expiry, or to be replaced."""

from dataclasses import dataclass
from typing import Protocol

from trading.domain import identifiers
from trading.domain.orders import booking
from trading.domain.orders.end_request import EndRequest
from trading.domain.orders.order import Order
from trading.domain.orders.order_end import OrderEnd
from trading.metrics import Metric
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.orders.end_order import changes_of_end, holders
from trading.usecases.ports import (
    Accounts,
    Clock,
    Exchanges,
    Monitor,
    Orders,
    OutcomeUnknownError,
    ReferenceData,
    UnitOfWork,
)


class EndingBooks(Orders, ReferenceData, Accounts, UnitOfWork, Protocol):
    """Everything that the end of an order reads and writes."""


@dataclass(frozen=True)
class EndEarly:
    """An order that is to end does so in three steps.

    1. The ending is recorded. The router sends nothing more of the order.
    2. The exchanges cancel its live children. Fills that happen before that stand.
    3. When no child is live, the order gets its final status and its hold is released.
    """

    books: EndingBooks
    exchanges: Exchanges
    book: BookExecution
    monitor: Monitor
    clock: Clock

    def record_ending(self, order: Order, ending: EndRequest) -> Order:
        """Record that the order is to end. Whatever happens to this message, later ones go on."""
        to_end = order.with_ending(ending, self.clock())
        self.books.commit(to_end)
        return to_end.saved()

    def cancel_children(self, order: Order) -> Order:
        """Cancel the live children. One whose exchange is silent stays live for the sweeper."""
        for child in order.live_children:
            client_order_id = identifiers.child_order_id(order.order_id, child.number)
            try:
                state = self.exchanges.cancel(child.exchange_id, client_order_id)
            except OutcomeUnknownError as error:
                self.monitor.count(
                    Metric.CANCELS_UNANSWERED, exchange_id=child.exchange_id, error=str(error)
                )
                continue
            order = self.book.state(order, child, state)
        return order

    def end(self, order: Order, end: OrderEnd) -> Order:
        """Give an open order its final status.

        The same transaction releases its hold and lets the order that replaces it take over.
        """
        account, position = holders(self.books, order)
        now = self.clock()
        ended = booking.end(order, end.status, end.code, end.reason, account, position, now)
        self.books.commit(
            *changes_of_end(self.books, ended.order, ended.account, ended.position, now)
        )
        self.monitor.count(Metric.ORDERS_ENDED, status=end.status, code=end.code)
        return ended.order.saved()
