"""The workflow of an order waits for its execution, and gets its answer when the order is over."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.messages import ExecuteOrder
from trading.usecases.orders import order_messages
from trading.usecases.orders.accept_order import start
from trading.usecases.orders.find_order import find_order
from trading.usecases.ports import Clock, Mailboxes, Monitor, Orders, TaskTokens, Workflow

TOKEN_LIFETIME = timedelta(days=100)
"""Longer than any order can be open (GTC: 90 days)."""


class AnswerBooks(Orders, TaskTokens, Protocol):
    """The orders, and the task tokens of their workflows."""


@dataclass(frozen=True)
class AnswerWorkflow:
    """Answers a workflow after the commit, and again on every redelivery: a task token works once.

    If a workflow should have taken the answer and cannot, clearing gets its message directly.
    Clearing an order twice is harmless. An order that never had a workflow is left to the sweeper.
    """

    books: AnswerBooks
    workflow: Workflow
    mailboxes: Mailboxes
    monitor: Monitor
    clock: Clock

    def record_token(self, message: ExecuteOrder) -> None:
        """Keep the task token that came with a message."""
        if message.task_token:
            expires = self.clock() + TOKEN_LIFETIME
            self.books.save_task_token(message.order_id, message.task_token, expires)

    def __call__(self, order: Order, overdue: bool = False) -> None:
        """Answer the order's workflow, unless the order is still open.

        `overdue`: the answer should have been given some time ago, so clearing does not rely on it.
        """
        if order.is_open:
            return
        if order.replaced_by:
            self._start_workflow(find_order(self.books, order.replaced_by))
        token = self.books.task_token(order.order_id)
        answered = False
        if token and order.filled_quantity:
            answered = self.workflow.succeed(token, {"order_id": order.order_id})
        elif token:
            answered = self.workflow.fail(token, "OrderClosed", order.reason_code or order.status)
        if order.awaits_clearing and not answered and (token or overdue):
            self.mailboxes.clearing(order_messages.clear(order))

    def _start_workflow(self, replacement: Order) -> None:
        if replacement.status is OrderStatus.VALIDATED:
            start(self.workflow, self.monitor, replacement)
