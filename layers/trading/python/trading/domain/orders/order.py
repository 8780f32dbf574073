"""An order: its terms, its legal history, its children at the exchanges, and what it still holds of
the client's money or shares.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Literal

from pydantic import model_serializer, model_validator

from trading.domain import identifiers
from trading.domain.errors import InvariantError
from trading.domain.orders.reasons import EndReason, OrderReason
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
    cents_up,
    iso,
)

PROGRESS_EXPECTED_WITHIN = timedelta(seconds=60)


class OrderStatus(StrEnum):
    """Where an order is in its life."""

    RECEIVED = "RECEIVED"
    VALIDATED = "VALIDATED"
    ROUTING = "ROUTING"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CLEARING = "CLEARING"
    CLEARED = "CLEARED"
    SETTLING = "SETTLING"
    SETTLED = "SETTLED"
    REJECTED = "REJECTED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


_S = OrderStatus
TRANSITIONS: dict[OrderStatus | None, frozenset[OrderStatus]] = {
    None: frozenset({_S.RECEIVED}),
    _S.RECEIVED: frozenset({_S.VALIDATED, _S.REJECTED, _S.CANCELED}),
    _S.VALIDATED: frozenset({_S.ROUTING, _S.REJECTED, _S.CANCELED, _S.EXPIRED}),
    _S.ROUTING: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.REJECTED, _S.CANCELED, _S.EXPIRED}),
    _S.PARTIALLY_FILLED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.FILLED: frozenset({_S.CLEARING}),
    _S.CLEARING: frozenset({_S.CLEARED}),
    _S.CLEARED: frozenset({_S.SETTLING}),
    _S.SETTLING: frozenset({_S.SETTLED}),
    _S.SETTLED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.EXPIRED: frozenset(),
}
FINAL = frozenset({_S.SETTLED, _S.REJECTED, _S.CANCELED, _S.EXPIRED})
OPEN = frozenset({_S.VALIDATED, _S.ROUTING, _S.PARTIALLY_FILLED})
"""The statuses in which an order may still execute, and so holds money or shares."""


class IllegalTransitionError(InvariantError):
    """A bug: no rule may ask for a transition that the table does not have."""


class HistoryEntry(Frozen):
    """One transition. It is kept as a line, `{time} {status} {reason}`: the names would be a tenth
    of an order's item.
    """

    status: OrderStatus
    time: Timestamp
    reason: str | None = None

    @model_serializer
    def _line(self) -> str:
        return " ".join(filter(None, (iso(self.time), self.status, self.reason)))

    @model_validator(mode="before")
    @classmethod
    def _of_line(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return dict(zip(("time", "status", "reason"), value.split(" ", 2), strict=False))


class ChildStatus(StrEnum):
    """What we know of a child order. SENT: the exchange may have it and may execute it."""

    SENT = "SENT"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class ChildOrder(Frozen):
    """A part of an order at one exchange.

    `refused` counts executions that our books did not take (breaches): nothing more will come of
    that part. `reported_cumulative` is set when the exchange said that the child is over before all
    its fills reached us: the child stays SENT until they have.
    """

    number: int
    exchange_id: str
    quantity: int
    filled: int = 0
    refused: int = 0
    status: ChildStatus = ChildStatus.SENT
    ending: ChildStatus | None = None
    reported_cumulative: int | None = None
    reason: str | None = None

    @property
    def leaves(self) -> int:
        """What may still execute."""
        if self.status is not ChildStatus.SENT:
            return 0
        return max(self.expected - self.filled - self.refused, 0)

    @property
    def expected(self) -> int:
        """What it comes to in all, as far as the exchange has said."""
        return self.quantity if self.reported_cumulative is None else self.reported_cumulative

    @property
    def outcome(self) -> ChildStatus:
        """Its status, or the end that the exchange announced while fills are still on their way."""
        return (
            self.ending
            if self.ending is not None and self.status is ChildStatus.SENT
            else self.status
        )

    def settled_status(self) -> "ChildOrder":
        """The child with its status brought up to what has been filled and reported."""
        if self.status is not ChildStatus.SENT or self.leaves:
            return self
        if self.filled == self.quantity:
            return self.model_copy(update={"status": ChildStatus.FILLED})
        return self.model_copy(update={"status": self.ending or ChildStatus.CANCELED})


class Hold(Frozen):
    """What an order sets aside: cash and credit for a buy, shares for a sell."""

    cash: Money = ZERO
    credit: Money = ZERO
    shares: int = 0


class Reserve(Hold):
    """What an order that is to replace another sets aside beyond what that one holds, and counts
    against the day's limit.
    """

    notional: Money = ZERO


class Ending(Frozen):
    """The wish to end an order early, kept until the exchanges have given up its children.
    `asked_by`: whose cancel it is, if it is one, and not the end of its time or a replacement.
    """

    status: Literal[OrderStatus.CANCELED, OrderStatus.EXPIRED]
    reason: str
    asked_by: Literal["client", "operator"] | None = None

    @property
    def code(self) -> EndReason:
        """The reason code of an order that ends so."""
        return EndReason[self.status]

    def gives_way_to(self, wish: "Ending") -> bool:
        """What nobody asked for gives way to a cancel, an operator's cancel to the client's."""
        return self.asked_by not in (wish.asked_by, "client")


class OrderRequest(Frozen):
    """What a client asks for."""

    client_id: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: int
    limit_price: Money | None = None
    stop_price: Money | None = None


class Order(OrderRequest, Versioned):
    """An order and everything that happened to it, except its fills (they are ledger entries, named
    in `trades`).

    `protection_price` is the worst price it may meet: the limit, or the collar of a market or stop
    order. `hold_fee_per_share` and `margin_percent` are the terms at acceptance; from them and what
    remains follows what the order holds. `release_at`: the open of its market that it waited for,
    or waits for. `overtakes`: accepted while others of its client waited so. `put_off`: it could
    not go out at the open, because trading was halted; what its client sent since may have gone
    before it.
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
    ending: Ending | None = None
    review_reason: str | None = None
    attention_at: Timestamp | None = None
    release_at: Timestamp | None = None
    overtakes: Literal[True] | None = None
    put_off: Literal[True] | None = None

    @property
    def remaining(self) -> int:
        """What has not been executed."""
        return self.quantity - self.filled_quantity

    @property
    def is_open(self) -> bool:
        """Whether it may still execute."""
        return self.status in OPEN

    @property
    def is_pending(self) -> bool:
        """Whether it waits for the order that it replaces to end; it holds its `reserve`."""
        return self.status is OrderStatus.RECEIVED

    @property
    def open_notional(self) -> Decimal:
        """What remains, at the worst price that it may meet: so much the daily trading limit counts
        of it.
        """
        return self.protection_price * self.remaining

    @property
    def unrouted(self) -> int:
        """What remains and is at no exchange."""
        return self.remaining - sum(child.leaves for child in self.children) if self.is_open else 0

    @property
    def venue_time_in_force(self) -> TimeInForce:
        """How long an exchange may work it: a market order never rests, so it is
        immediate-or-cancel there.
        """
        if self.order_type is OrderType.MARKET and self.time_in_force is not TimeInForce.FOK:
            return TimeInForce.IOC
        return self.time_in_force

    @property
    def live_children(self) -> tuple[ChildOrder, ...]:
        """The children that an exchange may still execute."""
        return tuple(child for child in self.children if child.status is ChildStatus.SENT)

    @property
    def average_price(self) -> Decimal | None:
        """Notional over quantity of what was executed, to a hundredth of a cent."""
        if not self.filled_quantity:
            return None
        return (self.filled_notional / self.filled_quantity).quantize(Decimal("0.0001"))

    @property
    def awaits_clearing(self) -> bool:
        """Whether it has done executing, and what it executed has not been cleared."""
        return not self.is_open and self.filled_quantity > 0 and self.cleared_at is None

    @property
    def hold(self) -> Hold:
        """What the order holds now; nothing once it can no longer execute."""
        return self.hold_for(self.remaining) if self.is_open else self.reserve or Hold()

    def hold_for(self, quantity: int) -> Hold:
        """What a quantity of this order must hold: at its worst price, with fees, split into the
        client's share and credit.

        Both parts grow with the quantity, so what a fill releases is never negative and always
        covers the fill's cost.
        """
        if self.side is Side.SELL:
            return Hold(shares=quantity)
        gross = self.protection_price * quantity + cents_up(self.hold_fee_per_share * quantity)
        credit = cents_down(gross * (100 - self.margin_percent) / 100)
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
        """The order after a transition; an illegal one is an error."""
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransitionError(f"{self.order_id}: {self.status} to {status}")
        entry = HistoryEntry(status=status, time=now, reason=reason)
        return self.model_copy(
            update={"status": status, "history": (*self.history, entry), "reserve": None}
        )

    def routed(self, parts: tuple[tuple[str, int], ...], now: datetime) -> "Order":
        """Add a child an (exchange id, quantity); the first time the order moves to ROUTING."""
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
        return order.model_copy(update={"children": (*self.children, *added)})

    def filled(
        self,
        client_order_id: str,
        trade_id: str,
        quantity: int,
        notional: Decimal,
        fees: Decimal,
        now: datetime,
    ) -> "Order":
        """Count a fill of one child."""
        child = self.child(client_order_id)
        if child is None:
            raise IllegalTransitionError(f"{self.order_id} has no child {client_order_id}")
        done = self.filled_quantity + quantity == self.quantity
        order = self._with_child(child.model_copy(update={"filled": child.filled + quantity}))
        return order.moved_to(
            OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED, now
        ).model_copy(
            update={
                "trades": (*self.trades, trade_id),
                "filled_quantity": self.filled_quantity + quantity,
                "filled_notional": self.filled_notional + notional,
                "fees": self.fees + fees,
            }
        )

    def child_ended(
        self, client_order_id: str, ending: ChildStatus, cumulative: int, reason: str | None
    ) -> "Order":
        """Note that an exchange will do no more on a child, of which it executed `cumulative` in
        all.

        What was booked is a fact and what was ordered a bound: a number outside of them is brought
        inside.
        """
        child = self.child(client_order_id)
        if child is None or child.status is not ChildStatus.SENT:
            return self
        plausible = min(max(cumulative, child.filled), child.quantity)
        return self._with_child(
            child.model_copy(
                update={"ending": ending, "reported_cumulative": plausible, "reason": reason}
            )
        )

    def refused(self, client_order_id: str, quantity: int) -> "Order":
        """An execution of a child was not taken into the books: nothing more will come of that
        part.
        """
        child = self.child(client_order_id)
        if child is None or child.status is not ChildStatus.SENT:
            return self
        return self._with_child(
            child.model_copy(update={"refused": child.refused + min(quantity, child.leaves)})
        )

    def _with_child(self, changed: ChildOrder) -> "Order":
        children = tuple(
            changed.settled_status() if child.number == changed.number else child
            for child in self.children
        )
        return self.model_copy(update={"children": children})

    def ended(
        self,
        status: Literal[OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED],
        now: datetime,
        code: OrderReason,
        reason: str,
    ) -> "Order":
        """End the order with what it has; a filled one stays FILLED (FIX: filled takes precedence
        over canceled).
        """
        order = self.moved_to(status, now, reason).model_copy(update={"reason_code": code})
        return order if order.filled_quantity else order.at_rest()

    def cleared(self, now: datetime) -> "Order":
        """All fills are novated: a FILLED order goes through CLEARING to CLEARED; an ended one
        keeps its status.
        """
        order = self
        if self.status is OrderStatus.FILLED:
            order = self.moved_to(OrderStatus.CLEARING, now).moved_to(OrderStatus.CLEARED, now)
        order = order.model_copy(update={"cleared_at": now}).at_rest()
        return order.settled(0, now) if order.settled_quantity else order

    def settled(self, quantity: int, now: datetime) -> "Order":
        """Shares of the order were delivered versus payment; with the last of them the order is
        SETTLED.
        """
        order = self.model_copy(update={"settled_quantity": self.settled_quantity + quantity})
        if order.status is OrderStatus.CLEARED:
            order = order.moved_to(OrderStatus.SETTLING, now)
        if order.status is OrderStatus.SETTLING and order.settled_quantity == order.filled_quantity:
            order = order.moved_to(OrderStatus.SETTLED, now)
        return order

    def at_rest(self) -> "Order":
        """Nothing is due to happen to it that somebody would have to push."""
        return self.model_copy(update={"attention_at": None})


def is_legal_path(history: tuple[HistoryEntry, ...]) -> bool:
    """Whether every step of a history is in the table of transitions; no history at all is none."""
    statuses: list[OrderStatus | None] = [None, *(entry.status for entry in history)]
    return bool(history) and all(
        after in TRANSITIONS[before] for before, after in pairwise(statuses)
    )
