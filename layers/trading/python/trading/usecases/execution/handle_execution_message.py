"""Execution: what a client's mailbox asks to be done with an order at the exchanges."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trading.domain import identifiers
from trading.domain.errors import PERMANENT, is_transient
from trading.domain.orders.order import Ending, Order, OrderStatus
from trading.domain.orders.order_times import expires_at, expiry_of, is_waiting, release_of
from trading.domain.orders.reasons import EndReason
from trading.messages import (
    CancelOrder,
    ClearOrder,
    ExecuteOrder,
    ExecutionMessage,
    PollOrder,
    ReportReceived,
)
from trading.metrics import Metric
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.execution.route_order import RouteOrder
from trading.usecases.orders.accept_order import start
from trading.usecases.ports import (
    Books,
    Clock,
    Exchanges,
    Mailboxes,
    Monitor,
    NotFoundError,
    OutcomeUnknownError,
    OutOfTimeError,
    StaleError,
    Workflow,
)
from trading.usecases.retrying import on_fresh_state
from trading.wire import ExecutionReport

TOKEN_LIFETIME = timedelta(days=100)
"""Longer than any order stands (GTC: 90 days)."""
RECENTLY = timedelta(minutes=10)
"""Longer than a message that a dead worker held takes to come again."""
ASKED_AGAIN_AFTER = timedelta(minutes=5)
"""An exchange that did not answer may not have what it was sent: sooner than an order is looked at
that rests.
"""
FOLLOWED_ONE_BY_ONE = 5
"""Predecessors that are read one after another; hardly an order has more that matter."""
MAX_TRADES = 1000
"""An order names its trades, and an item of DynamoDB has a size: with so many executions the rest
is canceled.
"""

TOO_MANY_TRADES = Ending(status=OrderStatus.CANCELED, reason="executed in too many parts")


@dataclass(frozen=True)
class HandleExecutionMessage:
    """The actor behind a client's execution mailbox. Every message may come twice, late, or after
    the order is over.
    """

    books: Books
    exchanges: Exchanges
    workflow: Workflow
    mailboxes: Mailboxes
    route: RouteOrder
    book: BookExecution
    monitor: Monitor
    clock: Clock

    def __call__(
        self,
        message: ExecutionMessage,
        redelivered: bool = False,
        has_time: Callable[[], bool] = lambda: True,
    ) -> None:
        """Handle one message. Raises NotFoundError for an unknown order, OutOfTimeError if there is
        no time for all that is to be sent before it; anything else unexpected means: deliver it
        again.

        `redelivered`: it has been begun before, and may have stopped anywhere; so it is after a
        lost race.
        """
        try:
            self._handle(message, redelivered, has_time)
        except StaleError:
            on_fresh_state(self._handle)(message, True, has_time)

    def _handle(
        self, message: ExecutionMessage, redelivered: bool, has_time: Callable[[], bool]
    ) -> None:
        match message:
            case ExecuteOrder():
                self._execute(message, redelivered, has_time)
            case ReportReceived():
                self._report(message.report, redelivered)
            case PollOrder():
                self._poll(message.order_id, has_time)
            case CancelOrder():
                self._cancel(message)

    def _route(self, order_id: str, redelivered: bool, has_time: Callable[[], bool]) -> None:
        """Route an order and what its client has sent before it."""
        order = self._order(order_id)
        if self._keep_back(order):
            return
        if order.status is OrderStatus.VALIDATED:
            for predecessor in self._unsent_predecessors(order, redelivered):
                self._execute_predecessor(predecessor)
                if not has_time():
                    raise OutOfTimeError
        if order.status is OrderStatus.VALIDATED or (redelivered and order.is_open):
            order = self._work(order)
        self._finish(order)

    @on_fresh_state
    def give_up(self, message: ExecutionMessage, reason: str) -> None:
        """The message cannot succeed: an order that no exchange has is rejected, any other is
        flagged for people to look at.
        """
        match message:
            case ReportReceived(report=report):
                order_id = identifiers.parent_order_id(report.client_order_id)
            case _:
                order_id = message.order_id
        order = self.books.order(order_id)
        if order is not None and order.client_id == message.client_id:
            self._give_up(order, reason)

    def _give_up(self, order: Order, reason: str) -> None:
        if order.status is OrderStatus.VALIDATED:
            self._finish(
                self.route.end(
                    order,
                    OrderStatus.REJECTED,
                    EndReason.PROCESSING_FAILED,
                    "the order could not be processed",
                )
            )
        else:
            self.books.commit(order.model_copy(update={"review_reason": reason[:256]}))

    def _execute(
        self, message: ExecuteOrder, redelivered: bool, has_time: Callable[[], bool]
    ) -> None:
        if message.task_token:
            self.books.save_task_token(
                message.order_id, message.task_token, self.clock() + TOKEN_LIFETIME
            )
        self._route(message.order_id, redelivered, has_time)

    def _execute_predecessor(self, order: Order) -> None:
        """A predecessor that cannot be processed is given up by itself, and does not take its
        successor along.
        """
        try:
            self._finish(self._work(order))
        except PERMANENT as error:
            if is_transient(error):
                raise
            self._give_up(order, f"{type(error).__name__}: {error}")

    def _unsent_predecessors(self, order: Order, redelivered: bool) -> list[Order]:
        """Orders to be sent before this one and not yet sent, oldest first: the queue may have got
        them in another order.

        Those that wait for their market are left out. A worker that died may have saved the route
        of an order without sending it, the last that it routed: that one is sent again first.
        """
        earlier = self._earlier(order)
        unsent = [
            e for e in earlier if e.status is OrderStatus.VALIDATED and not self._keep_back(e)
        ]
        routed = {at: e for e in earlier if e.is_open and (at := _routed_at(e))}
        last = max(routed, default=None) if redelivered else None
        if last is not None and last >= self.clock() - RECENTLY:
            unsent.append(routed[last])
        return unsent[::-1]

    def _keep_back(self, order: Order) -> bool:
        """Keep an order back that waits for its market; whether it does. One that should have gone
        out by now is marked: it has lost its place in the sequence. While the market is closed
        nobody need look at it.
        """
        now = self.clock()
        instrument = self.books.instrument(order.symbol) if order.release_at else None
        if order.release_at is None or instrument is None or not is_waiting(order, instrument, now):
            return False
        opens = release_of(instrument, now)
        due = order.attention_at if opens is None else min(opens, expires_at(order))
        kept = order.model_copy(update={"put_off": True, "attention_at": due})
        if order.release_at <= now and kept != order:
            self.books.commit(kept)
        return True

    def _earlier(self, order: Order) -> list[Order]:
        """Orders of its client accepted before this one, newest first, as far back as one may have
        to be sent before it.

        Before one that was routed all have been sent, but for those that it overtook while they
        waited; nor do those come before any other order that overtakes. Where many were accepted
        since, or went before it, the account says which are still open.
        """
        found: list[Order] = []
        current = order
        while current.previous_order_id:
            if order.put_off or len(found) == FOLLOWED_ONE_BY_ONE:
                named = self.books.account(order.client_id).open_orders
                others = (
                    o
                    for o in self.books.orders(each.order_id for each in named)
                    if o.sequence < order.sequence
                )
                return sorted(others, key=lambda o: o.sequence, reverse=True)
            current = self._order(current.previous_order_id)
            found.append(current)
            reached = (
                _routed_at(current) is not None or current.reason_code is EndReason.NOT_EXECUTABLE
            )
            if reached and (order.overtakes or not current.overtakes):
                break
        return found

    def _report(self, report: ExecutionReport, redelivered: bool) -> None:
        order = self.book.report(report)
        if order is None:
            return
        if order.is_open and len(order.trades) >= MAX_TRADES and order.ending is None:
            order = self._wish(order, TOO_MANY_TRADES)
            redelivered = True
        self._finish(self._work(order) if redelivered else self.route.proceed(order))

    def _poll(self, order_id: str, has_time: Callable[[], bool]) -> None:
        order = self._order(order_id)
        if order.status is OrderStatus.VALIDATED:
            self._route(order_id, False, has_time)
        else:
            self._finish(self._work(order), overdue=True)

    def _work(self, order: Order) -> Order:
        """Move the order on from wherever it stands: end it if that is wished or its time is over,
        else route what is unrouted.

        What may have been sent before is asked for first, and sent again only to an exchange that
        does not know it. One that does not answer is asked again soon; the others are heard now.
        """
        if order.is_open and order.ending is None and expires_at(order) <= self.clock():
            order = self._wish(order, expiry_of(order))
        if order.ending is not None:
            return self._end_early(order)
        missing: list[int] = []
        silent = False
        for child in order.live_children:
            try:
                state = self.exchanges.status(child.exchange_id, self.route.child_id(order, child))
            except OutcomeUnknownError as error:
                self.monitor.count(
                    Metric.POLLS_UNANSWERED, exchange_id=child.exchange_id, error=str(error)
                )
                silent = True
                continue
            if state is None:
                missing.append(child.number)
            else:
                order = self.book.state(order, child, state)
        order = self.route.proceed(order, missing)
        if silent and order.is_open:
            self._ask_again_soon(order)
        return order

    def _ask_again_soon(self, order: Order) -> None:
        now, soon = self.clock(), self.clock() + ASKED_AGAIN_AFTER
        if order.attention_at is None or not now < order.attention_at < soon:
            self.books.postpone(order, soon)

    def _cancel(self, message: CancelOrder) -> None:
        order = self._order(message.order_id)
        if order.is_open and order.ending is None:
            order = self._wish(
                order, Ending.model_validate({"status": message.outcome, "reason": message.reason})
            )
        self._finish(self._end_early(order))

    def _wish(self, order: Order, ending: Ending) -> Order:
        """Keep the wish to end the order: whatever happens to this message, every later one works
        towards it.
        """
        wished = order.model_copy(update={"ending": ending, "attention_at": self.clock()})
        self.books.commit(wished)
        return wished.saved()

    def _end_early(self, order: Order) -> Order:
        """Take the children back; the order ends when nothing of it is live. One whose exchange is
        silent stays, and the sweeper comes back to it.
        """
        for child in order.live_children:
            try:
                state = self.exchanges.cancel(child.exchange_id, self.route.child_id(order, child))
            except OutcomeUnknownError as error:
                self.monitor.count(
                    Metric.CANCELS_UNANSWERED, exchange_id=child.exchange_id, error=str(error)
                )
                continue
            order = self.book.state(order, child, state)
        return self.route.proceed(order)

    def _finish(self, order: Order, overdue: bool = False) -> None:
        """Answer the waiting workflow, after the commit and again on every redelivery: a token can
        be used only once.

        When there is no workflow to answer (it is gone, or overdue), clearing is told directly; it
        clears once.
        """
        if order.is_open:
            return
        if order.replaced_by:
            self._start(self._order(order.replaced_by))
        token = self.books.task_token(order.order_id)
        answered = False
        if token and order.filled_quantity:
            answered = self.workflow.succeed(token, {"order_id": order.order_id})
        elif token:
            answered = self.workflow.fail(token, "OrderClosed", order.reason_code or order.status)
        if order.awaits_clearing and not answered and (token or overdue):
            self.mailboxes.clearing(
                ClearOrder(
                    client_id=order.client_id,
                    correlation_id=order.correlation_id,
                    order_id=order.order_id,
                )
            )

    def _start(self, replacing: Order) -> None:
        if replacing.status is OrderStatus.VALIDATED:
            start(self.workflow, self.monitor, replacing)

    def _order(self, order_id: str) -> Order:
        order = self.books.order(order_id)
        if order is None:
            raise NotFoundError(f"no order {order_id}", field="order_id")
        return order


def _routed_at(order: Order) -> datetime | None:
    return next((step.time for step in order.history if step.status is OrderStatus.ROUTING), None)
