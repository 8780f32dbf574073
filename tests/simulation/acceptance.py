"""Whether an order may be rejected: every reason recomputed from the books of that moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from tests.simulation.balances import Holds, holds_of
from tests.simulation.items import Item, executed_of
from tests.simulation.lives import HOLDING
from tests.simulation.market import CENT, FEES, SYMBOLS
from tests.simulation.violations import ZERO, ViolationError

LIMIT_COLLAR, MARKET_COLLAR = 20, 4
"""Percent of the last price: where limits may lie, and how far a market order may execute."""
MOST_SHARES, MOST_NOTIONAL, MOST_OPEN_ORDERS = 1_000_000, Decimal(10_000_000), 200

State = tuple[Item, Mapping[str, Item], Collection[Item]]
"""A client's account, positions by symbol, and open orders."""


@dataclass(frozen=True)
class Wanted:
    """What a client asks for, with the limits that apply to the client.

    business_date: None stands for any day. fills_first: the shares that the order which it is to
    replace may still fill, and the worst price of these.
    """

    client_id: str
    symbol: str
    side: str
    quantity: int
    limit_price: Decimal | None
    stop_price: Decimal | None
    business_date: str | None
    margin_percent: int
    daily_limit: Decimal
    fills_first: tuple[int, Decimal] = (0, ZERO)

    def worst_price(self, last: Decimal) -> Decimal:
        """The worst price at which the order may execute, at a last price."""
        if self.limit_price is not None:
            return self.limit_price
        sign = 1 if self.side == "buy" else -1
        base = last if self.stop_price is None else self.stop_price
        towards = ROUND_FLOOR if sign == 1 else ROUND_CEILING
        return (base * (100 + sign * MARKET_COLLAR) / 100).quantize(CENT, towards)

    def needs(self, last: Decimal) -> Holds:
        """What a purchase needs, at a last price."""
        terms = {
            "protection_price": self.worst_price(last),
            "hold_fee_per_share": max(FEES.values()),
            "filled_quantity": 0,
            "status": "VALIDATED",
        }
        return holds_of([vars(self) | terms])


def check_rejection(
    name: str,
    code: str,
    wanted: Wanted,
    states: Iterable[State],
    prices: Collection[Decimal],
) -> None:
    """An order is rejected only for a reason that holds. Raises ViolationError.

    `states` are the books of the client that the decision may have seen. `prices` are the last
    prices that it may have seen. A reason that is judged elsewhere passes.
    """
    states = list(states)
    holds: dict[str, Callable[[], bool]] = {
        "UNKNOWN_SYMBOL": lambda: wanted.symbol not in SYMBOLS,
        "LOT_SIZE": lambda: False,
        "TICK_SIZE": lambda: any(p is not None and p % CENT for p in _prices_of(wanted)),
        "MAX_ORDER_QUANTITY": lambda: wanted.quantity > MOST_SHARES,
        "MAX_ORDER_NOTIONAL": lambda: any(
            wanted.worst_price(last) * wanted.quantity > MOST_NOTIONAL for last in prices
        ),
        "PRICE_OUTSIDE_COLLAR": lambda: any(_is_outside(wanted, last) for last in prices),
        "STOP_PRICE_REACHED": lambda: any(_is_reached(wanted, last) for last in prices),
        "CLIENT_INACTIVE": lambda: any(account.get("suspended") for account, _, _ in states),
        "TOO_MANY_OPEN_ORDERS": lambda: any(len(o) >= MOST_OPEN_ORDERS for _, _, o in states),
        "SELF_TRADE": lambda: any(_crosses(wanted, o, prices) for _, _, o in states),
        "DAILY_LIMIT_EXCEEDED": lambda: any(
            _counted(account, wanted)
            + most_counted(wanted.quantity, wanted.worst_price(last), *wanted.fills_first)
            > wanted.daily_limit
            for account, _, _ in states
            for last in prices
        ),
        "INSUFFICIENT_SHARES": lambda: any(
            positions.get(wanted.symbol, {}).get("available", 0) < wanted.quantity
            for _, positions, _ in states
        ),
        "INSUFFICIENT_FUNDS": lambda: any(
            wanted.needs(last).cash > _free(account) for account, _, _ in states for last in prices
        ),
        "CREDIT_LIMIT_EXCEEDED": lambda: any(
            wanted.needs(last).credit > max(account.get("credit_available", ZERO), ZERO)
            for account, _, _ in states
            for last in prices
        ),
    }
    if code in holds and not holds[code]():
        raise ViolationError("no order is rejected without a reason", name, f"{code}: {wanted}")


def most_counted(quantity: int, price: Decimal, left: int, left_at: Decimal) -> Decimal:
    """The most that a replacement and the order before it come to, whatever is filled first.

    quantity, price: those of the replacement. left, left_at: what the order before it may still
    fill, which the replacement then lacks.
    """
    return max(first * left_at + (quantity - first) * price for first in (0, min(left, quantity)))


def open_orders(orders: Mapping[str, Item]) -> Sequence[Item]:
    """The orders that may still execute, and those that wait to take over."""
    return [order for order in orders.values() if order["status"] in HOLDING]


def without(order: Item, states: Iterable[State]) -> Iterator[State]:
    """The states as they would be if an open order ended. That is what its replacement gets."""
    left = order["quantity"] - executed_of(order)
    hold, counted = holds_of([order]), left * order["protection_price"]
    for account, positions, others in states:
        freed = dict(account)
        freed["available"] += hold.cash
        freed["credit_available"] += hold.credit
        if account.get("notional_date") == order["business_date"]:
            freed["notional_today"] = max(freed["notional_today"] - counted, ZERO)
        owned = dict(positions)
        symbol, shares = order["symbol"], hold.shares[order["symbol"]]
        if shares:
            held = owned.get(symbol, {"available": 0})  # not all is known of the first moments
            owned[symbol] = {**held, "available": held["available"] + shares}
        yield freed, owned, [o for o in others if o["order_id"] != order["order_id"]]


def _prices_of(wanted: Wanted) -> tuple[Decimal | None, ...]:
    return wanted.limit_price, wanted.stop_price


def _is_outside(wanted: Wanted, last: Decimal) -> bool:
    band = last * LIMIT_COLLAR / 100
    return any(p is not None and abs(p - last) > band for p in _prices_of(wanted))


def _is_reached(wanted: Wanted, last: Decimal) -> bool:
    stop, sign = wanted.stop_price, 1 if wanted.side == "buy" else -1
    return stop is not None and (stop - last) * sign <= 0


def _crosses(wanted: Wanted, orders: Iterable[Item], prices: Collection[Decimal]) -> bool:
    sign = 1 if wanted.side == "buy" else -1
    return wanted.stop_price is None and any(
        "stop_price" not in order
        and order["symbol"] == wanted.symbol
        and order["side"] != wanted.side
        and (wanted.worst_price(last) - order["protection_price"]) * sign >= 0
        for order in orders
        for last in prices
    )


def _free(account: Item) -> Decimal:
    """Cash that purchases may take. The proceeds of sales count before they settle."""
    free: Decimal = account.get("available", ZERO) + account.get("unsettled", ZERO)
    return free


def _counted(account: Item, wanted: Wanted) -> Decimal:
    """What counts already against the limit of the order's day."""
    today = wanted.business_date in (None, account.get("notional_date"))
    counted: Decimal = account.get("notional_today", ZERO) if today else ZERO
    return counted
