"""Order entry: accept or reject, write the order with its hold, start its workflow."""

from dataclasses import dataclass
from typing import Protocol

from trading.domain.clients.second_factor import SecondFactorRequiredError, check_order
from trading.domain.orders import order_entry
from trading.domain.orders.order import Order
from trading.domain.orders.order_effects import OrderEffect
from trading.domain.orders.order_request import OrderRequest
from trading.domain.orders.order_status import OrderStatus
from trading.metrics import Metric
from trading.usecases.orders.accept_order import (
    EntryBooks,
    IdempotencyKeyReusedError,
    gather,
    start,
)
from trading.usecases.ports import (
    Clock,
    LastPrices,
    Monitor,
    Orders,
    StaleError,
    UnitOfWork,
    Workflow,
)
from trading.usecases.retrying import on_fresh_state


class PlacementBooks(EntryBooks, Orders, UnitOfWork, Protocol):
    """The facts for the checks, and the order that an earlier request may have made."""


@dataclass(frozen=True)
class PlaceOrder:
    """One transaction writes the order (its id derived from client and key), the hold and the day's
    notional.
    """

    books: PlacementBooks
    prices: LastPrices
    workflow: Workflow
    monitor: Monitor
    clock: Clock

    def __call__(
        self,
        request: OrderRequest,
        key: str,
        fingerprint: str,
        correlation_id: str,
        has_second_factor: bool = False,
    ) -> tuple[Order, bool]:
        """The order as it was first accepted or rejected, and whether this was a repetition.

        Raises IdempotencyKeyReusedError, UnknownClientError, SecondFactorRequiredError, and
        StaleError when too many orders of the client race.
        """
        order, replayed = self._record(request, key, fingerprint, correlation_id, has_second_factor)
        if order.status is OrderStatus.VALIDATED and not replayed:
            start(self.workflow, self.monitor, order)
        return order, replayed

    @on_fresh_state
    def _record(
        self,
        request: OrderRequest,
        key: str,
        fingerprint: str,
        correlation_id: str,
        has_second_factor: bool,
    ) -> tuple[Order, bool]:
        now = self.clock()
        received = order_entry.receive(request, key, fingerprint, correlation_id, now)
        facts = gather(self.books, self.prices, request.client_id, request.symbol, request.side)
        decision = order_entry.decide(received, facts, now)
        try:
            if isinstance(decision, OrderEffect):
                check_order(facts.client, decision.order.open_notional, has_second_factor)
            self.books.commit(*decision.changed)
        except (StaleError, SecondFactorRequiredError):
            existing = self.books.order(received.order_id)
            if existing is None:
                raise
            if existing.fingerprint != fingerprint:
                raise IdempotencyKeyReusedError(
                    "This Idempotency-Key was used with another order.", field="Idempotency-Key"
                ) from None
            return existing, True
        if decision.order.reason_code:
            self.monitor.count(Metric.ORDERS_REJECTED, reason=decision.order.reason_code)
        else:
            self.monitor.count(Metric.ORDERS_ACCEPTED)
        return decision.order, False
