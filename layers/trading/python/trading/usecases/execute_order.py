"""Execution: what a client's mailbox asks to be done with an order at the exchanges."""

from dataclasses import dataclass
from datetime import timedelta

from trading.domain import identifiers
from trading.domain.orders import Order, OrderStatus
from trading.messages import CancelOrder, ClearOrder, ExecuteOrder, ExecutionMessage, PollOrder, ReportReceived
from trading.usecases.book_execution import BookExecution
from trading.usecases.ports import Books, Clock, Exchanges, Mailboxes, NotFoundError, Workflow
from trading.usecases.retrying import on_fresh_state
from trading.usecases.route_order import RouteOrder

TOKEN_LIFETIME = timedelta(days=100)
"""Longer than any order stands (GTC: 90 days)."""


@dataclass(frozen=True)
class ExecuteOrderStage:
    """The actor behind a client's execution mailbox. Every message may come twice, late, or after the order is over."""

    books: Books
    exchanges: Exchanges
    workflow: Workflow
    mailboxes: Mailboxes
    route: RouteOrder
    book: BookExecution
    clock: Clock

    @on_fresh_state
    def __call__(self, message: ExecutionMessage) -> None:
        """Handle one message. Raises NotFoundError for an unknown order; anything else unexpected means: deliver it again."""
        match message:
            case ExecuteOrder():
                self._execute(message)
            case ReportReceived(report=report):
                order = self.book.report(report)
                if order is not None:
                    self._finish(self.route.proceed(order))
            case PollOrder():
                self._poll(message)
            case CancelOrder():
                self._cancel(message)

    def execute(self, order_id: str) -> Order:
        """Route an order and what its client has sent before it. The order as it stands afterwards."""
        order = self._order(order_id)
        for predecessor in self._unrouted_predecessors(order):
            self._finish(self.route(predecessor))
        order = self.route(order)
        self._finish(order)
        return order

    @on_fresh_state
    def give_up(self, message: ExecutionMessage, reason: str) -> None:
        """The message cannot succeed: an order that no exchange has is rejected, any other is flagged for people to look at."""
        match message:
            case ReportReceived(report=report):
                order_id = identifiers.parent_order_id(report.client_order_id)
            case _:
                order_id = message.order_id
        order = self.books.order(order_id)
        if order is None or order.client_id != message.client_id:
            return
        if order.status is OrderStatus.VALIDATED:
            self._finish(
                self.route.end(order, OrderStatus.REJECTED, "PROCESSING_FAILED", "the order could not be processed")
            )
        else:
            self.books.commit(order.model_copy(update={"review_reason": reason[:256]}))

    def _execute(self, message: ExecuteOrder) -> None:
        if message.task_token:
            self.books.save_task_token(message.order_id, message.task_token, self.clock() + TOKEN_LIFETIME)
        self.execute(message.order_id)

    def _unrouted_predecessors(self, order: Order) -> list[Order]:
        """Orders accepted before this one and not yet routed, oldest first: the queue may have got them in another order."""
        waiting: list[Order] = []
        current = order
        while current.status is OrderStatus.VALIDATED and current.previous_order_id:
            current = self._order(current.previous_order_id)
            if current.status is OrderStatus.VALIDATED:
                waiting.append(current)
        return waiting[::-1]

    def _poll(self, message: PollOrder) -> None:
        order = self._order(message.order_id)
        if order.status is OrderStatus.VALIDATED:
            self.execute(order.order_id)
            return
        for child in order.live_children:
            state = self.exchanges.status(child.exchange_id, self.route.child_id(order, child))
            if state is not None:
                order = self.book.state(order, child, state)
        self._finish(self.route.proceed(order, resubmit=True), overdue=True)

    def _cancel(self, message: CancelOrder) -> None:
        order = self._order(message.order_id)
        for child in order.live_children:
            state = self.exchanges.cancel(child.exchange_id, self.route.child_id(order, child))
            order = self.book.state(order, child, state)
        if order.is_open:
            order = self.route.end(order, OrderStatus(message.outcome), message.outcome, message.reason)
        self._finish(order)

    def _finish(self, order: Order, overdue: bool = False) -> None:
        """Answer the waiting workflow, after the commit and again on every redelivery: a token can be used only once.

        When there is no workflow to answer (it is gone, or overdue), clearing is told directly; it clears once.
        """
        if order.is_open:
            return
        token = self.books.task_token(order.order_id)
        answered = False
        if token and order.filled_quantity:
            answered = self.workflow.succeed(token, {"order_id": order.order_id})
        elif token:
            answered = self.workflow.fail(token, "OrderClosed", order.reason_code or order.status)
        if order.awaits_clearing and not answered and (token or overdue):
            self.mailboxes.clearing(
                ClearOrder(client_id=order.client_id, correlation_id=order.correlation_id, order_id=order.order_id)
            )

    def _order(self, order_id: str) -> Order:
        order = self.books.order(order_id)
        if order is None:
            raise NotFoundError(f"no order {order_id}", field="order_id")
        return order
