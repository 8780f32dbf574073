"""What a message in a client's execution mailbox asks for."""

from dataclasses import dataclass
from typing import Protocol

from trading.domain import identifiers
from trading.domain.deadline import NEVER, Deadline
from trading.domain.orders.end_request import EndRequest
from trading.domain.orders.order_end import TOO_MANY_TRADES, has_too_many_trades
from trading.domain.orders.order_status import OrderStatus
from trading.messages import (
    CancelOrder,
    ExecuteOrder,
    ExecutionMessage,
    PollOrder,
    ReportReceived,
)
from trading.usecases.execution.advance_order import AdvanceOrder
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.execution.continue_workflow import ContinueWorkflow
from trading.usecases.execution.end_early import EndEarly
from trading.usecases.execution.give_up_order import GiveUpOrder
from trading.usecases.execution.route_order import RouteOrder
from trading.usecases.execution.send_in_sequence import SendInSequence
from trading.usecases.orders.find_order import find_order
from trading.usecases.ports import Orders, StaleError, UnitOfWork
from trading.usecases.retrying import on_fresh_state
from trading.wire import ExecutionReport


class MessageBooks(Orders, UnitOfWork, Protocol):
    """The orders that messages name."""


@dataclass(frozen=True)
class HandleExecutionMessage:
    """The actor behind a client's execution mailbox.

    Every message may come twice, late, or after the order is over.
    """

    books: MessageBooks
    book: BookExecution
    route: RouteOrder
    end_early: EndEarly
    advance_order: AdvanceOrder
    send_in_sequence: SendInSequence
    continue_workflow: ContinueWorkflow
    give_up_order: GiveUpOrder

    def __call__(
        self,
        message: ExecutionMessage,
        redelivered: bool = False,
        deadline: Deadline = NEVER,
    ) -> None:
        """Handle one message.

        `redelivered`: another worker has begun the message and may have stopped anywhere. After a
        lost race the same is true.

        Raises NotFoundError for an unknown order, and OutOfTimeError if there is no time for all
        predecessors of an order. After any other unexpected error the message must come again.
        """
        try:
            self._handle(message, redelivered, deadline)
        except StaleError:
            on_fresh_state(self._handle)(message, True, deadline)

    @on_fresh_state
    def give_up(self, message: ExecutionMessage, reason: str) -> None:
        """Give up the order of a message that cannot succeed."""
        match message:
            case ReportReceived(report=report):
                order_id = identifiers.parent_order_id(report.client_order_id)
            case _:
                order_id = message.order_id
        order = self.books.order(order_id)
        if order is not None and order.client_id == message.client_id:
            self.give_up_order(order, reason)

    def _handle(self, message: ExecutionMessage, redelivered: bool, deadline: Deadline) -> None:
        match message:
            case ExecuteOrder():
                self.send_in_sequence(message.order_id, redelivered, deadline)
            case ReportReceived():
                self._book_report(message.report, redelivered)
            case PollOrder():
                self._poll(message.order_id, deadline)
            case CancelOrder():
                self._cancel(message)

    def _book_report(self, report: ExecutionReport, redelivered: bool) -> None:
        order = self.book.report(report)
        if order is None:
            return
        if has_too_many_trades(order):
            order = self.advance_order(self.end_early.record_ending(order, TOO_MANY_TRADES))
        elif redelivered:
            order = self.advance_order(order)
        else:
            order = self.route.proceed(order)
        self.continue_workflow(order)

    def _poll(self, order_id: str, deadline: Deadline) -> None:
        order = find_order(self.books, order_id)
        if order.status is OrderStatus.VALIDATED:
            self.send_in_sequence(order_id, False, deadline)
        else:
            self.continue_workflow(self.advance_order(order), overdue=True)

    def _cancel(self, message: CancelOrder) -> None:
        order = find_order(self.books, message.order_id)
        if message.unless_sent and order.status is not OrderStatus.VALIDATED:
            return
        if order.is_open and order.ending is None:
            ending = EndRequest.model_validate(
                {"status": message.outcome, "reason": message.reason}
            )
            order = self.end_early.record_ending(order, ending)
        self.continue_workflow(self.route.proceed(self.end_early.cancel_children(order)))
