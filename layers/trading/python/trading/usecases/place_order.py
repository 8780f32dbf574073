"""Order entry: accept or reject, write the order with its hold, start its workflow."""

from dataclasses import dataclass

from trading.domain import order_entry
from trading.domain.errors import DomainError, ErrorKind
from trading.domain.order_entry import Refusal
from trading.domain.orders import Order, OrderRequest, OrderStatus
from trading.usecases.ports import Books, Change, Clock, Monitor, StaleError, Workflow
from trading.usecases.retrying import on_fresh_state


class IdempotencyKeyReusedError(DomainError):
    """The same key came with another body."""

    code = "IDEMPOTENCY_KEY_REUSED"
    kind = ErrorKind.UNPROCESSABLE


class UnknownClientError(DomainError):
    """The token names a client that we do not have."""

    code = "CLIENT_UNKNOWN"
    kind = ErrorKind.FORBIDDEN


@dataclass(frozen=True)
class PlaceOrder:
    """One transaction writes the order (its id derived from client and key), the hold and the day's notional."""

    books: Books
    workflow: Workflow
    monitor: Monitor
    clock: Clock

    def __call__(self, request: OrderRequest, key: str, fingerprint: str, correlation_id: str) -> tuple[Order, bool]:
        """The order as it was first accepted or rejected, and whether this was a repetition.

        Raises IdempotencyKeyReusedError, UnknownClientError, and StaleError when too many orders of the client race.
        """
        order, replayed = self._record(request, key, fingerprint, correlation_id)
        if order.status is OrderStatus.VALIDATED and not replayed:
            self._start(order)
        return order, replayed

    @on_fresh_state
    def _record(self, request: OrderRequest, key: str, fingerprint: str, correlation_id: str) -> tuple[Order, bool]:
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
            self.monitor.count("OrdersRejected", reason=order.reason_code)
        else:
            self.monitor.count("OrdersAccepted")
        return order, False

    def _assess(
        self, request: OrderRequest, key: str, fingerprint: str, correlation_id: str
    ) -> tuple[Order, tuple[Change, ...]]:
        now = self.clock()
        client = self.books.client(request.client_id)
        if client is None:
            raise UnknownClientError("no such client")
        received = order_entry.receive(request, key, fingerprint, correlation_id, now)
        try:
            instrument = order_entry.check_terms(request, client, self.books.instrument(request.symbol))
            highest_fee = max(exchange.fee_per_share for exchange in self.books.exchanges())
            acceptance = order_entry.accept(
                order_entry.validated(received, client, instrument, highest_fee, now),
                client,
                self.books.account(request.client_id),
                self.books.position(request.client_id, request.symbol) if request.side == "sell" else None,
            )
        except Refusal as refusal:
            rejected = order_entry.rejected(received, refusal, now)
            return rejected, (rejected,)
        touched = (acceptance.position,) if acceptance.position else ()
        return acceptance.order, (acceptance.order, acceptance.account, *touched)

    def _start(self, order: Order) -> None:
        """The order is accepted whatever happens here: if the workflow does not start now, the sweeper starts it."""
        try:
            self.workflow.start(order)
        except Exception as error:
            self.monitor.count("WorkflowStartsDeferred", order_id=order.order_id, error=repr(error))
