"""What the close of an advance must write, by the oracle's own arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP
from typing import TYPE_CHECKING

from tests.simulation.items import Item
from tests.simulation.market import CENT
from tests.simulation.postings import moves
from tests.simulation.violations import ZERO, ViolationError, equal

if TYPE_CHECKING:
    from tests.simulation.terms import Terms


def check_closure(terms: Terms, entry: Item) -> None:
    """A closure gives the error account back what it advanced, once. Shares take their cost along.
    Raises ViolationError.
    """
    name, reversal = entry["trade_id"], terms.reversals.get(entry["trade_id"])
    if reversal is None:
        raise ViolationError("only an advance is closed", name, str(entry))
    client, symbol, shares = reversal["client_id"], reversal["symbol"], int(entry["repaid_shares"])
    parts = (
        (entry["repaid_cash"], entry["written_off_cash"], reversal["advanced_cash"]),
        (shares, entry["written_off_shares"], reversal["advanced_shares"]),
    )
    for back, lost, advanced in parts:
        if back < 0 or lost < 0 or back + lost != advanced:
            raise ViolationError("an advance is closed in full", name, str(entry))
    expected = moves(
        ("USD", f"client:{client}", "error", entry["repaid_cash"]),
        (symbol, f"client:{client}", "error", entry["repaid_shares"]),
        ("USD", "write-offs", "error", entry["written_off_cash"]),
        (symbol, "write-offs", "error", entry["written_off_shares"]),
    )
    posted = {(p["account"], p["asset"]): p["amount"] for p in entry.get("postings", ())}
    equal("an entry posts to the right accounts", f"{name} {entry['kind']}", posted, expected)
    key, cost = (client, symbol), ZERO
    if shares:
        cost = (terms.costs[key] * shares / terms.shares[key]).quantize(CENT, ROUND_HALF_UP)
    equal("shares that are paid back take their cost along", name, entry["cost"], cost)
    terms.costs[key] -= cost
    terms.profits[key] -= cost
    terms.shares[key] -= shares


def check_covered(
    entry: Item, account: Item, position: Item, to_receive: Mapping[str, int]
) -> None:
    """Only what is settled, free and not owed is paid back. The balances are those written together
    with the entry.
    """
    owes = account["available"] < account["credit_used"]
    lacks = entry["repaid_cash"] and account.get("unsettled_used")
    early = entry["repaid_shares"] and position["available"] < to_receive.get(entry["symbol"], 0)
    if lacks or early or (owes and (entry["repaid_cash"] or entry["repaid_shares"])):
        raise ViolationError(
            "only settled cash and shares are paid back", entry["trade_id"], str(entry)
        )
