"""Submitting a child order to its exchange."""

from dataclasses import dataclass

from trading.domain import identifiers
from trading.domain.orders.child_order import ChildOrder, ChildStatus
from trading.domain.orders.order import Order
from trading.metrics import Metric
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.ports import Exchanges, Monitor, NotAcceptedError, OutcomeUnknownError
from trading.wire import SubmitOrder


@dataclass(frozen=True)
class SubmitChild:
    """Submits a child and books the answer. A submit without an answer is fenced by a cancel.

    A child that its exchange certainly did not take is over. If not even the fence is answered, the
    child stays live, and the sweeper asks after it until the exchange answers.
    """

    exchanges: Exchanges
    book: BookExecution
    monitor: Monitor
    callback_url: str

    def __call__(self, order: Order, child: ChildOrder, first_time: bool) -> Order:
        """Submit the child.

        A refusal is certain only the first time. If the child was sent before, the refusal says
        nothing about the earlier submit.
        """
        submission = SubmitOrder(
            client_order_id=identifiers.child_order_id(order.order_id, child.number),
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
                return self.book.child_end(order, child, ChildStatus.REJECTED, 0, str(error))
            return self._fence(order, child)
        except OutcomeUnknownError as error:
            self.monitor.count(
                Metric.SUBMITS_UNKNOWN, exchange_id=child.exchange_id, error=str(error)
            )
            return self._fence(order, child)
        return self.book.state(order, child, state)

    def _fence(self, order: Order, child: ChildOrder) -> Order:
        """Cancel a child that may have arrived, so that it cannot arrive any more.

        Fills that happen before the cancel stand. Its quantity can then be sent elsewhere.
        """
        client_order_id = identifiers.child_order_id(order.order_id, child.number)
        try:
            state = self.exchanges.cancel(child.exchange_id, client_order_id)
        except OutcomeUnknownError as error:
            self.monitor.count(
                Metric.FENCES_UNKNOWN, exchange_id=child.exchange_id, error=str(error)
            )
            return order
        if not state.status.is_final:
            return self.book.state(order, child, state)
        order = self.book.state(order, child, state.without_end())
        return self.book.child_end(
            order, child, ChildStatus.REJECTED, state.cumulative_quantity, "no answer to the submit"
        )
