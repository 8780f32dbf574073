"""Sweeping: whatever was due to happen and did not is pushed again. Every push may be one too many
and does no harm.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from trading.domain.orders.order import Order, OrderStatus
from trading.domain.orders.order_times import expires_at, is_overdue
from trading.metrics import Metric
from trading.usecases.orders import order_messages
from trading.usecases.ports import AttentionIndex, Clock, Mailboxes, Monitor, Orders, Workflow

ORDERS_PER_SWEEP = 2000
AGAIN_AFTER = timedelta(seconds=60)
RESTING_AGAIN_AFTER = timedelta(minutes=30)
SPREAD = timedelta(minutes=5)
"""What was swept together in one minute, after an outage, must not come back together every half
hour.
"""


class SweepBooks(AttentionIndex, Orders, Protocol):
    """The tables that the sweeper uses."""


@dataclass(frozen=True)
class SweepOrders:
    """Looks at the sparse index of orders not yet at rest, oldest due first. One order's failure
    does not stop the others.
    """

    books: SweepBooks
    workflow: Workflow
    mailboxes: Mailboxes
    monitor: Monitor
    clock: Clock

    def __call__(
        self, has_time: Callable[[], bool] = lambda: True, shard: str | None = None
    ) -> int:
        """Push what is due, of all shards of the index or of one, until nothing is or the time is
        up; how many orders were pushed.
        """
        pushed, before = 0, -1
        while pushed > before and has_time():
            before = pushed
            for order_id in self.books.orders_due(self.clock(), ORDERS_PER_SWEEP, shard):
                if not has_time():
                    break
                try:
                    pushed += self._sweep(order_id)
                except Exception as error:
                    self.monitor.count(Metric.SWEEPS_FAILED, order_id=order_id, error=repr(error))
        return pushed

    def _sweep(self, order_id: str) -> int:
        order = self.books.order(order_id)
        now = self.clock()
        if order is None or order.attention_at is None or order.attention_at > now:
            return 0
        rests = order.is_open and order.ending is None and order.venue_time_in_force.rests
        resting = rests and bool(order.children) and not _is_unstarted(order)
        patient = resting or order.review_reason is not None
        again = now + (RESTING_AGAIN_AFTER - _spread(order_id) if patient else AGAIN_AFTER)
        if resting and now < expires_at(order):
            again = min(again, expires_at(order))
        self.monitor.count(Metric.ORDERS_SWEPT, order_id=order_id, status=order.status)
        try:
            self._push(order)
        except Exception:
            self.books.postpone(
                order, now + AGAIN_AFTER
            )  # it must not stand before the others for ever
            raise
        self.books.postpone(order, again)
        return 1

    def _push(self, order: Order) -> None:
        """An accepted order gets its workflow, or, when that exists already (its message is lost),
        the message itself.
        """
        if is_overdue(order, self.clock()):
            self.mailboxes.execution(order_messages.expire(order))
        elif order.status is OrderStatus.VALIDATED or _is_unstarted(order):
            if not self.workflow.start(order):
                self.mailboxes.execution(order_messages.execute(order))
        else:
            self.mailboxes.execution(order_messages.poll(order))


def _is_unstarted(order: Order) -> bool:
    """Whether it has waited for an open, and was sent before a later one of its client that was
    started first: it has no workflow.
    """
    waited, due = order.release_at, order.attention_at
    return (
        order.ending is None
        and waited is not None
        and due is not None
        and due < waited + AGAIN_AFTER
    )


def _spread(order_id: str) -> timedelta:
    """Jitter that a repetition repeats: between nothing and five minutes, by the order's id."""
    return SPREAD * (hashlib.sha256(order_id.encode()).digest()[1] / 256)
