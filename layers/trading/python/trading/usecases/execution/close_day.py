"""What happens to the open orders after the close."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from trading.domain.orders.order_times import expires_at
from trading.domain.values import TimeInForce
from trading.metrics import Metric
from trading.usecases.orders import order_messages
from trading.usecases.ports import AttentionIndex, Clock, Mailboxes, Monitor, Orders


class DayCloseBooks(Orders, AttentionIndex, Protocol):
    """The orders, and the index of the open ones."""


@dataclass(frozen=True)
class CloseDay:
    """Has the DAY orders expire, and clears what was executed of the orders that stay open.

    Both go through the client's mailboxes, like any other ending and clearing. The trades of an
    order that stays open settle on their dates. If the close is missed, the sweeper has the orders
    expire later.
    """

    books: DayCloseBooks
    mailboxes: Mailboxes
    monitor: Monitor
    clock: Clock

    def __call__(self, business_date: date | None) -> int:
        """Request the expiry of the open orders whose time is over. Returns their number.

        With a date, given by hand: of every DAY order of that date or before, too.
        """
        expiring = 0
        for order_id in self.books.open_order_ids():
            try:
                expiring += self._close(order_id, business_date)
            except Exception as error:
                self.monitor.count(Metric.CLOSES_FAILED, order_id=order_id, error=repr(error))
        self.monitor.count(Metric.ORDERS_EXPIRING, orders=str(expiring))
        return expiring

    def _close(self, order_id: str, business_date: date | None) -> int:
        order = self.books.order(order_id)
        if order is None or not order.is_open:
            return 0
        over = expires_at(order) <= self.clock()
        if business_date is not None and order.time_in_force is not TimeInForce.GTC:
            over = order.business_date <= business_date
        if over:
            self.mailboxes.execution(order_messages.expire(order))
        elif order.trades:
            self.mailboxes.clearing(order_messages.clear(order))
        return int(over)
