"""What each kind of ledger entry must post, by the oracle's own table of accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from tests.simulation.corrections import of_reversal
from tests.simulation.items import Item
from tests.simulation.violations import ZERO, equal

Sums = Mapping[tuple[str, str], Decimal]
"""Signed amounts by account and asset."""


def check_postings(entry: Item, fill: Item | None, is_novated: bool = False) -> None:
    """An entry posts to the right accounts. Raises ViolationError.

    `fill` is the trade that a novation or a settlement belongs to.
    """
    match entry["kind"]:
        case "FILL":
            expected = _of_fill(entry)
        case "REVERSAL" if fill is not None:
            expected = moves(*of_reversal(entry, fill, is_novated))
        case "NOVATION" if fill is not None:
            expected = _of_novation(fill)
        case "SETTLEMENT" if fill is not None:
            expected = _of_settlement(fill, entry["loan_repaid"])
        case "DEPOSIT":
            expected = _of_transfer(entry, 1)
        case "WITHDRAWAL":
            expected = _of_transfer(entry, -1)
        case "BREAK":
            expected = {}
        case _:
            return
    posted = {(p["account"], p["asset"]): p["amount"] for p in entry.get("postings", ())}
    equal(
        "an entry posts to the right accounts",
        f"{entry['trade_id']} {entry['kind']}",
        posted,
        expected,
    )


def _of_fill(fill: Item) -> Sums:
    """Cash against shares with the exchange. The fee goes to the exchange of the execution."""
    client, exchange = f"client:{fill['client_id']}", fill["exchange_id"]
    sign = 1 if fill["side"] == "buy" else -1
    return moves(
        ("USD", client, f"exchange:{exchange}", sign * fill["notional"]),
        ("USD", client, f"fees:{exchange}", fill["fees"]),
        ("USD", "lending", client, fill["drawn"]),
        (fill["symbol"], f"exchange:{exchange}", client, sign * fill["quantity"]),
    )


def _of_novation(fill: Item) -> Sums:
    """The CCP takes the place of the exchange."""
    sign = 1 if fill["side"] == "buy" else -1
    exchange, ccp = f"exchange:{fill['exchange_id']}", f"ccp:{fill['settlement_date']}"
    return moves(
        ("USD", exchange, ccp, sign * fill["notional"]),
        (fill["symbol"], ccp, exchange, sign * fill["quantity"]),
    )


def _of_settlement(fill: Item, repaid: Decimal) -> Sums:
    """The depository takes the place of the CCP, and the client repays."""
    sign, ccp = (1 if fill["side"] == "buy" else -1), f"ccp:{fill['settlement_date']}"
    return moves(
        ("USD", ccp, "depository", sign * fill["notional"]),
        (fill["symbol"], "depository", ccp, sign * fill["quantity"]),
        ("USD", f"client:{fill['client_id']}", "lending", repaid),
    )


def _of_transfer(entry: Item, sign: int) -> Sums:
    """One asset between the depository and the client."""
    asset, amount = next((p["asset"], abs(p["amount"])) for p in entry["postings"])
    return moves((asset, "depository", f"client:{entry['client_id']}", sign * amount))


def moves(*moves: tuple[str, str, str, Decimal]) -> Sums:
    """The sums of moves of an asset from one account to another."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for asset, source, target, amount in moves:
        sums[source, asset] -= amount
        sums[target, asset] += amount
    return {key: amount for key, amount in sums.items() if amount}
