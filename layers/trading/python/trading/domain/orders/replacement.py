"""Replacing an order: the new one waits until the exchanges have given up the old one's children,
then it is for what was not filled.

So each share is either executed under the old terms or open to the new ones. Meanwhile the two hold
the greater of what each needs, never the sum.
"""

from dataclasses import replace
from datetime import datetime

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.orders import booking, order_entry
from trading.domain.orders.conflicts import OrderClosedError, OrderEndingError, OrderPendingError
from trading.domain.orders.end_request import REPLACED, Ending
from trading.domain.orders.holds import Reserve
from trading.domain.orders.order import Order, OrderRequest
from trading.domain.orders.order_effects import OrderEffect
from trading.domain.orders.order_entry import EntryFacts, Refusal, open_order
from trading.domain.orders.order_times import expires_at
from trading.domain.orders.reasons import RejectReason
from trading.domain.reference.calendars import business_date
from trading.domain.reference.instruments import Instrument
from trading.domain.values import ZERO, Frozen, Money


class Replacement(Frozen):
    """What is to change (None: nothing). `quantity` is the order's total, with what is filled of it
    (FIX OrderQty).
    """

    quantity: int | None = None
    limit_price: Money | None = None
    stop_price: Money | None = None


class ReplacementRefusedError(DomainError):
    """The order cannot be replaced so; it stands as it is."""

    kind = ErrorKind.UNPROCESSABLE

    def __init__(
        self, code: ErrorCode | RejectReason, message: str, field: str | None = None
    ) -> None:
        super().__init__(message, field=field)
        self.code = code


class ReplacementAccepted(Frozen):
    """An accepted replacement. `replaced` is the old order, which is to end; `pending` is the new
    one, which waits for that end, with what it reserves.
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
    """Accept a replacement if its new order would be accepted when the old one ended now.

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
        accepted = order_entry.assess(take_over(new, ended.order, now), facts_then, now).order
    except Refusal as refusal:
        raise ReplacementRefusedError(refusal.code, refusal.message) from None
    pending = set_aside(new, accepted, old, facts.account, facts.position)
    return ReplacementAccepted(replaced=give_way(old, pending.order, now), pending=pending)


def check_replaceable(old: Order, now: datetime) -> None:
    """Raises OrderPendingError, OrderClosedError, OrderEndingError."""
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
    """The terms of the new order, its quantity still the total. Raises ReplacementRefusedError."""
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
    if changed.quantity <= old.filled_quantity:
        filled = (
            f"{old.filled_quantity} are filled. The quantity includes them and must be greater."
        )
        raise ReplacementRefusedError(ErrorCode.QUANTITY_FILLED, filled, "quantity")
    return changed


def give_way(old: Order, new: Order, now: datetime) -> Order:
    """The old order, wanted to end for the new one."""
    return old.giving_way_to(new.order_id, now)


def set_aside(
    new: Order, accepted: Order, old: Order, account: Account, position: Position | None
) -> OrderEffect:
    """The new order as it waits, under the terms on which it would be `accepted` now, with what it
    needs beyond what the old one has.
    """
    there, needed = old.hold, accepted.hold
    counted = old.open_notional if old.business_date == accepted.business_date else ZERO
    reserve = Reserve(
        cash=max(needed.cash - there.cash, ZERO),
        credit=max(needed.credit - there.credit, ZERO),
        shares=max(needed.shares - there.shares, 0),
        notional=max(accepted.open_notional - counted, ZERO),
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


def give_back(
    new: Order, account: Account, position: Position | None
) -> tuple[Account, Position | None]:
    """The account, and the position of a sale, when the new order waits no longer."""
    reserve = new.reserve or Reserve()
    account = account.release(reserve.cash, reserve.credit).count_notional(
        new.business_date, -reserve.notional
    )
    if position is not None:
        position = position.hold(-reserve.shares)
    return account.close_order(new.order_id), position


def take_over(new: Order, ended: Order, now: datetime) -> Order:
    """The new order for what the old one left over. Raises Refusal when that is nothing, or when
    its time is over.
    """
    left = new.quantity - ended.filled_quantity
    if left <= 0:
        raise Refusal(
            RejectReason.REPLACE_TOO_LATE,
            f"{ended.filled_quantity} of {new.quantity} were filled before the replacement took "
            "effect.",
        )
    if expires_at(new) <= now:
        raise Refusal(
            RejectReason.REPLACE_TOO_LATE,
            f"{new.time_in_force}: the order expired before the one that it replaces had ended.",
        )
    return new.for_remainder(left, business_date(now))


def hand_over(
    new: Order,
    ended: Order,
    instrument: Instrument | None,
    account: Account,
    position: Position | None,
    now: datetime,
) -> OrderEffect:
    """The new order takes the place of the ended one, for what that one left over.

    Its hold comes from its reserve and from what the end has released. Its terms were checked when
    the replacement was requested. If it can no longer be accepted, it is rejected.
    """
    account, position = give_back(new, account, position)
    try:
        listed = order_entry.listed(new.symbol, instrument)
        validated = order_entry.validated(take_over(new, ended, now), listed, now)
        accepted = order_entry.admit(validated, account, position)
    except Refusal as refusal:
        rejected = order_entry.rejected(new, refusal, now)
        return OrderEffect(order=rejected, account=account, position=position)
    return OrderEffect(
        order=accepted.order, account=accepted.account, position=accepted.position or position
    )


def withdrawn(
    new: Order, ending: Ending, account: Account, position: Position | None, now: datetime
) -> OrderEffect:
    """The new order, taken back before it has taken over; the old one ends all the same."""
    account, position = give_back(new, account, position)
    return OrderEffect(order=new.withdrawn(ending, now), account=account, position=position)
