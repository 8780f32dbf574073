"""Routing: split an order over exchanges, submit, and try elsewhere what an exchange did not take."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from trading.domain import identifiers
from trading.domain.orders import booking, routing
from trading.domain.orders.order import ChildOrder, ChildStatus, Order, OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.orders.routing import Step, Venue
from trading.metrics import Metric
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.orders.end_order import changes_of_end, holders
from trading.usecases.ports import (
    Books,
    Clock,
    Exchanges,
    Monitor,
    NotAcceptedError,
    OutcomeUnknownError,
    VenueHealth,
)
from trading.wire import SubmitOrder, VenueOrderStatus


@dataclass(frozen=True)
class RouteOrder:
    """Children are written before they are sent, under ids of ours, so that sending them again is
    harmless.
    """

    books: Books
    exchanges: Exchanges
    health: VenueHealth
    book: BookExecution
    monitor: Monitor
    clock: Clock
    callback_url: str

    def proceed(self, order: Order, again: Collection[int] = ()) -> Order:
        """Do what the state of the children asks for: wait, route what is unrouted, or end the
        order.

        `again`: the numbers of children that an exchange may not have got.
        """
        done = {child.number for child in order.live_children if child.number not in again}
        while True:
            for child in order.live_children:
                if child.number not in done:
                    done.add(child.number)
                    order = self._submit(order, child, first_time=child.number not in again)
            step = routing.next_step(order)
            if step is Step.WAIT:
                return order
            if step is Step.ROUTE:
                parts = self._allocate(order)
                if parts:
                    order = self._save(order.routed(parts, self.clock()))
                    continue
                if order.live_children:
                    return order
            heard, answered = self._recall_refused(order)
            if heard.trades == order.trades:
                return self._give_up(heard, step) if answered else heard
            order = heard

    def end(self, order: Order, status: OrderStatus, code: EndReason, reason: str) -> Order:
        """End an open order early; what it holds goes back, and what replaces it takes over, in the
        same transaction.
        """
        account, position = holders(self.books, order)
        now = self.clock()
        ending = booking.end(order, status, code, reason, account, position, now)
        self.books.commit(
            *changes_of_end(self.books, ending.order, ending.account, ending.position, now)
        )
        self.monitor.count(Metric.ORDERS_ENDED, status=status, code=code)
        return ending.order.saved()

    @staticmethod
    def child_id(order: Order, child: ChildOrder) -> str:
        """What the exchange knows the child by."""
        return identifiers.child_order_id(order.order_id, child.number)

    def _submit(self, order: Order, child: ChildOrder, first_time: bool) -> Order:
        """Submit a child. One that was certainly not taken is over; of one that may have been, a
        cancel is the fence.

        A refusal is certain only the first time: of a child that was sent before, it says nothing
        about that time. When not even the cancel is answered the child stays live, and the sweeper
        asks for it until the exchange answers.
        """
        submission = SubmitOrder(
            client_order_id=self.child_id(order, child),
            account=order.client_id,
            symbol=order.symbol,
            side=order.side,
            quantity=child.quantity,
            limit_price=order.protection_price,
            stop_price=order.stop_price,
            time_in_force=order.venue_time_in_force,
            callback_url=self.callback_url,
            correlation_id=order.correlation_id,
        )
        try:
            state = self.exchanges.submit(child.exchange_id, submission)
        except NotAcceptedError as error:
            self.monitor.count(
                Metric.SUBMITS_REFUSED, exchange_id=child.exchange_id, error=str(error)
            )
            if first_time:
                return self.book.child_ended(order, child, ChildStatus.REJECTED, 0, str(error))
            return self._fence(order, child)
        except OutcomeUnknownError as error:
            self.monitor.count(
                Metric.SUBMITS_UNKNOWN, exchange_id=child.exchange_id, error=str(error)
            )
            return self._fence(order, child)
        return self.book.state(order, child, state)

    def _fence(self, order: Order, child: ChildOrder) -> Order:
        try:
            state = self.exchanges.cancel(child.exchange_id, self.child_id(order, child))
        except OutcomeUnknownError as error:
            self.monitor.count(
                Metric.FENCES_UNKNOWN, exchange_id=child.exchange_id, error=str(error)
            )
            return order
        if not state.status.is_final:
            return self.book.state(order, child, state)
        order = self.book.state(
            order, child, state.model_copy(update={"status": VenueOrderStatus.NEW})
        )
        return self.book.child_ended(
            order, child, ChildStatus.REJECTED, state.cumulative_quantity, "no answer to the submit"
        )

    def _allocate(self, order: Order) -> tuple[tuple[str, int], ...]:
        second_round = any(child.outcome is ChildStatus.CANCELED for child in order.children)
        avoid = routing.spent_exchanges(order) | self.health.suspended()
        if second_round:  # what a venue displays is already asked for by the child that is there
            avoid |= {child.exchange_id for child in order.live_children}
        scores = self.health.scores()
        fees = {exchange.exchange_id: exchange.fee_per_share for exchange in self.books.exchanges()}
        try:
            quote = self.exchanges.quotes(order.symbol)
        except OutcomeUnknownError as error:
            self.monitor.count(Metric.QUOTES_MISSING, symbol=order.symbol, error=str(error))
            return self._blind(order, sorted(fees.keys() - avoid), scores)
        venues = [
            Venue(
                exchange_id=q.exchange_id,
                bid=q.bid,
                bid_size=q.bid_size,
                ask=q.ask,
                ask_size=q.ask_size,
                fee_per_share=fees[q.exchange_id],
                quality=scores.get(q.exchange_id, Decimal(1)),
            )
            for q in quote.quotes
            if q.exchange_id in fees and q.exchange_id not in avoid
        ]
        if order.stop_price is not None:
            return routing.allocate_whole(order.side, order.unrouted, venues)
        return routing.allocate(
            order.side,
            order.unrouted,
            order.protection_price,
            order.venue_time_in_force,
            venues,
            second_round,
        )

    @staticmethod
    def _blind(
        order: Order, exchange_ids: list[str], scores: dict[str, Decimal]
    ) -> tuple[tuple[str, int], ...]:
        """Without quotes the whole goes to the exchange that has executed best."""
        if not exchange_ids:
            return ()
        return ((max(exchange_ids, key=lambda e: scores.get(e, Decimal(1))), order.unrouted),)

    def _give_up(self, order: Order, step: Step) -> Order:
        """End the order. The client is told what happened, not what an exchange's machine said."""
        if order.ending is not None:
            return self.end(order, order.ending.status, order.ending.code, order.ending.reason)
        if step is Step.EXPIRE:
            return self.end(
                order, OrderStatus.EXPIRED, EndReason.EXPIRED, "expired at the exchange"
            )
        canceled = any(child.status is ChildStatus.CANCELED for child in order.children)
        if order.filled_quantity or canceled:
            return self.end(
                order,
                OrderStatus.CANCELED,
                EndReason.REMAINDER_CANCELED,
                f"{order.remaining} of {order.quantity} not executed",
            )
        return self.end(
            order, OrderStatus.REJECTED, EndReason.NOT_EXECUTABLE, "no exchange took the order"
        )

    def _recall_refused(self, order: Order) -> tuple[Order, bool]:
        """A child of which we refused an execution is over for us, though perhaps not for its
        exchange: take back what is left, and book what it did execute. Whether every exchange
        answered: until then the order may not end, for what is executed there is the client's.
        """
        answered = True
        for child in order.children:
            if child.refused:
                try:
                    state = self.exchanges.cancel(child.exchange_id, self.child_id(order, child))
                except OutcomeUnknownError as error:
                    self.monitor.count(
                        Metric.RECALLS_UNANSWERED, exchange_id=child.exchange_id, error=str(error)
                    )
                    answered = False
                    continue
                order = self.book.state(order, child, state)
        return order, answered

    def _save(self, order: Order) -> Order:
        self.books.commit(order)
        return order.saved()
