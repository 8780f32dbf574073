"""What becomes of an order whose message cannot succeed."""

from dataclasses import dataclass

from trading.domain.orders.attention import look_after_failure
from trading.domain.orders.order import Order
from trading.domain.orders.order_end import UNPROCESSABLE
from trading.domain.orders.order_status import OrderStatus
from trading.usecases.execution.answer_workflow import AnswerWorkflow
from trading.usecases.execution.end_early import EndEarly
from trading.usecases.ports import Clock, UnitOfWork


@dataclass(frozen=True)
class GiveUpOrder:
    """Rejects an order that no exchange has; flags any other for review by operators."""

    books: UnitOfWork
    end_early: EndEarly
    answer_workflow: AnswerWorkflow
    clock: Clock

    def __call__(self, order: Order, reason: str) -> None:
        """Give the order up."""
        if order.status is OrderStatus.VALIDATED:
            self._answer(self.end_early.end(order, UNPROCESSABLE))
            return
        flagged = order.flagged_for_review(reason)
        watched = flagged.looked_at_next(look_after_failure(self.clock()))
        if order.attention_at is None and watched.waits_for_answer_only:
            flagged = watched  # its workflow may not know that the order is over
        self.books.commit(flagged)

    def _answer(self, ended: Order) -> None:
        """Answer the workflow. If that fails, the sweeper has it answered later.

        The order is at rest and its message goes to the DLQ, so nobody else would do it.
        """
        try:
            self.answer_workflow(ended)
        except Exception:
            self.books.commit(ended.looked_at_next(look_after_failure(self.clock())))
            raise
