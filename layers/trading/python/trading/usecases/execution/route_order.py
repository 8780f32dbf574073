"""Routing: an order is split over exchanges, and what one does not take is tried elsewhere."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from trading.domain import identifiers
from trading.domain.orders import routing, self_trades
from trading.domain.orders.order import Order
from trading.domain.orders.order_end import end_of
from trading.domain.orders.routing import RoutePlan, Step, Venue
from trading.metrics import Metric
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.execution.end_early import EndEarly
from trading.usecases.execution.submit_child import SubmitChild
from trading.usecases.ports import (
    Accounts,
    Clock,
    Exchanges,
    Monitor,
    Orders,
    OutcomeUnknownError,
    ReferenceData,
    UnitOfWork,
    VenueHealth,
)


class RouteBooks(ReferenceData, Accounts, Orders, UnitOfWork, Protocol):
    """The exchanges with their fees, the orders, and the account that lists the open ones."""


@dataclass(frozen=True)
class RouteOrder:
    """Children are written before they are sent, under our own ids. So sending one again is
    harmless.
    """

    books: RouteBooks
    exchanges: Exchanges
    health: VenueHealth
    book: BookExecution
    submit: SubmitChild
    end_early: EndEarly
    monitor: Monitor
    clock: Clock

    def proceed(self, order: Order, again: Collection[int] = ()) -> Order:
        """Do what the state of the children asks for: wait, route what is unrouted, or end the
        order.

        `again`: the numbers of live children that are sent once more, because their exchanges do
        not know them.
        """
        done = {child.number for child in order.live_children if child.number not in again}
        own: frozenset[str] = frozenset()
        while True:
            for child in order.live_children:
                if child.number not in done:
                    done.add(child.number)
                    order = self.submit(order, child, first_time=child.number not in again)
            step = routing.next_step(order)
            if step is Step.WAIT:
                return order
            if step is Step.ROUTE:
                own = self._own_exchanges(order)
                plan = self._plan(order, own)
                if plan:
                    order = self._save(order.routed(plan, self.clock()))
                    continue
                if order.live_children:
                    return order
            recalled, answered = self._recall_refused(order)
            if recalled.trades == order.trades:
                if not answered:
                    return recalled
                return self.end_early.end(recalled, end_of(recalled, step, bool(own)))
            order = recalled

    def _own_exchanges(self, order: Order) -> frozenset[str]:
        """The exchanges that have orders of the same client which this one could trade with."""
        if not self_trades.may_have_opponents(order):
            return frozenset()
        account = self.books.account(order.client_id)
        opponents = self_trades.opponents(order, account)
        return self_trades.occupied_exchanges(self.books.orders(opponents) if opponents else ())

    def _plan(self, order: Order, own: frozenset[str]) -> RoutePlan:
        """Split what is unrouted over the exchanges, by their quotes and their record."""
        avoided = routing.avoided_exchanges(order, self.health.suspended() | own)
        scores = self.health.scores()
        fees = {exchange.exchange_id: exchange.fee_per_share for exchange in self.books.exchanges()}
        usable = fees.keys() - avoided
        try:
            quotes = self.exchanges.quotes(order.symbol).quotes
        except OutcomeUnknownError as error:
            self.monitor.count(Metric.QUOTES_MISSING, symbol=order.symbol, error=str(error))
            return routing.plan_without_quotes(order, usable, scores)
        venues = [
            Venue(
                exchange_id=quote.exchange_id,
                bid=quote.bid,
                bid_size=quote.bid_size,
                ask=quote.ask,
                ask_size=quote.ask_size,
                fee_per_share=fees[quote.exchange_id],
                quality=scores.get(quote.exchange_id, Decimal(1)),
            )
            for quote in quotes
            if quote.exchange_id in usable
        ]
        return routing.plan_route(order, venues)

    def _recall_refused(self, order: Order) -> tuple[Order, bool]:
        """Cancel each child of which our books refused an execution, and book its other executions.

        By our books such a child is over, but its exchange may still execute it. The second value
        says whether every exchange answered. Until then the order may not end: executions that the
        client is entitled to may follow.
        """
        answered = True
        for child in order.children:
            if child.refused:
                client_order_id = identifiers.child_order_id(order.order_id, child.number)
                try:
                    state = self.exchanges.cancel(child.exchange_id, client_order_id)
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
