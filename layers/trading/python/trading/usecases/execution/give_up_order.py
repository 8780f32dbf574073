"""What becomes of an order whose message cannot succeed."""

from dataclasses import dataclass

from trading.domain.orders.order import Order
from trading.domain.orders.order_end import UNPROCESSABLE
from trading.domain.orders.order_status import OrderStatus
from trading.usecases.execution.continue_workflow import ContinueWorkflow
from trading.usecases.execution.end_early import EndEarly
from trading.usecases.ports import UnitOfWork


@dataclass(frozen=True)
class GiveUpOrder:
    """Rejects an order that no exchange has; flags any other for review by operators."""

    books: UnitOfWork
    end_early: EndEarly
    continue_workflow: ContinueWorkflow

    def __call__(self, order: Order, reason: str) -> None:
        """Give the order up."""
        if order.status is OrderStatus.VALIDATED:
            self.continue_workflow(self.end_early.end(order, UNPROCESSABLE))
            return
        self.books.commit(order.flagged_for_review(reason))
