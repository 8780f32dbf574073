"""Order entry: accept or reject, write the order with its hold, start its workflow."""

from dataclasses import dataclass

from trading.domain.orders import order_entry
from trading.domain.orders.order import Order, OrderRequest, OrderStatus
from trading.domain.orders.order_entry import Refusal
from trading.metrics import Metric
from trading.usecases.orders.accept_order import IdempotencyKeyReusedError, assess, start
from trading.usecases.ports import Books, Change, Clock, LastPrices, Monitor, StaleError, Workflow
from trading.usecases.retrying import on_fresh_state


@dataclass(frozen=True)
class PlaceOrder:
    """One transaction writes the order (its id derived from client and key), the hold and the day's
    notional.
    """

    books: Books
    prices: LastPrices
    workflow: Workflow
    monitor: Monitor
    clock: Clock

    def __call__(
        self, request: OrderRequest, key: str, fingerprint: str, correlation_id: str
    ) -> tuple[Order, bool]:
        """The order as it was first accepted or rejected, and whether this was a repetition.

        Raises IdempotencyKeyReusedError, UnknownClientError, and StaleError when too many orders of
        the client race.
        """
        order, replayed = self._record(request, key, fingerprint, correlation_id)
        if order.status is OrderStatus.VALIDATED and not replayed:
            start(self.workflow, self.monitor, order)
        return order, replayed

    @on_fresh_state
    def _record(
        self, request: OrderRequest, key: str, fingerprint: str, correlation_id: str
    ) -> tuple[Order, bool]:
        order, changes = self._assess(request, key, fingerprint, correlation_id)
        try:
            self.books.commit(*changes)
        except StaleError:
            existing = self.books.order(order.order_id)
            if existing is None:
                raise
            if existing.fingerprint != fingerprint:
                raise IdempotencyKeyReusedError(
                    "this Idempotency-Key was used with another order", field="Idempotency-Key"
                ) from None
            return existing, True
        if order.reason_code:
            self.monitor.count(Metric.ORDERS_REJECTED, reason=order.reason_code)
        else:
            self.monitor.count(Metric.ORDERS_ACCEPTED)
        return order, False

    def _assess(
        self, request: OrderRequest, key: str, fingerprint: str, correlation_id: str
    ) -> tuple[Order, tuple[Change, ...]]:
        now = self.clock()
        received = order_entry.receive(request, key, fingerprint, correlation_id, now)
        try:
            accepted = assess(self.books, self.prices, received, now)
        except Refusal as refusal:
            rejected = order_entry.rejected(received, refusal, now)
            return rejected, (rejected,)
        return accepted.order, accepted.changed
