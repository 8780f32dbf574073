"""The sweeper pushes orders again when something was due and did not happen.

A push that was not needed does no harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from trading.domain.deadline import NEVER, Deadline
from trading.domain.orders.attention import Push, attention_of, is_due, look_after_failure
from trading.domain.orders.order import Order
from trading.domain.values import Frozen
from trading.metrics import Metric
from trading.usecases.orders import order_messages
from trading.usecases.ports import (
    AttentionIndex,
    Clock,
    FurtherInvocations,
    Mailboxes,
    Monitor,
    Orders,
    Workflow,
)

ORDERS_PER_SWEEP = 20_000
"""So many orders are pushed in a minute at most, 333 a second."""


class SweepBooks(AttentionIndex, Orders, Protocol):
    """The orders, and the index of those that are due."""


class OrdersToSweep(Frozen):
    """A part of a sweep, for a further invocation."""

    order_ids: tuple[str, ...]


class Swept(NamedTuple):
    """The orders that were pushed here, and those that were handed over."""

    pushed: int
    handed_over: int = 0


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
    orders_per_invocation: int

    def __call__(
        self,
        invocations: FurtherInvocations,
        deadline: Deadline = NEVER,
        shard: str | None = None,
    ) -> Swept:
        """Push orders until none is due or the time is up.

        If more are due than one invocation is to push, all are handed over to others. With a shard,
        only the orders in that part of the index are pushed, and all of them here, in their order.
        """
        pushed, before = 0, -1
        while pushed > before and not deadline.is_over:
            before = pushed
            due = self.books.orders_due(self.clock(), ORDERS_PER_SWEEP, shard)
            if shard is None and len(due) > self.orders_per_invocation:
                left = self._hand_over(due, invocations)
                pushed += self.push(left, deadline)
                return Swept(pushed, len(due) - len(left))
            pushed += self.push(due, deadline)
        return Swept(pushed)

    def push(self, order_ids: Sequence[str], deadline: Deadline = NEVER) -> int:
        """Push these orders if they are still due. Returns the number of pushes."""
        pushed = 0
        for order_id in order_ids:
            if deadline.is_over:
                break
            try:
                pushed += self._sweep(order_id)
            except Exception as error:
                self.monitor.count(Metric.SWEEPS_FAILED, order_id=order_id, error=repr(error))
        return pushed

    def _hand_over(self, due: Sequence[str], invocations: FurtherInvocations) -> Sequence[str]:
        """Have parts of the orders pushed by further invocations. Returns those that nobody took.

        A part that gets lost is due again in the next minute.
        """
        left: list[str] = []
        for start in range(0, len(due), self.orders_per_invocation):
            part = due[start : start + self.orders_per_invocation]
            try:
                invocations.start(OrdersToSweep(order_ids=tuple(part)))
            except Exception as error:
                self.monitor.count(Metric.SWEEPS_FAILED, orders=str(len(part)), error=repr(error))
                left += part
        return left

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
