"""A client's cash and credit: what a hold, a fill and a settlement do to them.

available + held + unsettled = total. A buy is paid on the trade date out of its hold. The proceeds
of a sale are unsettled until delivery versus payment: they can buy, but they cannot leave. Every
change of an account is a method of `Account` that returns the changed account.
"""

from datetime import datetime
from decimal import Decimal

from pydantic import Field, model_serializer, model_validator

from trading.domain.errors import NegativeBalanceError
from trading.domain.values import ZERO, Day, Frozen, Money, Side, Timestamp, Versioned


class OpenOrder(Frozen):
    """What an account keeps of an order that may execute. Order entry checks the next order against
    it without a read.

    worst_price: the order's protection price. stop_price: of a stop order. Every order writes the
    account, so each is stored as one short line,
    `{order id} {side} {symbol} {worst price} {stop price}`.
    """

    order_id: str
    side: Side
    symbol: str
    worst_price: Money
    stop_price: Money | None = None

    @model_serializer
    def _line(self) -> str:
        line = f"{self.order_id} {self.side} {self.symbol} {self.worst_price}"
        return line if self.stop_price is None else f"{line} {self.stop_price}"

    @model_validator(mode="before")
    @classmethod
    def _of_line(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return dict(zip(cls.model_fields, value.split(" "), strict=False))

    def meets(self, other: "OpenOrder") -> bool:
        """Whether the two could execute against each other once neither waits for its stop price:
        they are on opposite sides, and their worst prices meet.
        """
        opposite = other.symbol == self.symbol and other.side is not self.side
        return opposite and (other.worst_price - self.worst_price) * other.side.sign >= 0

    def may_trade_with(self, other: "OpenOrder") -> bool:
        """Whether the two could execute against each other now: neither is a stop order."""
        return self.meets(other) and self.stop_price is None and other.stop_price is None


class Account(Versioned):
    """Cash and credit of one client in one currency, with the counters that order entry keeps.

    Cash. available: settled and free. held: set aside for open buys. unsettled: proceeds of sales
    before their settlement that purchases have not taken. unsettled_used: the proceeds that they
    have taken; 0 while there is settled cash in `available`.
    Credit. credit_available + credit_held + credit_used = the credit limit. credit_available is
    negative if the limit was lowered below what is held and used.
    Counters. notional_today: the notional accepted on `notional_date`. sequence: the number of the
    last accepted order, `last_order_id`. open_orders: the orders that may execute, oldest first.
    waiting_until: the latest open that an order waited for. waiting_from: the sequence of the first
    order that waits for it. suspended: no order is accepted.
    """

    client_id: str
    currency: str = "USD"
    available: Money = ZERO
    held: Money = ZERO
    unsettled: Money = ZERO
    unsettled_used: Money = Field(default=ZERO, exclude_if=lambda used: not used)
    credit_available: Money = ZERO
    credit_held: Money = ZERO
    credit_used: Money = ZERO
    notional_date: Day | None = None
    notional_today: Money = ZERO
    sequence: int = 0
    last_order_id: str | None = None
    open_orders: tuple[OpenOrder, ...] = ()
    waiting_until: Timestamp | None = None
    waiting_from: int | None = None
    suspended: bool = Field(default=False, exclude_if=lambda suspended: not suspended)

    @property
    def total(self) -> Decimal:
        """All cash, settled or not."""
        return self.available + self.held + self.unsettled

    @property
    def withdrawable(self) -> Decimal:
        """Cash that may leave: settled, not held, and more than the loan."""
        return max(self.available - self.credit_used, ZERO)

    @property
    def available_to_trade(self) -> Decimal:
        """Cash that purchases may take: settled and free, or proceeds not settled yet."""
        return self.available + self.unsettled

    def move(
        self,
        *,
        available: Decimal = ZERO,
        held: Decimal = ZERO,
        unsettled: Decimal = ZERO,
        credit_available: Decimal = ZERO,
        credit_held: Decimal = ZERO,
        credit_used: Decimal = ZERO,
    ) -> "Account":
        """Add signed amounts to these balances. Raises NegativeBalanceError.

        Purchases take settled cash first and then unsettled proceeds. Cash that comes back first
        replaces the proceeds that were taken.
        """
        settled = self.available - self.unsettled_used + available
        used = max(-settled, ZERO)
        moved = {
            "available": max(settled, ZERO),
            "held": self.held + held,
            "unsettled": self.unsettled + self.unsettled_used + unsettled - used,
            "unsettled_used": used,
            "credit_available": self.credit_available + credit_available,
            "credit_held": self.credit_held + credit_held,
            "credit_used": self.credit_used + credit_used,
        }
        for name, balance in moved.items():
            if balance < 0 and name != "credit_available":
                raise NegativeBalanceError(f"account {self.client_id}: {name} would be {balance}")
        return self.but(**moved)

    def missing(self, *, available: Decimal, unsettled: Decimal) -> Decimal:
        """The cash that is lacking for these changes: `move` would make a balance negative."""
        return max(-(self.available + self.unsettled + available + unsettled), ZERO)

    def with_credit_limit(self, limit: Decimal) -> "Account":
        """Set the credit limit. Nothing is lent while more than the limit is held and used."""
        return self.but(credit_available=limit - self.credit_held - self.credit_used)

    def hold(self, cash: Decimal, credit: Decimal) -> "Account":
        """Set cash and credit aside for an order."""
        return self.move(available=-cash, held=cash, credit_available=-credit, credit_held=credit)

    def release(self, cash: Decimal, credit: Decimal) -> "Account":
        """Give back what an order no longer needs."""
        return self.hold(-cash, -credit)

    def notional_on(self, business_date: Day) -> Decimal:
        """The notional accepted so far on a business date."""
        return self.notional_today if self.notional_date == business_date else ZERO

    def count_notional(self, business_date: Day, notional: Decimal) -> "Account":
        """Count a notional against the daily trading limit of a business date.

        A negative notional gives back what was never filled. A date before the counted one changes
        nothing.
        """
        if self.notional_date is not None and business_date < self.notional_date:
            return self
        counted = max(self.notional_on(business_date) + notional, ZERO)
        return self.but(notional_date=business_date, notional_today=counted)

    @property
    def open_order_ids(self) -> tuple[str, ...]:
        """The orders that may still execute, oldest first."""
        return tuple(order.order_id for order in self.open_orders)

    def add_open_order(self, opened: OpenOrder) -> "Account":
        """Add an order to those that may execute."""
        return self.but(open_orders=(*self.open_orders, opened))

    def append_order(self, opened: OpenOrder) -> "Account":
        """Add an order that gets the next number in the client's sequence of accepted orders."""
        return self.add_open_order(opened).but(
            sequence=self.sequence + 1, last_order_id=opened.order_id
        )

    def record_waiting(self, until: datetime) -> "Account":
        """Record that the last accepted order waits for an open."""
        first = self.waiting_from if self.waiting_until == until else self.sequence
        return self.but(waiting_until=until, waiting_from=first)

    def close_order(self, order_id: str) -> "Account":
        """Remove an order that can no longer execute."""
        return self.but(open_orders=tuple(o for o in self.open_orders if o.order_id != order_id))

    def with_suspension(self, suspended: bool) -> "Account":
        """Suspend the account, or lift its suspension."""
        return self.but(suspended=suspended)
