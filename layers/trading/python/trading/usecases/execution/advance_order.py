"""Moving an order on from wherever it stands."""

from dataclasses import dataclass

from trading.domain import identifiers
from trading.domain.orders import attention
from trading.domain.orders.order import Order
from trading.domain.orders.order_times import expiry_of, is_overdue
from trading.metrics import Metric
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.execution.end_early import EndEarly
from trading.usecases.execution.route_order import RouteOrder
from trading.usecases.ports import AttentionIndex, Clock, Exchanges, Monitor, OutcomeUnknownError


@dataclass(frozen=True)
class AdvanceOrder:
    """Ends an order that is to end or whose time is over; asks after any other and routes the rest.

    What may have been sent before is asked for first. It is sent again only to an exchange that
    does not know it.
    """

    books: AttentionIndex
    exchanges: Exchanges
    book: BookExecution
    route: RouteOrder
    end_early: EndEarly
    monitor: Monitor
    clock: Clock

    def __call__(self, order: Order) -> Order:
        """Do what can be done for the order now."""
        order = self._ask_after_parked(order)
        if is_overdue(order, self.clock()):
            order = self.end_early.record_ending(order, expiry_of(order))
        if order.ending is not None:
            return self.route.proceed(self.end_early.cancel_children(order))
        unknown: list[int] = []
        silent = False
        for child in (*order.live_children, *order.children_in_doubt):
            client_order_id = identifiers.child_order_id(order.order_id, child.number)
            try:
                state = self.exchanges.status(child.exchange_id, client_order_id)
            except OutcomeUnknownError as error:
                self.monitor.count(
                    Metric.POLLS_UNANSWERED, exchange_id=child.exchange_id, error=str(error)
                )
                silent = True
                continue
            if state is not None:
                order = self.book.state(order, child, state)
            elif child in order.live_children:
                unknown.append(child.number)
        order = self.route.proceed(order, unknown)
        if silent and order.is_open:
            self._ask_again_soon(order)
        return order

    def _ask_after_parked(self, order: Order) -> Order:
        """Ask for the executions that parked corrections refer to.

        The children may have ended. An exchange that does not know the execution made a mistake.
        """
        for client_order_id in dict.fromkeys(each.client_order_id for each in order.parked):
            child = order.child(client_order_id)
            if child is None:
                continue
            try:
                state = self.exchanges.status(child.exchange_id, client_order_id)
            except OutcomeUnknownError as error:
                self.monitor.count(
                    Metric.POLLS_UNANSWERED, exchange_id=child.exchange_id, error=str(error)
                )
                self._ask_again_soon(order)
                continue
            if state is None:
                order = self.book.refuse_parked(order, client_order_id)
            else:
                order = self.book.state(order, child, state)
        return order

    def _ask_again_soon(self, order: Order) -> None:
        soon = attention.look_after_silence(order, self.clock())
        if soon is not None:
            self.books.postpone(order, soon)
