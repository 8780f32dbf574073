"""What a correction or a bust of an execution must change, by the oracle's own arithmetic."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tests.simulation.items import Item
from tests.simulation.market import CENT
from tests.simulation.violations import ZERO, ViolationError, equal
from trading.domain.reference.calendars import NEW_YORK, close_of, is_trading_day

if TYPE_CHECKING:
    from tests.simulation.terms import Terms

OPPOSITE = {"buy": "sell", "sell": "buy"}
SAME = ("client_id", "order_id", "exchange_id", "symbol", "quantity", "price", "notional")


def check_reversal(terms: Terms, reversal: Item, next_settlement_day: Any, next_day: Any) -> None:
    """A reversal takes back what its trade changed. Raises ViolationError.

    It learns of the reversal as `Terms` learns of fills. The cost of a corrected trade follows with
    the corrected fill.
    """
    fill, name = terms.fills[reversal["reverses"]], reversal["trade_id"]
    said = tuple(reversal[each] for each in SAME)
    equal("a reversal is about its trade", name, said, tuple(fill[each] for each in SAME))
    turned = (reversal["side"], reversal["fees"])
    equal("a reversal goes the other way", name, turned, (OPPOSITE[fill["side"]], -fill["fees"]))
    settled = fill["trade_id"] in terms.settled
    booked = datetime.fromisoformat(reversal["booked_at"]).astimezone(NEW_YORK)
    due = fill["trade_id"] in terms.novated and booked.date().isoformat() >= fill["settlement_date"]
    equal("only what may be settled is settled back", name, reversal["settles"], settled or due)
    expected = fill["settlement_date"]
    if reversal["settles"]:
        day = booked.date()
        if not is_trading_day(day) or booked >= close_of(day):
            day = next_day(day)
        expected = next_settlement_day(day).isoformat()
    equal("a reversal settles on its date", name, reversal["settlement_date"], expected)
    client, order_id = fill["client_id"], fill["order_id"]
    before = terms.sums[order_id]
    terms.sums[order_id] = (before[0] - fill["notional"], before[1] - fill["fees"])
    buys, quantity = fill["side"] == "buy", int(fill["quantity"])
    drawn, paid = ZERO, fill["notional"] + (1 if buys else -1) * fill["fees"]
    if buys and not reversal["settles"]:
        drawn = -min(fill["drawn"], terms.loans[client])
        terms.to_receive[client][fill["symbol"]] -= quantity
    elif buys:
        terms.proceeds[client] += paid
    elif reversal["settles"]:
        terms.to_receive[client][fill["symbol"]] += quantity
        drawn = min(reversal["drawn"], terms.repaid.get(fill["trade_id"], ZERO))
    else:
        terms.proceeds[client] -= paid
    equal("a reversal gives back its loan", name, reversal["drawn"], drawn)
    terms.loans[client] += drawn
    terms.reversals[name] = reversal
    terms.reversed_clients.add(client)
    if reversal["settles"]:
        terms.fills[name] = dict(reversal)
    key = (client, fill["symbol"])
    terms.shares[key] += int(reversal["advanced_shares"])
    if "corrected_by" not in reversal:
        move_cost(terms, fill, None)


def move_cost(terms: Terms, fill: Item, corrected: Item | None) -> None:
    """The cost basis and the profit after a trade was replaced by another, or by nothing."""
    key = (fill["client_id"], fill["symbol"])
    quantity = int(corrected["quantity"]) if corrected else 0
    notional, fees = (corrected["notional"], corrected["fees"]) if corrected else (ZERO, ZERO)
    buys = fill["side"] == "buy"
    terms.shares[key] += (1 if buys else -1) * (quantity - int(fill["quantity"]))
    if buys:
        terms.costs[key] += notional + fees - fill["notional"] - fill["fees"]
        if terms.costs[key] < 0 or not terms.shares[key]:
            terms.profits[key] -= terms.costs[key]
            terms.costs[key] = ZERO
        return
    took = terms.took[fill["trade_id"]]
    takes = (took * quantity / fill["quantity"]).quantize(CENT, ROUND_HALF_UP)
    if terms.costs[key] + took - takes < 0 or not terms.shares[key]:
        takes = terms.costs[key] + took
    terms.costs[key] += took - takes
    terms.profits[key] += (notional - fees - takes) - (fill["notional"] - fill["fees"] - took)
    if corrected:
        terms.took[corrected["trade_id"]] = takes


def check_advance(reversal: Item, account: Item, position: Item) -> None:
    """The error account advances only what the client lacks. Raises ViolationError."""
    name = reversal["trade_id"]
    if reversal["advanced_cash"] and (account["available"] or account["unsettled"]):
        raise ViolationError("only what is lacking is advanced", name, str(account))
    if reversal["advanced_shares"] and position["available"]:
        raise ViolationError("only what is lacking is advanced", name, str(position))
    if reversal["advanced_cash"] < 0 or reversal["advanced_shares"] < 0:
        raise ViolationError("only what is lacking is advanced", name, str(reversal))


def of_reversal(
    reversal: Item, fill: Item, is_novated: bool
) -> list[tuple[str, str, str, Decimal]]:
    """The moves of a reversal: those of the trade, back. The CCP stands for the exchange after
    novation.
    """
    client, exchange = f"client:{fill['client_id']}", fill["exchange_id"]
    street = f"ccp:{reversal['settlement_date']}" if is_novated else f"exchange:{exchange}"
    sign = 1 if fill["side"] == "buy" else -1
    return [
        ("USD", street, client, sign * fill["notional"]),
        ("USD", f"fees:{exchange}", client, fill["fees"]),
        ("USD", "lending", client, reversal["drawn"]),
        (fill["symbol"], client, street, sign * fill["quantity"]),
        ("USD", "error", client, reversal["advanced_cash"]),
        (fill["symbol"], "error", client, reversal["advanced_shares"]),
    ]
