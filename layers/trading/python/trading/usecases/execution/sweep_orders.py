"""The sweeper pushes orders again when something was due and did not happen.

A push that was not needed does no harm.
"""

from dataclasses import dataclass
from typing import Protocol

from trading.domain.deadline import NEVER, Deadline
from trading.domain.orders.attention import Push, attention_of, is_due, look_after_failure
from trading.domain.orders.order import Order
from trading.metrics import Metric
from trading.usecases.orders import order_messages
from trading.usecases.ports import AttentionIndex, Clock, Mailboxes, Monitor, Orders, Workflow

ORDERS_PER_SWEEP = 2000


class SweepBooks(AttentionIndex, Orders, Protocol):
    """The orders, and the index of those that are due."""


@dataclass(frozen=True)
class SweepOrders:
    """Pushes the orders whose next look is due, longest due first.

    The failure of one order does not stop the others.
    """

    books: SweepBooks
    workflow: Workflow
    mailboxes: Mailboxes
    monitor: Monitor
    clock: Clock

    def __call__(self, deadline: Deadline = NEVER, shard: str | None = None) -> int:
        """Push orders until none is due or the time is up. Returns the number of pushes.

        With a shard, only the orders in that part of the index are pushed.
        """
        pushed, before = 0, -1
        while pushed > before and not deadline.is_over:
            before = pushed
            for order_id in self.books.orders_due(self.clock(), ORDERS_PER_SWEEP, shard):
                if deadline.is_over:
                    break
                try:
                    pushed += self._sweep(order_id)
                except Exception as error:
                    self.monitor.count(Metric.SWEEPS_FAILED, order_id=order_id, error=repr(error))
        return pushed

    def _sweep(self, order_id: str) -> int:
        order = self.books.order(order_id)
        now = self.clock()
        if order is None or not is_due(order, now):
            return 0
        self.monitor.count(Metric.ORDERS_SWEPT, order_id=order_id, status=order.status)
        try:
            look = attention_of(order, now)
            if look is None:
                return 0
            self._push(order, look.push)
        except Exception:
            self.books.postpone(order, look_after_failure(now))
            raise
        self.books.postpone(order, look.next_look)
        return 1

    def _push(self, order: Order, push: Push) -> None:
        """Start a run of the order's workflow, or notify its client's mailbox."""
        match push:
            case Push.END:
                self.mailboxes.execution(order_messages.expire(order))
            case Push.START:
                self.workflow.start(order)
            case Push.POLL:
                self.mailboxes.execution(order_messages.poll(order))
