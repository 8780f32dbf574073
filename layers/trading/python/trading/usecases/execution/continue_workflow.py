"""What follows when an order is over: the start of its replacement, and its clearing."""

from dataclasses import dataclass

from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.watch import is_watched
from trading.metrics import Metric
from trading.usecases.orders import order_messages
from trading.usecases.orders.accept_order import start
from trading.usecases.orders.find_order import find_order
from trading.usecases.ports import Clock, Mailboxes, Monitor, Orders, Workflow


@dataclass(frozen=True)
class ContinueWorkflow:
    """Starts the runs of OrderLifecycle that follow the end of an order.

    It is called after the commit, and again on every redelivery. Starting a run twice is harmless,
    and so is clearing an order twice.
    """

    books: Orders
    workflow: Workflow
    mailboxes: Mailboxes
    monitor: Monitor
    clock: Clock

    def __call__(self, order: Order, overdue: bool = False) -> None:
        """Continue after the end of an order. An order that is still open needs nothing.

        `overdue`: the order should have been cleared some time ago, so do not rely on a run.
        """
        if order.is_open:
            return
        if order.replaced_by:
            self._start(find_order(self.books, order.replaced_by))
        if not order.awaits_clearing:
            return
        if overdue:
            self.mailboxes.clearing(order_messages.clear(order))
        elif not is_watched(order, self.clock()):
            self._clear(order)

    def _start(self, replacement: Order) -> None:
        if replacement.status is OrderStatus.VALIDATED:
            start(self.workflow, self.monitor, replacement)

    def _clear(self, order: Order) -> None:
        """Start a run that has the order cleared. If it does not start, send the message."""
        try:
            self.workflow.start_at_clearing(order)
        except Exception as error:
            self.monitor.count(
                Metric.CLEARING_RUNS_REFUSED, order_id=order.order_id, error=repr(error)
            )
            self.mailboxes.clearing(order_messages.clear(order))
