"""A client's cash and positions: what a hold, a fill and a settlement do to them.

Cash: available + held + unsettled = total. A buy is paid for on the trade date out of what was held
for it; the proceeds of a sale are unsettled until delivery versus payment: they can buy, but not
leave. Every method returns the new state and never goes below zero.
"""

from datetime import datetime
from decimal import Decimal

from pydantic import Field, model_serializer, model_validator

from trading.domain.errors import InvariantError
from trading.domain.values import ZERO, Day, Frozen, Money, Side, Timestamp, Versioned


class LedgerInvariantError(InvariantError):
    """A balance would go below zero: a bug upstream, never a client's mistake. Nothing may be
    written.
    """


class OpenOrder(Frozen):
    """What an account keeps of an order that may execute, so that the next order is checked against
    it without a read. A line, `{order id} {side} {symbol} {worst price}`, for each is in an item
    that every order writes.
    """

    order_id: str
    side: Side
    symbol: str
    worst_price: Money

    @model_serializer
    def _line(self) -> str:
        return f"{self.order_id} {self.side} {self.symbol} {self.worst_price}"

    @model_validator(mode="before")
    @classmethod
    def _of_line(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return dict(zip(cls.model_fields, value.split(" "), strict=True))

    def may_trade_with(self, side: Side, symbol: str, worst_price: Decimal) -> bool:
        """Whether an order could be executed against this one: their worst prices meet."""
        opposite = symbol == self.symbol and side is not self.side
        return opposite and (worst_price - self.worst_price) * side.sign >= 0


class Account(Versioned):
    """Cash and credit of one client, in one currency, with the counters that order entry keeps
    (today's notional, order sequence).

    `unsettled_used`: proceeds that are held for purchases, or spent on them, before they have
    settled; there are none while settled cash is `available`. `unsettled` is what remains.
    `credit_available` + `credit_held` + `credit_used` = the credit limit. `open_orders`: what may
    still execute, oldest first; whatever opens or ends an order writes the account anyway.
    `waiting_until`: the latest open that an order waited for, `waiting_from`: the first that did,
    by its sequence. `suspended`: no order is accepted.
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
        """Cash that may leave: settled, not held, and beyond what the loan owes of it."""
        return max(self.available - self.credit_used, ZERO)

    @property
    def available_to_trade(self) -> Decimal:
        """Cash that purchases may take: what is settled and free, and the proceeds of sales before
        their settlement.
        """
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
        """Add signed amounts to the balances named. Settled cash is used first, and what frees cash
        gives proceeds back first.
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
                raise LedgerInvariantError(f"account {self.client_id}: {name} would be {balance}")
        return self.model_copy(update=moved)

    def with_credit_limit(self, limit: Decimal) -> "Account":
        """Under another limit. Below what is drawn or held, `credit_available` is negative: nothing
        new is lent until it is repaid.
        """
        return self.model_copy(
            update={"credit_available": limit - self.credit_held - self.credit_used}
        )

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
        """Count an order's notional against the daily trading limit; negative gives back what was
        never filled.
        """
        if self.notional_date is not None and business_date < self.notional_date:
            return self
        counted = max(self.notional_on(business_date) + notional, ZERO)
        return self.model_copy(update={"notional_date": business_date, "notional_today": counted})

    @property
    def open_order_ids(self) -> tuple[str, ...]:
        """The orders that may still execute, oldest first."""
        return tuple(order.order_id for order in self.open_orders)

    def name_order(self, opened: OpenOrder) -> "Account":
        """Name an order that may execute."""
        return self.model_copy(update={"open_orders": (*self.open_orders, opened)})

    def append_order(self, opened: OpenOrder) -> "Account":
        """Name an order that takes the next place in the client's sequence of accepted orders."""
        placed = {"sequence": self.sequence + 1, "last_order_id": opened.order_id}
        return self.name_order(opened).model_copy(update=placed)

    def name_waiting(self, until: datetime) -> "Account":
        """The order that took the last place waits for an open."""
        first = self.waiting_from if self.waiting_until == until else self.sequence
        return self.model_copy(update={"waiting_until": until, "waiting_from": first})

    def close_order(self, order_id: str) -> "Account":
        """An order can no longer execute."""
        return self.model_copy(
            update={"open_orders": tuple(o for o in self.open_orders if o.order_id != order_id)}
        )


class Position(Versioned):
    """Shares of one symbol that a client owns as of trade date.

    `unsettled` is signed: bought and not yet received, which is `receivable`, less sold and not yet
    delivered. `cost_basis` is what the shares cost including fees; a sale takes its proportional
    part out (average cost).
    """

    client_id: str
    symbol: str
    available: int = 0
    held: int = 0
    unsettled: int = 0
    receivable: int = 0
    cost_basis: Money = ZERO
    realised_profit: Money = ZERO

    @property
    def quantity(self) -> int:
        """All shares owned, held for sale or not."""
        return self.available + self.held

    @property
    def withdrawable(self) -> int:
        """Shares that may leave: neither held for sale nor still to be received."""
        return max(self.available - self.receivable, 0)

    def bought(self, quantity: int, cost: Decimal) -> "Position":
        """Shares that a purchase brought, to be received."""
        return self.move(available=quantity, unsettled=quantity, receivable=quantity, cost=cost)

    def settled(self, side: Side, quantity: int) -> "Position":
        """Shares that a purchase brought were received, or those of a sale delivered."""
        if side is Side.BUY:
            return self.move(unsettled=-quantity, receivable=-quantity)
        return self.move(unsettled=quantity)

    def move(
        self,
        *,
        available: int = 0,
        held: int = 0,
        unsettled: int = 0,
        receivable: int = 0,
        cost: Decimal = ZERO,
        profit: Decimal = ZERO,
    ) -> "Position":
        """Add signed quantities and amounts; shares never go below zero (no naked shorts)."""
        moved = self.model_copy(
            update={
                "available": self.available + available,
                "held": self.held + held,
                "unsettled": self.unsettled + unsettled,
                "receivable": self.receivable + receivable,
                "cost_basis": self.cost_basis + cost,
                "realised_profit": self.realised_profit + profit,
            }
        )
        if moved.available < 0 or moved.held < 0:
            raise LedgerInvariantError(
                f"position {self.client_id}/{self.symbol}: {moved.available=} {moved.held=}"
            )
        return moved

    def hold(self, quantity: int) -> "Position":
        """Set shares aside for a sale; negative gives them back."""
        return self.move(available=-quantity, held=quantity)
