"""A client replaces an order.

One transaction writes the new order and the request to end the old one. When the old one has
ended, the new one takes its place.
"""

from dataclasses import dataclass

from trading.domain import identifiers
from trading.domain.clients.second_factor import check_order
from trading.domain.orders import replacement
from trading.domain.orders.end_request import REPLACED
from trading.domain.orders.order import Order
from trading.domain.orders.replacement import Replacement
from trading.metrics import Metric
from trading.usecases.orders import order_messages
from trading.usecases.orders.accept_order import IdempotencyKeyReusedError, gather
from trading.usecases.orders.place_order import PlacementBooks
from trading.usecases.ports import Clock, LastPrices, Mailboxes, Monitor, NotFoundError
from trading.usecases.retrying import on_fresh_state


@dataclass(frozen=True)
class ReplaceOrder:
    """The new order is checked now, as if the old one had ended. If a check fails, the old order
    stands unchanged. Otherwise the new order reserves what it needs beyond the old one's hold, so
    that nothing done meanwhile can keep it from taking over.
    """

    books: PlacementBooks
    prices: LastPrices
    mailboxes: Mailboxes
    monitor: Monitor
    clock: Clock

    def __call__(
        self,
        client_id: str,
        order_id: str,
        wanted: Replacement,
        key: str,
        fingerprint: str,
        correlation_id: str,
        has_second_factor: bool = False,
    ) -> tuple[Order, bool]:
        """The new order, and whether the same request was accepted before.

        Raises NotFoundError, IdempotencyKeyReusedError, OrderClosedError, OrderEndingError,
        OrderPendingError, ReplacementRefusedError, SecondFactorRequiredError, and StaleError when
        too much happens to the order.
        """
        new, old = self._record(
            client_id, order_id, wanted, key, fingerprint, correlation_id, has_second_factor
        )
        if old is not None:
            self._notify_mailbox(old)
        return new, old is None

    @on_fresh_state
    def _record(
        self,
        client_id: str,
        order_id: str,
        wanted: Replacement,
        key: str,
        fingerprint: str,
        correlation_id: str,
        has_second_factor: bool,
    ) -> tuple[Order, Order | None]:
        """The new order, and the old one if this call wrote them."""
        new_id = identifiers.order_id(client_id, key)
        known = {order.order_id: order for order in self.books.orders((new_id, order_id))}
        existing, old = known.get(new_id), known.get(order_id)
        if existing is not None:
            if existing.fingerprint != fingerprint:
                raise IdempotencyKeyReusedError(
                    "This Idempotency-Key was used with another request.", field="Idempotency-Key"
                )
            return existing, None
        if old is None or old.client_id != client_id:
            raise NotFoundError("There is no such order.", field="order_id")
        now = self.clock()
        facts = gather(self.books, self.prices, client_id, old.symbol, old.side)
        accepted = replacement.decide(old, wanted, key, fingerprint, correlation_id, facts, now)
        check_order(facts.client, accepted.pending.order.open_notional, has_second_factor)
        self.books.commit(*accepted.changed)
        self.monitor.count(Metric.REPLACEMENTS_REQUESTED)
        return accepted.pending.order, accepted.replaced

    def _notify_mailbox(self, old: Order) -> None:
        """If the message cannot be sent, the sweeper sends it later: the replacement stands."""
        try:
            self.mailboxes.execution(order_messages.cancel(old, REPLACED.reason))
        except Exception as error:
            self.monitor.count(
                Metric.REPLACEMENTS_DEFERRED, order_id=old.order_id, error=repr(error)
            )
