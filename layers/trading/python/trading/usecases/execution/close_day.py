"""What happens to the open orders after the close."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol, TypeVar

from trading.domain.deadline import NEVER, Deadline
from trading.domain.orders.order import Order
from trading.domain.orders.order_times import expires_at
from trading.domain.values import Day, Frozen, TimeInForce
from trading.messages import CancelOrder, ClearOrder
from trading.metrics import Metric
from trading.usecases.orders import order_messages
from trading.usecases.ports import (
    AttentionIndex,
    Clock,
    FurtherInvocations,
    MailboxBatches,
    Mailboxes,
    Monitor,
    Orders,
)

Sent = TypeVar("Sent", CancelOrder, ClearOrder)


class DayCloseBooks(Orders, AttentionIndex, Protocol):
    """The orders, and the index of the open ones."""


class DayCloseMailboxes(Mailboxes, MailboxBatches, Protocol):
    """The clients' mailboxes, for one message and for many."""


class ShardToClose(Frozen):
    """A part of the close, for a further invocation: a shard of the index, after a position."""

    shard: str
    after: str | None = None
    business_date: Day | None = None

    def continued(self, after: str) -> "ShardToClose":
        """The rest, after a position."""
        return self.but(after=after)


class Closed(NamedTuple):
    """The orders that were asked to expire here, and the shards that were handed over."""

    expiring: int
    handed_over: int = 0


@dataclass(frozen=True)
class CloseDay:
    """Has the DAY orders expire, and clears what was executed of the orders that stay open.

    Both go through the client's mailboxes, like any other ending and clearing. The trades of an
    order that stays open settle on their dates. If the close is missed, or a part of it, the
    sweeper has the orders expire later.
    """

    books: DayCloseBooks
    mailboxes: DayCloseMailboxes
    monitor: Monitor
    clock: Clock
    orders_per_page: int

    def __call__(
        self,
        business_date: date | None,
        invocations: FurtherInvocations,
        deadline: Deadline = NEVER,
    ) -> Closed:
        """Request the expiry of the open orders whose time is over.

        With a date, given by hand: of every DAY order of that date or before, too. A shard of one
        page is closed here. Each larger one is handed over to an invocation of its own.
        """
        expiring = handed_over = 0
        for shard in self.books.attention_shards():
            part = ShardToClose(shard=shard, business_date=business_date)
            order_ids, end = self.books.orders_in(shard, None, self.orders_per_page)
            if end is None:
                expiring += self._close(order_ids, business_date) if order_ids else 0
            elif self._took(invocations, part):
                handed_over += 1
            else:
                expiring += self.close_shard(part, invocations, deadline)
        self.monitor.count(Metric.ORDERS_EXPIRING, orders=str(expiring))
        return Closed(expiring, handed_over)

    def close_shard(
        self, part: ShardToClose, invocations: FurtherInvocations, deadline: Deadline = NEVER
    ) -> int:
        """Close the orders of a shard, at least a page of them. When the time is over, a further
        invocation goes on after the last page.

        A part may be done twice: an order that is to expire expires once.
        """
        expiring, after = 0, part.after
        while True:
            order_ids, after = self.books.orders_in(part.shard, after, self.orders_per_page)
            expiring += self._close(order_ids, part.business_date)
            if after is None:
                return expiring
            if deadline.is_over:
                invocations.start(part.continued(after))
                return expiring

    def _took(self, invocations: FurtherInvocations, part: ShardToClose) -> bool:
        try:
            invocations.start(part)
        except Exception as error:
            self.monitor.count(Metric.CLOSES_FAILED, shard=part.shard, error=repr(error))
            return False
        return True

    def _close(self, order_ids: Sequence[str], business_date: date | None) -> int:
        """Ask the mailboxes to end or to clear orders. Returns the number of those to end."""
        to_end: list[CancelOrder] = []
        to_clear: list[ClearOrder] = []
        for order in self._read(order_ids):
            if not order.is_open:
                continue
            if self._is_over(order, business_date):
                to_end.append(order_messages.expire(order))
            elif order.trades:
                to_clear.append(order_messages.clear(order))
        self._send(to_clear, self.mailboxes.clearings, self.mailboxes.clearing)
        return self._send(to_end, self.mailboxes.executions, self.mailboxes.execution)

    def _is_over(self, order: Order, business_date: date | None) -> bool:
        if business_date is not None and order.time_in_force is not TimeInForce.GTC:
            return order.business_date <= business_date
        return expires_at(order) <= self.clock()

    def _read(self, order_ids: Sequence[str]) -> Sequence[Order]:
        """The orders. If they cannot be read together, each one is read by itself."""
        try:
            return self.books.orders(order_ids)
        except Exception:
            return [order for order_id in order_ids if (order := self._read_one(order_id))]

    def _read_one(self, order_id: str) -> Order | None:
        try:
            return self.books.order(order_id)
        except Exception as error:
            self._failed(order_id, error)
            return None

    def _send(
        self,
        messages: Sequence[Sent],
        send_all: Callable[[Sequence[Sent]], Sequence[Sent]],
        send: Callable[[Sent], None],
    ) -> int:
        """Send the messages in batches. What was not taken is sent once more, one by one.

        Returns the number of messages that were taken.
        """
        if not messages:
            return 0
        try:
            refused = send_all(messages)
        except Exception:
            refused = messages
        sent = len(messages) - len(refused)
        for message in refused:
            try:
                send(message)
            except Exception as error:
                self._failed(message.order_id, error)
            else:
                sent += 1
        return sent

    def _failed(self, order_id: str, error: Exception) -> None:
        self.monitor.count(Metric.CLOSES_FAILED, order_id=order_id, error=repr(error))
