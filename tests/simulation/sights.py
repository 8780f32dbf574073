"""What clients saw of their accounts in motion, checked against the states of their books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.simulation.cancels import asked_by
from tests.simulation.items import Item
from tests.simulation.ledger import Entries
from tests.simulation.values import (
    check_totals,
    check_trade,
    check_value,
    is_buying_power,
    order_facts,
    order_facts_shown,
    realised,
    unsettled_of,
)
from tests.simulation.violations import ZERO, ViolationError, equal

VIEWS = ("balance", "positions", "portfolio", "orders", "trades", "transactions")


@dataclass(frozen=True)
class Moment:
    """A client's books between two commits: account, positions by symbol, orders by id."""

    account: Item
    positions: Mapping[str, Item]
    orders: Mapping[str, Item]
    since: float = 0.0


@dataclass(frozen=True)
class Sight:
    """An answer, and the moments that it may show: from the request to the answer.

    `prices` are the last prices that it may show, by symbol.
    """

    client_id: str
    view: str
    body: dict[str, Any]
    moments: Sequence[Moment]
    margin_percent: int
    prices: Mapping[str, Collection[Decimal]]


def judge(sight: Sight, entries: Entries) -> None:
    """Raise ViolationError unless the answer shows the books at one of the moments."""
    match sight.view:
        case "balance":
            known = [_cash(sight, moment.account) for moment in sight.moments]
            _at_one_moment(sight, "a balance", known, _cash_shown(sight, sight.body))
        case "positions":
            for shown in sight.body["items"]:
                _position(sight, shown)
        case "portfolio":
            _portfolio(sight)
        case "orders":
            for shown in sight.body["items"]:
                states = [moment.orders.get(shown["order_id"], {}) for moment in sight.moments]
                known = [
                    (
                        order["status"],
                        order["filled_quantity"],
                        bool(asked_by(order)),
                        *order_facts(order),
                    )
                    for order in states
                    if order
                ]
                said = (
                    shown["current_status"],
                    shown["filled_quantity"],
                    shown["cancel_requested"],
                    *order_facts_shown(shown),
                )
                _at_one_moment(sight, "an order", known, said)
        case "trades":
            _trades(sight, entries)
        case "transactions":
            for line in sight.body["items"]:
                _line(sight, line, entries)


def _at_one_moment(sight: Sight, what: str, known: Iterable[Any], shown: Any) -> None:
    if shown not in list(known):
        raise ViolationError(
            "every answer shows a state of the books",
            f"{sight.client_id} {what}",
            f"{shown} was shown of {list(known)}",
        )


def _cash(sight: Sight, account: Item) -> tuple[Any, ...]:
    available, held, unsettled = (
        account.get(name, ZERO) for name in ("available", "held", "unsettled")
    )
    return (
        available,
        held,
        unsettled,
        available + held + unsettled,
        account.get("credit_used", ZERO),
        max(available - account.get("credit_used", ZERO), ZERO),
        is_buying_power(Decimal(_cash_of(sight)["buying_power"]), account, sight.margin_percent),
    )


def _cash_of(sight: Sight) -> Item:
    shown: Item = sight.body["cash"] if sight.view == "portfolio" else sight.body
    return shown


def _cash_shown(sight: Sight, balance: Item) -> tuple[Any, ...]:
    names = ("available", "held_for_orders", "unsettled", "total", "margin_in_use", "withdrawable")
    return (*(Decimal(balance[name]) for name in names), True)


def _position(sight: Sight, shown: Item) -> None:
    states = [moment.positions.get(shown["symbol"], {}) for moment in sight.moments]
    known = [
        (
            *(p.get(name, 0) for name in ("available", "held", "unsettled")),
            *(p.get(name, ZERO) for name in ("cost_basis", "realised_profit")),
        )
        for p in states
    ]
    _at_one_moment(
        sight,
        "a position",
        known,
        (
            *(shown[name] for name in ("available", "held_for_sells", "unsettled")),
            *(Decimal(shown[name]) for name in ("cost_basis", "realised_profit")),
        ),
    )
    check_value(sight.client_id, shown, sight.prices[shown["symbol"]])
    quantity = shown["quantity"]
    sums = (shown["available"] + shown["held_for_sells"], shown["settled"] + shown["unsettled"])
    equal(
        "a position's parts add up to its quantity",
        f"{sight.client_id} {shown['symbol']}",
        sums,
        (quantity, quantity),
    )


def _portfolio(sight: Sight) -> None:
    """Check a portfolio.

    A settlement of shares changes only their unsettled part. So each position's unsettled part may
    be from a moment of its own.
    """
    for position in sight.body["positions"]:
        _position(sight, position)
    check_totals(sight.client_id, sight.body)
    known = [
        (
            _cash(sight, m.account),
            realised(m.positions.values()),
            {
                s: (p["available"], p["held"])
                for s, p in m.positions.items()
                if p["available"] + p["held"]
            },
        )
        for m in sight.moments
    ]
    owned = {
        p["symbol"]: (p["available"], p["held_for_sells"])
        for p in sight.body["positions"]
        if p["quantity"]
    }
    shown = (_cash_shown(sight, sight.body["cash"]), Decimal(sight.body["realised_profit"]), owned)
    _at_one_moment(sight, "a portfolio", known, shown)


def _trades(sight: Sight, entries: Entries) -> None:
    executed: Counter[str] = Counter()
    orders = sight.moments[-1].orders
    for shown in sight.body["items"]:
        fill, order = entries.get((shown["trade_id"], "FILL")), orders.get(shown["order_id"])
        if fill is None or order is None or shown["trade_id"] not in order.get("trades", ()):
            raise ViolationError(
                "every shown trade is one of its order", shown["trade_id"], str(order)
            )
        said = (
            shown["quantity"],
            Decimal(shown["price"]),
            Decimal(shown["fees"]),
            shown["side"],
            sight.client_id,
        )
        booked = (fill["quantity"], fill["price"], fill["fees"], fill["side"], fill["client_id"])
        equal("a trade is shown as it is booked", shown["trade_id"], said, booked)
        check_trade(shown, fill)
        if shown["settled_at"] and (shown["trade_id"], "SETTLEMENT") not in entries:
            raise ViolationError(
                "a trade shown as settled has settled", shown["trade_id"], shown["settled_at"]
            )
        was = sight.moments[0].orders.get(shown["order_id"], {})
        stands = shown["trade_id"] not in orders[shown["order_id"]].get("reversed_trades", ())
        if was.get("status") == "SETTLED" and stands and not shown["settled_at"]:
            raise ViolationError("a settled trade is shown as settled", shown["trade_id"], "None")
        executed[shown["order_id"]] += shown["quantity"] if stands else 0
    for order_id, quantity in executed.items():
        if quantity > orders[order_id]["filled_quantity"]:
            raise ViolationError(
                "no trade is shown twice", order_id, f"{quantity} of {orders[order_id]}"
            )


def _line(sight: Sight, line: Item, entries: Entries) -> None:
    entry_id, _, kind = line["transaction_id"].partition(".")
    of = {
        "trade": "FILL",
        "fee": "FILL",
        "reversal": "REVERSAL",
        "advance": "REVERSAL",
        "repayment": "CLOSED_ADVANCE",
        "settlement": "SETTLEMENT",
        "deposit": "DEPOSIT",
        "withdrawal": "WITHDRAWAL",
    }
    found = {name: entries[entry_id, name] for name in of.values() if (entry_id, name) in entries}
    entry = found.get("FILL", found.get("REVERSAL", {}))
    if "REVERSAL" in found:
        found["FILL"] = found["REVERSAL"]
    sign = 1 if entry.get("side") == "buy" else -1
    match kind:
        case "advance":
            moved = (entry["advanced_cash"], int(entry["advanced_shares"]))
        case "repayment" if "CLOSED_ADVANCE" in found:
            closed = found["CLOSED_ADVANCE"]
            moved = (-closed["repaid_cash"], -int(closed["repaid_shares"]))
        case "trade" | "reversal":
            moved = (-sign * entry["notional"], sign * entry["quantity"])
        case "fee":
            moved = (-entry["fees"], 0)
        case "settlement":
            moved = (ZERO, 0)
        case "loan" if "reverses" in entry and Decimal(line["amount"]) == entry["drawn"]:
            moved = (entry["drawn"], 0)
        case "loan" if sign == 1:
            moved = (entry["drawn"], 0)
        case "loan":
            moved = (-found["SETTLEMENT"]["loan_repaid"], 0)
        case _:
            postings = found[of[kind]]["postings"]
            own = [p for p in postings if p["account"] == f"client:{sight.client_id}"]
            cash = sum((p["amount"] for p in own if p["asset"] == "USD"), ZERO)
            moved = (cash, sum(int(p["amount"]) for p in own if p["asset"] != "USD"))
    if kind in of and of[kind] not in found:
        raise ViolationError("every statement line has an entry", line["transaction_id"], str(line))
    said = (Decimal(line["amount"]), line["quantity"])
    equal("a statement line matches its entry", line["transaction_id"], said, moved)
    left = (Decimal(line["unsettled_amount"]), line["unsettled_quantity"])
    expected = unsettled_of(kind, entry)
    equal("a statement line says what is unsettled", line["transaction_id"], left, expected)


def judge_sums(
    client_id: str, lines: Sequence[Any], account: Item, positions: Mapping[str, Item]
) -> None:
    """The whole statement of a client at rest adds up to the client's balances."""
    moved = (
        sum((line.amount for line in lines), ZERO),
        sum((line.unsettled_amount for line in lines), ZERO),
    )
    unsettled = account["unsettled"] + account.get("unsettled_used", ZERO)
    has = (account["available"] + account["held"] + account["unsettled"], unsettled)
    equal("a statement sums to the balance", client_id, moved, has)
    for symbol, position in positions.items():
        of_symbol = [line for line in lines if line.symbol == symbol]
        shares = (
            sum(line.quantity for line in of_symbol),
            sum(line.unsettled_quantity for line in of_symbol),
        )
        owned = (position["available"] + position["held"], position["unsettled"])
        equal("a statement sums to the position", f"{client_id} {symbol}", shares, owned)
