"""A client replaces an order: one transaction keeps the new one and the wish to end the old one,
whose end lets the new one in.
"""

from dataclasses import dataclass
from datetime import datetime

from trading.domain import identifiers
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.orders import booking, order_entry, replacement
from trading.domain.orders.order import Order
from trading.domain.orders.order_effects import OrderEffect
from trading.domain.orders.order_entry import Refusal
from trading.domain.orders.order_times import expires_at
from trading.domain.orders.replacement import REPLACED, Replacement, ReplacementRefusedError
from trading.messages import CancelOrder
from trading.metrics import Metric
from trading.usecases.orders.accept_order import IdempotencyKeyReusedError, assess
from trading.usecases.orders.cancel_order import OrderClosedError
from trading.usecases.orders.end_order import holders
from trading.usecases.ports import Books, Clock, LastPrices, Mailboxes, Monitor, NotFoundError
from trading.usecases.retrying import on_fresh_state


class OrderEndingError(DomainError):
    """The order is being canceled, replaced or expired already."""

    code = ErrorCode.ORDER_ENDING
    kind = ErrorKind.CONFLICT


class OrderPendingError(DomainError):
    """The order itself waits to replace another."""

    code = ErrorCode.ORDER_PENDING
    kind = ErrorKind.CONFLICT


@dataclass(frozen=True)
class ReplaceOrder:
    """The checks are made now, as if the old order had ended: what would not pass leaves it alone.
    What passes is set aside beside what the old order holds, so that it takes its place whatever
    its client or others do meanwhile.
    """

    books: Books
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
    ) -> tuple[Order, bool]:
        """The new order, and whether this was a repetition.

        Raises NotFoundError, IdempotencyKeyReusedError, OrderClosedError, OrderEndingError,
        OrderPendingError, ReplacementRefusedError, and StaleError when too much happens to the
        order.
        """
        new, old = self._record(client_id, order_id, wanted, key, fingerprint, correlation_id)
        if old is not None:
            self._begin(old)
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
    ) -> tuple[Order, Order | None]:
        """The new order and the old one as they are written; the new one alone if that was done
        before.
        """
        new_id = identifiers.order_id(client_id, key)
        known = {order.order_id: order for order in self.books.orders((new_id, order_id))}
        existing, old = known.get(new_id), known.get(order_id)
        if existing is not None:
            if existing.fingerprint != fingerprint:
                raise IdempotencyKeyReusedError(
                    "this Idempotency-Key was used otherwise", field="Idempotency-Key"
                )
            return existing, None
        if old is None or old.client_id != client_id:
            raise NotFoundError("There is no such order.", field="order_id")
        now = self.clock()
        self._check_state(old, now)
        request = replacement.request_for(old, wanted)
        received = order_entry.receive(request, key, fingerprint, correlation_id, now)
        waiting = self._set_aside(old, received.model_copy(update={"replaces": old.order_id}), now)
        giving_way = replacement.give_way(old, waiting.order, now)
        self.books.commit(giving_way, *waiting.changed)
        self.monitor.count(Metric.REPLACEMENTS_REQUESTED)
        return waiting.order, giving_way

    @staticmethod
    def _check_state(old: Order, now: datetime) -> None:
        if old.is_pending:
            raise OrderPendingError(
                "The order has not yet taken the place of the one that it replaces."
            )
        if not old.is_open:
            raise OrderClosedError.of(old)
        if old.ending is not None or expires_at(old) <= now:
            why = f"replaced by {old.replaced_by}" if old.replaced_by else "taken back"
            raise OrderEndingError(f"The order is being {why}.")

    def _set_aside(self, old: Order, new: Order, now: datetime) -> OrderEffect:
        """The new order as it waits, if it would be accepted when the old one ended now."""
        account, position = holders(self.books, old)
        ended = booking.end(
            old, REPLACED.status, REPLACED.code, REPLACED.reason, account, position, now
        )
        try:
            would_be = assess(
                self.books,
                self.prices,
                replacement.take_over(new, ended.order, now),
                now,
                ended.account,
                ended.position,
            )
        except Refusal as refusal:
            raise ReplacementRefusedError(refusal.code, refusal.message) from None
        return replacement.set_aside(new, would_be.order, old, account, position)

    def _begin(self, old: Order) -> None:
        """The replacement is accepted whatever happens here: if the mailbox is not told now, the
        sweeper tells it.
        """
        ids = {
            "client_id": old.client_id,
            "correlation_id": old.correlation_id,
            "order_id": old.order_id,
        }
        try:
            self.mailboxes.execution(CancelOrder(**ids, reason=REPLACED.reason))
        except Exception as error:
            self.monitor.count(
                Metric.REPLACEMENTS_DEFERRED, order_id=old.order_id, error=repr(error)
            )
