"""What is kept of an order, and what follows from it. `Order` adds the changes."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from trading.domain import identifiers
from trading.domain.orders.child_order import ChildOrder, ChildStatus
from trading.domain.orders.end_request import EndRequest
from trading.domain.orders.fees import fee_of
from trading.domain.orders.holds import Hold, Reserve
from trading.domain.orders.order_request import OrderRequest
from trading.domain.orders.order_status import OPEN, HistoryEntry, OrderStatus, time_of
from trading.domain.orders.reasons import OrderReason
from trading.domain.orders.venue_correction import VenueCorrection
from trading.domain.values import (
    ZERO,
    Day,
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


class OrderRecord(OrderRequest, Versioned):
    """What is kept of an order. Its fills are ledger entries, named in `trades`.

    protection_price: the worst price that the order may meet: its limit, or the collar of a market
    or stop order. hold_fee_per_share, margin_percent: the fee and the client's share of a purchase
    at acceptance; the hold is computed from them.
    business_date: the session that the order belongs to. sequence: its number among the client's
    accepted orders, from 1; previous_order_id: the order with the number before.
    busted_quantity: the shares that busts and corrections took away. reversed_trades: the trades,
    among `trades`, that they reversed. parked: those whose execution is not booked yet.
    replaces, replaced_by: the order ids of a replacement. reserve: what a replacement sets aside
    while it waits.
    ending: the request to end it early. review_reason: why an operator must look at it.
    cancel_requested_in, flagged_in: the versions in which a client or an operator last requested
    its cancel, and in which it was last flagged for review.
    attention_at: when the sweeper looks at it next; None: never (see `attention`).
    release_at: the open of its market that it waits for, or waited for. overtakes: it was accepted
    while earlier orders of its client waited for the open. put_off: trading was halted at the open,
    so it could not be sent; later orders of its client may have been sent before it. kept_apart: at
    acceptance, its client had an open order that it may trade with after a stop is elected.
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
    reversed_trades: tuple[str, ...] = ()
    parked: tuple[VenueCorrection, ...] = ()
    filled_quantity: int = 0
    busted_quantity: int = Field(default=0, exclude_if=lambda busted: not busted)
    filled_notional: Money = ZERO
    fees: Money = ZERO
    cleared_at: Timestamp | None = None
    settled_quantity: int = 0
    ending: EndRequest | None = None
    review_reason: str | None = None
    cancel_requested_in: int | None = None
    flagged_in: int | None = None
    attention_at: Timestamp | None = None
    release_at: Timestamp | None = None
    overtakes: Literal[True] | None = None
    put_off: Literal[True] | None = None
    kept_apart: Literal[True] | None = None

    @property
    def requests_cancel(self) -> bool:
        """Whether the next save of it is the one that records the request of its cancel."""
        return self.cancel_requested_in == self.version + 1

    @property
    def flags(self) -> bool:
        """Whether the next save of it is the one that flags it for review."""
        return self.flagged_in == self.version + 1

    @property
    def remaining(self) -> int:
        """The shares that were not executed. Busted shares were: they are not executed again."""
        return self.quantity - self.executed_quantity

    @property
    def executed_quantity(self) -> int:
        """The shares of all executions, with those that busts took away."""
        return self.filled_quantity + self.busted_quantity

    @property
    def is_open(self) -> bool:
        """Whether it may still execute."""
        return self.status in OPEN

    @property
    def is_pending(self) -> bool:
        """Whether it is a replacement that waits for the order it replaces to end."""
        return self.status is OrderStatus.RECEIVED

    @property
    def status_reason(self) -> str | None:
        """Why it got its status. A later correction of an execution does not change that."""
        return next((step.reason for step in self.history if step.status is self.status), None)

    @property
    def open_notional(self) -> Decimal:
        """What remains, at the protection price: what counts against the daily trading limit."""
        return self.protection_price * self.remaining

    @property
    def counted_notional(self) -> Decimal:
        """What counts against the daily trading limit: what is filled and what may still be."""
        may_fill = self.filled_quantity + (self.remaining if self.is_open else 0)
        return self.protection_price * may_fill

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
    def children_in_doubt(self) -> tuple[ChildOrder, ...]:
        """The children that are over because the books refused an execution. By its own books, an
        exchange may still execute them.
        """
        over = (child for child in self.children if child.status is not ChildStatus.SENT)
        return tuple(child for child in over if child.refused)

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
