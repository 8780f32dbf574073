"""What positions, portfolios, orders and trades must show, computed anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from tests.simulation.items import Item
from tests.simulation.ledger import Entries
from tests.simulation.market import CENT
from tests.simulation.violations import ZERO, ViolationError, equal

AVERAGE = Decimal("0.0001")


def is_buying_power(shown: Decimal, account: Item, margin_percent: int) -> bool:
    """Whether it is the largest purchase that cash and credit allow."""
    own = account.get("available", ZERO) + account.get("unsettled", ZERO)
    credit = max(account.get("credit_available", ZERO), ZERO)

    def is_covered(cost: Decimal) -> bool:
        drawn = (cost * (100 - margin_percent) / 100).quantize(CENT, ROUND_DOWN)
        return bool(drawn <= credit and cost - drawn <= own)

    return is_covered(shown) and not is_covered(shown + CENT)


def average(total: Decimal, quantity: int) -> Decimal | None:
    """A price a share, to a hundredth of a cent."""
    return (total / quantity).quantize(AVERAGE, ROUND_HALF_UP) if quantity else None


def check_value(client_id: str, shown: Item, prices: Collection[Decimal]) -> None:
    """Check the value of a position. `prices` are the last prices that it may be valued at."""
    name, quantity, cost = (
        f"{client_id} {shown['symbol']}",
        shown["quantity"],
        _d(shown, "cost_basis"),
    )
    equal(
        "a position's average is its cost by its quantity",
        name,
        _maybe(shown["average_purchase_price"]),
        average(cost, quantity),
    )
    price = _maybe(shown["last_price"])
    if price not in prices:
        raise ViolationError("a position is valued at the last price", name, f"{price}: {prices}")
    value = (price * quantity).quantize(CENT, ROUND_HALF_UP)
    said = (_d(shown, "market_value"), _d(shown, "unrealised_profit"))
    equal("a position's value is price times quantity", name, said, (value, value - cost))


def check_totals(client_id: str, portfolio: Item) -> None:
    """The totals of a portfolio are the sums of what it shows."""
    positions, cash = portfolio["positions"], portfolio["cash"]
    value = sum((_d(p, "market_value") for p in positions), ZERO)
    profit = sum((_d(p, "unrealised_profit") for p in positions), ZERO)
    total = _d(cash, "total") + value - _d(cash, "margin_in_use")
    said = tuple(_d(portfolio, n) for n in ("market_value", "unrealised_profit", "total_value"))
    equal("a portfolio's totals are sums", client_id, said, (value, profit, total))


def order_facts(order: Item) -> tuple[object, ...]:
    """What a list of orders shows of an order, beside its status."""
    quantity = int(order["filled_quantity"])
    return (
        order["symbol"],
        order["side"],
        order["order_type"],
        order["time_in_force"],
        order["quantity"],
        order.get("limit_price"),
        order.get("stop_price"),
        average(order.get("filled_notional", ZERO), quantity),
        order.get("fees", ZERO),
        order.get("replaces"),
        order.get("replaced_by"),
        order.get("reason_code"),
    )


def order_facts_shown(shown: Item) -> tuple[object, ...]:
    """The same, as it is shown."""
    names = ("stock_symbol", "side", "order_type", "time_in_force", "quantity")
    return (
        *(shown[name] for name in names),
        *(_maybe(shown[name]) for name in ("price", "stop_price", "average_price")),
        _d(shown, "fees"),
        shown["replaces"],
        shown["replaced_by"],
        shown["reason"] and shown["reason"]["code"],
    )


def check_trade(shown: Item, fill: Item) -> None:
    """A trade's amounts and dates are those of its fill."""
    sign = 1 if fill["side"] == "buy" else -1
    amount = -sign * (fill["notional"] + sign * fill["fees"])
    said = (_d(shown, "notional"), _d(shown, "drawn"), _d(shown, "amount"))
    equal("a trade shows its amounts", shown["trade_id"], said, (*_amounts(fill), amount))
    dates = ("trade_date", "settlement_date", "executed_at", "exchange_id", "symbol")
    equal(
        "a trade shows its dates and its place",
        shown["trade_id"],
        [shown[name] for name in dates],
        [fill[name] for name in dates],
    )


def check_details(shown: Item, entries: Entries) -> None:
    """The details of an order's executions, clearing and settlement are those of the ledger."""
    for detail in shown["execution_details"]:
        fill = entries[detail["trade_id"], "FILL"]
        equal(
            "an order shows its executions",
            detail["trade_id"],
            (_d(detail, "executed_price"), _d(detail, "execution_fees"), detail["exchange_id"]),
            (fill["price"], fill["fees"], fill["exchange_id"]),
        )
    for detail in shown["clearing_details"]:
        novation, (net,) = entries[detail["trade_id"], "NOVATION"], detail["net_positions"]
        position = novation["net_position"]
        equal(
            "an order shows its margin and its net position",
            detail["trade_id"],
            (
                _d(detail, "margin_required"),
                _d(detail, "settlement_amount"),
                net["net_quantity"],
                _d(net, "net_amount"),
            ),
            (
                novation["margin_required"],
                novation["settlement_amount"],
                position["net_quantity"],
                position["net_amount"],
            ),
        )
    for detail in shown["settlement_details"]:
        fill = entries[detail["trade_id"], "FILL"]
        sign = 1 if fill["side"] == "buy" else -1
        equal(
            "an order shows its settlement",
            detail["trade_id"],
            (_d(detail, "final_amount"), detail["settlement_date"]),
            (fill["notional"] + sign * fill["fees"], fill["settlement_date"]),
        )


def unsettled_of(kind: str, fill: Item) -> tuple[Decimal, int]:
    """What a line of a trade adds to the unsettled cash and shares."""
    sells = fill.get("side") == "sell"
    sign, quantity = (-1 if sells else 1), int(fill.get("quantity", 0))
    amounts: Mapping[str, tuple[Decimal, int]] = {}
    if fill:
        proceeds = fill["notional"] - fill["fees"]
        amounts = {
            "trade": (fill["notional"] if sells else ZERO, sign * quantity),
            "fee": (-fill["fees"] if sells else ZERO, 0),
            "settlement": (-proceeds if sells else ZERO, -sign * quantity),
        }
    if "reverses" in fill:
        # A reversal that settles is a trade the other way. Any other takes back what is unsettled.
        counts = sells if fill["settles"] else not sells
        amount = -sign * fill["notional"]
        amounts = {
            "reversal": (amount if counts else ZERO, sign * quantity),
            "fee": (-fill["fees"] if counts else ZERO, 0),
            "settlement": amounts["settlement"],
        }
    return amounts.get(kind, (ZERO, 0))


def realised(positions: Iterable[Item]) -> Decimal:
    """The profit that sales have realised."""
    return sum((position["realised_profit"] for position in positions), ZERO)


def _amounts(fill: Item) -> tuple[Decimal, Decimal]:
    return fill["notional"], fill["drawn"]


def _d(shown: Item, name: str) -> Decimal:
    return Decimal(shown[name])


def _maybe(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
