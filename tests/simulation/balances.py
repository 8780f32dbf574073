"""What a client's balances must be: the ledger's postings, with the holds of the open orders.

The checks have their own arithmetic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from tests.simulation.items import Item, executed_of
from tests.simulation.ledger import Ledger
from tests.simulation.market import CENT
from tests.simulation.violations import ZERO, ViolationError, equal

OF_CASH = ("available", "held", "unsettled", "unsettled_used", "credit_held", "credit_used")
OF_SHARES = ("available", "held")


@dataclass
class Holds:
    """What a client's orders hold: cash, credit, and shares by symbol."""

    cash: Decimal = ZERO
    credit: Decimal = ZERO
    shares: Counter[str] = field(default_factory=Counter)


def holds_of(orders: Iterable[Item]) -> Holds:
    """Open orders hold for their remaining quantity. Waiting replacements hold their reserve."""
    holds = Holds()
    for order in orders:
        if order["status"] == "RECEIVED":
            reserve = order["reserve"]
            holds.cash += reserve["cash"]
            holds.credit += reserve["credit"]
            holds.shares[order["symbol"]] += int(reserve["shares"])
            continue
        remaining = order["quantity"] - executed_of(order)
        if order["side"] == "sell":
            holds.shares[order["symbol"]] += remaining
            continue
        worst = order["protection_price"] * remaining
        fee = (order["hold_fee_per_share"] * remaining).quantize(CENT, ROUND_DOWN)
        gross = worst + min(fee, worst)
        drawn = (gross * (100 - order["margin_percent"]) / 100).quantize(CENT, ROUND_DOWN)
        holds.credit += drawn
        holds.cash += gross - drawn
    return holds


def check_signs(item: Item) -> None:
    """No balance of an account or a position is negative."""
    for balance in OF_CASH if item["item"] == "CASH" else OF_SHARES:
        if item.get(balance, 0) < 0:
            subject = f"{item['client_id']} {item['item']}"
            raise ViolationError("no balance is negative", subject, f"{balance} {item[balance]}")


def check_fills(orders: Iterable[Item], ledger: Ledger) -> None:
    """The filled quantity of an order is the sum of its booked fills."""
    for order in orders:
        filled, booked = order["filled_quantity"], ledger.filled[order["order_id"]]
        if booked != filled or filled > order["quantity"]:
            said = f"{booked} booked, {filled} of {order['quantity']} filled"
            raise ViolationError("fills sum to the filled quantity", order["order_id"], said)


def check_named(account: Item, orders: Iterable[Item]) -> None:
    """An account names every order that holds something of it."""
    named = sorted(line.split()[0] for line in account.get("open_orders", ()))
    equal(
        "an account names its orders",
        account["client_id"],
        named,
        sorted(order["order_id"] for order in orders),
    )


def check_account(
    account: Item, holds: Holds, ledger: Ledger, due: Decimal, credit_limit: Decimal
) -> None:
    """Check a client's cash and credit.

    `due` is the sum of the proceeds of the client's sales that have not settled.
    """
    client_id, posted = account["client_id"], ledger.cash(account["client_id"])
    total = account["available"] + account["held"] + account["unsettled"]
    equal("cash matches the ledger", client_id, total, posted)
    equal("held cash equals the open orders' holds", client_id, account["held"], holds.cash)
    settled = posted - holds.cash - due
    split = (max(settled, ZERO), due + min(settled, ZERO))
    said = (account["available"], account["unsettled"])
    equal("settled cash is used before unsettled proceeds", client_id, said, split)
    equal(
        "held credit equals the open orders' holds", client_id, account["credit_held"], holds.credit
    )
    equal(
        "drawn credit matches the ledger",
        client_id,
        account["credit_used"],
        ledger.loans[client_id],
    )
    limit = account["credit_available"] + account["credit_held"] + account["credit_used"]
    equal("credit parts add up to the limit", client_id, limit, credit_limit)


def check_positions(
    client_id: str, positions: Mapping[str, Item], holds: Holds, ledger: Ledger
) -> None:
    """Check a client's shares, by symbol."""
    for symbol, position in positions.items():
        subject, quantity = f"{client_id} {symbol}", position["available"] + position["held"]
        equal(
            "shares are what the ledger says", subject, quantity, ledger.shares(client_id, symbol)
        )
        equal(
            "held shares equal the open orders' holds",
            subject,
            position["held"],
            holds.shares[symbol],
        )


def check_withdrawal(
    entry: Item, account: Item, positions: Mapping[str, Item], to_receive: Mapping[str, int]
) -> None:
    """Only what is settled, free and not owed leaves the account.

    The balances are those written together with the entry. `to_receive` holds the shares that the
    client has bought but not received, by symbol.
    """
    if account["available"] < account["credit_used"]:
        raise ViolationError(
            "no withdrawal takes a loan's security", entry["client_id"], str(account)
        )
    for posting in entry["postings"]:
        position = positions.get(posting["asset"])
        if (posting["asset"] == "USD" and account.get("unsettled_used")) or (
            position and position["available"] < to_receive.get(posting["asset"], 0)
        ):
            raise ViolationError(
                "only settled cash and shares are withdrawn", entry["client_id"], str(entry)
            )
