"""Replacing an order (FIX OrderCancelReplaceRequest, MsgType G).

1. `decide` requests the end of the old order and makes the new one pending. The new order reserves
   what it needs beyond the old order's hold. The two hold the greater of their needs, not the sum.
   Against the daily trading limit they count the most that they can come to.
2. The exchanges end the old order's children. Until then, fills under the old terms stand.
3. `activate` accepts the new order for the quantity that the old one left over, or rejects it.

So each share executes either under the old terms or under the new ones.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.orders import booking, order_entry
from trading.domain.orders.conflicts import OrderClosedError, OrderEndingError, OrderPendingError
from trading.domain.orders.end_request import REPLACED, EndRequest
from trading.domain.orders.holds import Reserve
from trading.domain.orders.order import Order
from trading.domain.orders.order_effects import OrderEffect
from trading.domain.orders.order_entry import EntryFacts, Refusal, open_order
from trading.domain.orders.order_request import OrderRequest
from trading.domain.orders.order_times import expires_at
from trading.domain.orders.reasons import RejectReason
from trading.domain.reference.calendars import business_date
from trading.domain.reference.instruments import Instrument
from trading.domain.values import ZERO, Frozen, Money


class Replacement(Frozen):
    """The terms to change; None leaves a term as it is.

    quantity: the total, including the shares that are filled (OrderQty, FIX tag 38).
    """

    quantity: int | None = None
    limit_price: Money | None = None
    stop_price: Money | None = None


class ReplacementRefusedError(DomainError):
    """The order cannot get these terms. It stays as it is."""

    kind = ErrorKind.UNPROCESSABLE

    def __init__(
        self, code: ErrorCode | RejectReason, message: str, field: str | None = None
    ) -> None:
        super().__init__(message, field=field)
        self.code = code


class ReplacementAccepted(Frozen):
    """The changes of an accepted replacement.

    replaced: the old order, with the request to end it. pending: the new order, which waits for
    that end, and the account and position that it reserves from.
    """

    replaced: Order
    pending: OrderEffect

    @property
    def changed(self) -> tuple[Order | Account | Position, ...]:
        """What is written, in one transaction."""
        return (self.replaced, *self.pending.changed)


def decide(
    old: Order,
    wanted: Replacement,
    key: str,
    fingerprint: str,
    correlation_id: str,
    facts: EntryFacts,
    now: datetime,
) -> ReplacementAccepted:
    """Accept a replacement if the new order would be accepted were the old one to end now.

    Raises OrderPendingError, OrderClosedError, OrderEndingError, ReplacementRefusedError.
    """
    check_replaceable(old, now)
    request = request_for(old, wanted)
    received = order_entry.receive(request, key, fingerprint, correlation_id, now)
    new = received.replacing(old.order_id)
    ended = booking.end(
        old, REPLACED.status, REPLACED.code, REPLACED.reason, facts.account, facts.position, now
    )
    facts_then = replace(facts, account=ended.account, position=ended.position)
    try:
        accepted = order_entry.assess(
            reduce_to_remainder(new, ended.order, now), facts_then, now
        ).order
        pending = make_pending(new, accepted, old, facts.account, facts.position)
        _check_daily_limit(pending, facts.client)
    except Refusal as refusal:
        raise ReplacementRefusedError(refusal.code, refusal.message) from None
    return ReplacementAccepted(
        replaced=old.with_replacement(pending.order.order_id, now), pending=pending
    )


def check_replaceable(old: Order, now: datetime) -> None:
    """Check that an order can be replaced.

    Raises OrderPendingError, OrderClosedError, OrderEndingError.
    """
    if old.is_pending:
        raise OrderPendingError(
            "The order has not yet taken the place of the one that it replaces."
        )
    if not old.is_open:
        raise OrderClosedError.of(old)
    if old.ending is not None or expires_at(old) <= now:
        why = f"replaced by {old.replaced_by}" if old.replaced_by else "canceled or expired"
        raise OrderEndingError(f"The order is being {why}.")


def request_for(old: Order, wanted: Replacement) -> OrderRequest:
    """The terms of the new order. Its quantity is still the total.

    Raises ReplacementRefusedError.
    """
    terms = OrderRequest.model_validate(old.model_dump(include=set(OrderRequest.model_fields)))
    changes = wanted.model_dump(exclude_none=True)
    if "limit_price" in changes and old.limit_price is None:
        raise ReplacementRefusedError(
            ErrorCode.PRICE_NOT_ALLOWED, f"A {old.order_type} order has no price.", "price"
        )
    if "stop_price" in changes and old.stop_price is None:
        raise ReplacementRefusedError(
            ErrorCode.STOP_PRICE_NOT_ALLOWED,
            f"A {old.order_type} order has no stop price.",
            "stop_price",
        )
    changed = terms.amended(**changes)
    if changed == terms:
        raise ReplacementRefusedError(
            ErrorCode.NOTHING_TO_CHANGE, "The order has these terms already."
        )
    if changed.quantity <= old.executed_quantity:
        filled = (
            f"{old.executed_quantity} are filled. The quantity includes them and must be greater."
        )
        raise ReplacementRefusedError(ErrorCode.QUANTITY_FILLED, filled, "quantity")
    return changed


def make_pending(
    new: Order, accepted: Order, old: Order, account: Account, position: Position | None
) -> OrderEffect:
    """Make the new order pending, with a reserve for what it needs beyond the old order's hold.

    accepted: the new order as it would be accepted now. The pending order takes its hold terms.
    """
    there, needed = old.hold, accepted.hold
    counted = old.open_notional if _count_together(old, accepted) else ZERO
    reserve = Reserve(
        cash=max(needed.cash - there.cash, ZERO),
        credit=max(needed.credit - there.credit, ZERO),
        shares=max(needed.shares - there.shares, 0),
        notional=max(_most_notional(old, accepted) - counted, ZERO),
    )
    waiting = new.waiting_with(accepted, reserve)
    account = account.hold(reserve.cash, reserve.credit).count_notional(
        new.business_date, reserve.notional
    )
    if position is not None:
        position = position.hold(reserve.shares)
    return OrderEffect(
        order=waiting, account=account.add_open_order(open_order(waiting)), position=position
    )


def _count_together(old: Order, accepted: Order) -> bool:
    """Whether both orders count against the daily limit of one date."""
    return old.business_date == accepted.business_date


def _most_notional(old: Order, accepted: Order) -> Decimal:
    """The most that both orders can still count on the new order's date.

    The old order may fill before it ends. If its price is worse, each of its fills counts more than
    the same share of the new order.
    """
    if not _count_together(old, accepted):
        return accepted.open_notional
    filled_first = min(old.remaining, accepted.remaining)
    afterwards = accepted.remaining - filled_first
    return max(
        accepted.open_notional,
        old.protection_price * filled_first + accepted.protection_price * afterwards,
    )


def _check_daily_limit(pending: OrderEffect, client: Client) -> None:
    """Check that no order of fills can exceed the daily limit. Raises Refusal."""
    reserved = pending.order.reserve or Reserve()
    beyond = pending.account.notional_on(pending.order.business_date) - client.daily_trading_limit
    if reserved.notional and beyond > 0:
        raise Refusal(
            RejectReason.DAILY_LIMIT_EXCEEDED,
            f"If the order is filled first, both count {beyond} more than what is left of the "
            "daily trading limit.",
        )


def release_reserve(
    new: Order, account: Account, position: Position | None
) -> tuple[Account, Position | None]:
    """Give back what the pending order reserves. position: for a sale only."""
    reserve = new.reserve or Reserve()
    account = account.release(reserve.cash, reserve.credit).count_notional(
        new.business_date, -reserve.notional
    )
    if position is not None:
        position = position.hold(-reserve.shares)
    return account.close_order(new.order_id), position


def reduce_to_remainder(new: Order, ended: Order, now: datetime) -> Order:
    """Reduce the new order to the quantity that the old one left over.

    Raises Refusal if nothing is left over, or if the new order's time is over.
    """
    left = new.quantity - ended.executed_quantity
    if left <= 0:
        raise Refusal(
            RejectReason.REPLACE_TOO_LATE,
            f"{ended.executed_quantity} of {new.quantity} were filled before the replacement took "
            "effect.",
        )
    if expires_at(new) <= now:
        raise Refusal(
            RejectReason.REPLACE_TOO_LATE,
            f"{new.time_in_force}: the order expired before the one that it replaces had ended.",
        )
    return new.for_remainder(left, business_date(now))


def activate(
    new: Order,
    ended: Order,
    instrument: Instrument | None,
    account: Account,
    position: Position | None,
    now: datetime,
) -> OrderEffect:
    """Accept the pending order for the quantity that the ended one left over, or reject it.

    account, position: as the end of the old order left them. The new hold comes from the reserve
    and from what that end released. The terms were checked when the replacement was requested.
    """
    account, position = release_reserve(new, account, position)
    try:
        listed = order_entry.listed(new.symbol, instrument)
        validated = order_entry.validated(reduce_to_remainder(new, ended, now), listed, now)
        accepted = order_entry.admit(validated, account, position)
    except Refusal as refusal:
        rejected = order_entry.rejected(new, refusal, now)
        return OrderEffect(order=rejected, account=account, position=position)
    return OrderEffect(
        order=accepted.order, account=accepted.account, position=accepted.position or position
    )


def withdraw(
    new: Order, ending: EndRequest, account: Account, position: Position | None, now: datetime
) -> OrderEffect:
    """Cancel a pending order. The order that it was to replace ends all the same."""
    account, position = release_reserve(new, account, position)
    return OrderEffect(order=new.withdrawn(ending, now), account=account, position=position)
