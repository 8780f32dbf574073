"""An order: its terms, its history, its children at the exchanges, and what it holds.

Every change of an order is a method of `Order` that returns the changed order. An order is written
under an optimistic lock; see `Versioned`.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from trading.domain import identifiers
from trading.domain.orders.child_order import ChildOrder, ChildStatus
from trading.domain.orders.end_request import REPLACED, EndRequest
from trading.domain.orders.fees import fee_of
from trading.domain.orders.holds import Hold, Reserve
from trading.domain.orders.order_status import (
    OPEN,
    HistoryEntry,
    IllegalTransitionError,
    OrderStatus,
    check_transition,
    time_of,
)
from trading.domain.orders.reasons import OrderReason
from trading.domain.values import (
    ZERO,
    Day,
    Frozen,
    Money,
    OrderType,
    Side,
    TimeInForce,
    Timestamp,
    Versioned,
    cents_down,
    per_share,
    percent_of,
)

LONGEST_REVIEW_REASON = 256


class OrderRequest(Frozen):
    """The terms that a client asks for. quantity: in shares; prices: in the account's currency."""

    client_id: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: int
    limit_price: Money | None = None
    stop_price: Money | None = None

    def amended(
        self,
        quantity: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
    ) -> "OrderRequest":
        """Change these terms. None leaves a term as it is."""
        return self.but(
            quantity=self.quantity if quantity is None else quantity,
            limit_price=self.limit_price if limit_price is None else limit_price,
            stop_price=self.stop_price if stop_price is None else stop_price,
        )


class Order(OrderRequest, Versioned):
    """An order and everything that happened to it. Its fills are ledger entries, named in `trades`.

    protection_price: the worst price that the order may meet: its limit, or the collar of a market
    or stop order. hold_fee_per_share, margin_percent: the fee and the client's share of a purchase
    at acceptance; the hold is computed from them.
    business_date: the session that the order belongs to. sequence: its number among the client's
    accepted orders, from 1; previous_order_id: the order with the number before.
    replaces, replaced_by: the order ids of a replacement. reserve: what a replacement sets aside
    while it waits.
    ending: the request to end it early. review_reason: why an operator must look at it.
    attention_at: when the sweeper looks at it next; None: never (see `attention`).
    release_at: the open of its market that it waits for, or waited for. overtakes: it was accepted
    while earlier orders of its client waited for the open. put_off: trading was halted at the open,
    so it could not be sent; later orders of its client may have been sent before it.
    """

    order_id: str
    idempotency_key: str
    fingerprint: str
    correlation_id: str
    protection_price: Money = ZERO
    hold_fee_per_share: Money = ZERO
    margin_percent: Decimal = Decimal(100)
    business_date: Day
    accepted_at: Timestamp
    sequence: int = 0
    previous_order_id: str | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    reserve: Reserve | None = None
    status: OrderStatus
    reason_code: OrderReason | None = None
    history: tuple[HistoryEntry, ...]
    children: tuple[ChildOrder, ...] = ()
    trades: tuple[str, ...] = ()
    filled_quantity: int = 0
    filled_notional: Money = ZERO
    fees: Money = ZERO
    cleared_at: Timestamp | None = None
    settled_quantity: int = 0
    ending: EndRequest | None = None
    review_reason: str | None = None
    attention_at: Timestamp | None = None
    release_at: Timestamp | None = None
    overtakes: Literal[True] | None = None
    put_off: Literal[True] | None = None

    @property
    def remaining(self) -> int:
        """The shares that were not executed."""
        return self.quantity - self.filled_quantity

    @property
    def is_open(self) -> bool:
        """Whether it may still execute."""
        return self.status in OPEN

    @property
    def is_pending(self) -> bool:
        """Whether it is a replacement that waits for the order it replaces to end."""
        return self.status is OrderStatus.RECEIVED

    @property
    def open_notional(self) -> Decimal:
        """What remains, at the protection price: what counts against the daily trading limit."""
        return self.protection_price * self.remaining

    @property
    def unrouted(self) -> int:
        """The shares that remain and are at no exchange."""
        return self.remaining - sum(child.leaves for child in self.children) if self.is_open else 0

    @property
    def venue_time_in_force(self) -> TimeInForce:
        """The time in force that the exchange is told. A market order never rests, so it is IOC."""
        if self.order_type is OrderType.MARKET and self.time_in_force is not TimeInForce.FOK:
            return TimeInForce.IOC
        return self.time_in_force

    @property
    def live_children(self) -> tuple[ChildOrder, ...]:
        """The children that an exchange may still execute."""
        return tuple(child for child in self.children if child.status is ChildStatus.SENT)

    @property
    def average_price(self) -> Decimal | None:
        """Notional over quantity of what was executed, half up to a hundredth of a cent."""
        if not self.filled_quantity:
            return None
        return per_share(self.filled_notional, self.filled_quantity)

    @property
    def awaits_clearing(self) -> bool:
        """Whether it can no longer execute, and its fills are not cleared."""
        return not self.is_open and self.filled_quantity > 0 and self.cleared_at is None

    @property
    def routed_at(self) -> datetime | None:
        """When it was first routed."""
        return time_of(OrderStatus.ROUTING, self.history)

    @property
    def hold(self) -> Hold:
        """What it holds now: nothing once it can no longer execute."""
        return self.hold_for(self.remaining) if self.is_open else self.reserve or Hold()

    def hold_for(self, quantity: int) -> Hold:
        """What a quantity of this order must hold.

        A buy holds what one fill of it at the protection price would cost, fee included: no other
        fills cost more. The amount is split into the client's share and credit. Both parts grow
        with the quantity, so a fill never releases a negative amount, and what it releases covers
        its cost.
        """
        if self.side is Side.SELL:
            return Hold(shares=quantity)
        notional = self.protection_price * quantity
        gross = notional + fee_of(self.hold_fee_per_share, quantity, notional)
        credit = cents_down(percent_of(gross, 100 - self.margin_percent))
        return Hold(cash=gross - credit, credit=credit)

    def child(self, client_order_id: str) -> ChildOrder | None:
        """The child that an exchange knows by this id."""
        return next(
            (
                c
                for c in self.children
                if identifiers.child_order_id(self.order_id, c.number) == client_order_id
            ),
            None,
        )

    def moved_to(self, status: OrderStatus, now: datetime, reason: str | None = None) -> "Order":
        """Make a transition and record it. Raises IllegalTransitionError."""
        check_transition(self.order_id, self.status, status)
        entry = HistoryEntry(status=status, time=now, reason=reason)
        return self.but(status=status, history=(*self.history, entry), reserve=None)

    # --- acceptance

    def with_hold_terms(
        self, protection_price: Decimal, hold_fee_per_share: Decimal, margin_percent: Decimal
    ) -> "Order":
        """Fix the terms that its hold is computed from."""
        return self.but(
            protection_price=protection_price,
            hold_fee_per_share=hold_fee_per_share,
            margin_percent=margin_percent,
        )

    def validated(
        self, now: datetime, release_at: datetime | None, attention_at: datetime
    ) -> "Order":
        """The terms passed the checks. `release_at`: the open that the order waits for, if any."""
        moved = self.moved_to(OrderStatus.VALIDATED, now)
        return moved.but(release_at=release_at, attention_at=attention_at)

    def in_sequence(self, sequence: int, previous_order_id: str | None, overtakes: bool) -> "Order":
        """Give it its number among the client's accepted orders."""
        return self.but(
            sequence=sequence,
            previous_order_id=previous_order_id,
            overtakes=True if overtakes else None,
        )

    def looked_at_next(self, attention_at: datetime) -> "Order":
        """Set when the sweeper looks at it next."""
        return self.but(attention_at=attention_at)

    def put_off_until(self, attention_at: datetime | None) -> "Order":
        """Mark that it could not be sent at its open."""
        return self.but(put_off=True, attention_at=attention_at)

    # --- replacement

    def replacing(self, order_id: str) -> "Order":
        """Make it the replacement of an order."""
        return self.but(replaces=order_id)

    def with_replacement(self, order_id: str, now: datetime) -> "Order":
        """Request its end, so that the order with this id can replace it."""
        return self.but(ending=REPLACED, replaced_by=order_id, attention_at=now)

    def waiting_with(self, terms_of: "Order", reserve: Reserve) -> "Order":
        """Give a replacement its reserve, and the hold terms of another order."""
        return self.with_hold_terms(
            terms_of.protection_price, terms_of.hold_fee_per_share, terms_of.margin_percent
        ).but(reserve=reserve)

    def for_remainder(self, quantity: int, business_date: Day) -> "Order":
        """Reduce a replacement to what the order that it replaces left over."""
        return self.but(quantity=quantity, business_date=business_date)

    # --- execution

    def routed(self, parts: tuple[tuple[str, int], ...], now: datetime) -> "Order":
        """Add a child for each (exchange id, quantity). The first route moves it to ROUTING."""
        first = len(self.children) + 1
        added = tuple(
            ChildOrder(number=number, exchange_id=exchange_id, quantity=quantity)
            for number, (exchange_id, quantity) in enumerate(parts, first)
        )
        order = (
            self
            if self.status is not OrderStatus.VALIDATED
            else self.moved_to(OrderStatus.ROUTING, now)
        )
        return order.but(children=(*self.children, *added))

    def filled(
        self,
        client_order_id: str,
        trade_id: str,
        quantity: int,
        notional: Decimal,
        fees: Decimal,
        now: datetime,
    ) -> "Order":
        """Count a fill of one child. Raises IllegalTransitionError if there is no such child."""
        child = self.child(client_order_id)
        if child is None:
            raise IllegalTransitionError(f"{self.order_id} has no child {client_order_id}")
        done = self.filled_quantity + quantity == self.quantity
        order = self._with_child(child.fill(quantity))
        return order.moved_to(
            OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED, now
        ).but(
            trades=(*self.trades, trade_id),
            filled_quantity=self.filled_quantity + quantity,
            filled_notional=self.filled_notional + notional,
            fees=self.fees + fees,
        )

    def child_ended(
        self, client_order_id: str, ending: ChildStatus, cumulative: int, reason: str | None
    ) -> "Order":
        """Record that an exchange ended a child after it executed `cumulative` shares in all.

        A child that is over stays as it is.
        """
        child = self.child(client_order_id)
        if child is None or child.status is not ChildStatus.SENT:
            return self
        return self._with_child(child.record_ending(ending, cumulative, reason))

    def execution_refused(self, client_order_id: str, quantity: int) -> "Order":
        """Record that the books refused an execution of a child.

        These shares of the child will never be filled. A child that is over stays as it is.
        """
        child = self.child(client_order_id)
        if child is None or child.status is not ChildStatus.SENT:
            return self
        return self._with_child(child.refuse_execution(quantity))

    def _with_child(self, changed: ChildOrder) -> "Order":
        children = tuple(
            changed if child.number == changed.number else child for child in self.children
        )
        return self.but(children=children)

    # --- early ends

    def with_ending(self, ending: EndRequest, now: datetime) -> "Order":
        """Record the request to end it early. The sweeper looks at it at once."""
        return self.but(ending=ending, attention_at=now)

    def ended(
        self,
        status: Literal[OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED],
        now: datetime,
        code: OrderReason,
        reason: str,
    ) -> "Order":
        """End it early. Its fills stay to be cleared; without fills it is at rest."""
        order = self.moved_to(status, now, reason).but(reason_code=code)
        return order if order.filled_quantity else order.at_rest()

    def withdrawn(self, ending: EndRequest, now: datetime) -> "Order":
        """Cancel a replacement that still waits."""
        return self.ended(OrderStatus.CANCELED, now, ending.code, ending.reason).but(ending=ending)

    # --- post-trade

    def cleared(self, now: datetime) -> "Order":
        """All its fills are novated. A FILLED order moves through CLEARING to CLEARED; an order
        that ended early keeps its status.
        """
        order = self
        if self.status is OrderStatus.FILLED:
            order = self.moved_to(OrderStatus.CLEARING, now).moved_to(OrderStatus.CLEARED, now)
        order = order.but(cleared_at=now).at_rest()
        return order.settled(0, now) if order.settled_quantity else order

    def settled(self, quantity: int, now: datetime) -> "Order":
        """Count shares that were delivered versus payment. The last of them make it SETTLED."""
        order = self.but(settled_quantity=self.settled_quantity + quantity)
        if order.status is OrderStatus.CLEARED:
            order = order.moved_to(OrderStatus.SETTLING, now)
        if order.status is OrderStatus.SETTLING and order.settled_quantity == order.filled_quantity:
            order = order.moved_to(OrderStatus.SETTLED, now)
        return order

    # --- attention and review

    @property
    def waits_for_answer_only(self) -> bool:
        """Whether it is in the sweeper's index only because its workflow must be answered.

        Nothing of it was executed, so there is nothing to clear.
        """
        over = not self.is_open and not self.is_pending
        return over and not self.filled_quantity and self.attention_at is not None

    def at_rest(self) -> "Order":
        """Take it out of the sweeper's index: nothing is due to happen that needs a push."""
        return self.but(attention_at=None)

    def flagged_for_review(self, reason: str) -> "Order":
        """Ask an operator to look at it. The reason is cut to 256 characters."""
        return self.but(review_reason=reason[:LONGEST_REVIEW_REASON])

    def reviewed(self) -> "Order":
        """An operator has looked at it."""
        return self.but(review_reason=None)

    def at_acceptance(self) -> "Order":
        """The order as it was when it was accepted or rejected, before any fill."""
        first = self.history[:2]
        return self.but(
            history=first,
            status=first[-1].status,
            filled_quantity=0,
            filled_notional=ZERO,
        )
