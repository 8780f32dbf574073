"""Sweeping: whatever was due to happen and did not is pushed again. Every push may be one too many and does no harm."""

from dataclasses import dataclass
from datetime import date, timedelta

from trading.domain.orders import Order, OrderStatus
from trading.domain.values import TimeInForce
from trading.messages import CancelOrder, ExecuteOrder, PollOrder
from trading.usecases.ports import Books, Clock, Mailboxes, Monitor, Workflow

ORDERS_PER_SWEEP = 500
AGAIN_AFTER = timedelta(seconds=60)
RESTING_AGAIN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Sweep:
    """Looks at the sparse index of orders not yet at rest, oldest due first."""

    books: Books
    workflow: Workflow
    mailboxes: Mailboxes
    monitor: Monitor
    clock: Clock

    def __call__(self) -> int:
        """Push what is due; how many orders were pushed."""
        pushed = 0
        for order_id in self.books.orders_due(self.clock(), ORDERS_PER_SWEEP):
            order = self.books.order(order_id)
            if order is not None and order.attention_at is not None and order.attention_at <= self.clock():
                self._push(order)
                pushed += 1
        return pushed

    def _push(self, order: Order) -> None:
        """An accepted order gets its workflow, or, when that exists already (its message is lost), the message itself."""
        ids = {"client_id": order.client_id, "correlation_id": order.correlation_id, "order_id": order.order_id}
        if order.status is OrderStatus.VALIDATED:
            if not self.workflow.start(order):
                self.mailboxes.execution(ExecuteOrder(**ids))
        else:
            self.mailboxes.execution(PollOrder(**ids))
        self.monitor.count("OrdersSwept", order_id=order.order_id, status=order.status)
        resting = order.is_open and order.status is not OrderStatus.VALIDATED and order.venue_time_in_force.rests
        self.books.postpone(order, self.clock() + (RESTING_AGAIN_AFTER if resting else AGAIN_AFTER))


@dataclass(frozen=True)
class CloseDay:
    """After the close, DAY orders expire, through the same mailbox and the same cancel as any other end."""

    books: Books
    mailboxes: Mailboxes
    monitor: Monitor

    def __call__(self, business_date: date) -> int:
        """Ask for the expiry of every open DAY order of that business date or before; how many."""
        expiring = 0
        for order_id in self.books.open_order_ids():
            order = self.books.order(order_id)
            if (
                order is not None
                and order.is_open
                and order.time_in_force is TimeInForce.DAY
                and order.business_date <= business_date
            ):
                self.mailboxes.execution(
                    CancelOrder(
                        client_id=order.client_id,
                        correlation_id=order.correlation_id,
                        order_id=order.order_id,
                        outcome="EXPIRED",
                        reason=f"not executed by the close of {business_date.isoformat()}",
                    )
                )
                expiring += 1
        self.monitor.count("OrdersExpiring", orders=str(expiring))
        return expiring
