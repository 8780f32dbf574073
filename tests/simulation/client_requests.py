"""How clients and operators write their requests: again under the same key, with names and filters
of their own, and with slips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from tests.simulation.lists import LISTS
from tests.simulation.market import SYMBOLS, TRADING_SECONDS, cents
from tests.simulation.probing import PEEKS, SLIPS
from tests.simulation.repeating import OTHERS
from tests.simulation.scenario import Action, Trader

EVERY = 3
"""Of so many seeds, one has these requests. Recorded runs of the others stay as they are."""
A_DAY = 86_400.0 + 60.0
"""Longer than a refusal is kept under its key."""
SECURED_BY = "KO"


def requests(random: Random, actions: Sequence[Action]) -> list[Action]:
    """What clients and operators do besides with what they have sent."""
    added: list[Action] = []
    for sent in actions:
        match sent.what:
            case "place":
                added += _of_an_order(random, sent)
            case "replace":
                added += _replaced_again(random, sent)
            case "administer":
                added += _administered_again(random, sent)
    return added


def _of_an_order(random: Random, placed: Action) -> list[Action]:
    late = random.choice((0.3, 3.0, 90.0, 700.0)) * random.random()
    fields: dict[str, Any] = {"key": placed.fields["key"]}
    drawn = random.random()
    if drawn < (0.7 if "stop_price" in placed.fields else 0.26):
        if drawn < 0.05:
            late += A_DAY
        again = fields | _spelling(random, placed.fields)
        return [Action(placed.at + late, placed.who, "place again", again)]
    if drawn < 0.36:
        named = {"named": random.choice(("in the path", "in the query"))}
        return [Action(placed.at + late, placed.who, "cancel", fields | named)]
    if drawn < 0.43:
        names = random.choice((("symbol",), ("side",), ("symbol", "side")))
        terms = {"symbol": placed.fields["stock_symbol"], "side": placed.fields["side"]}
        some = fields | {"wanted": {name: terms[name] for name in names}}
        return [Action(placed.at + late, placed.who, "cancel all", some)]
    if drawn < 0.53:
        peek = fields | {"path": random.choice(PEEKS)}
        return [Action(placed.at + late, placed.who, "peek", peek)]
    if drawn < 0.63:
        slip = fields | {"slip": random.choice(SLIPS)}
        return [Action(placed.at + late, placed.who, "slip", slip)]
    if drawn < 0.68:
        view = random.choice([view for view in LISTS if view != "positions"])
        look = {"view": view, "limit": 1, "pages": 5, "from": timedelta(hours=-2)}
        return [Action(placed.at + 60 + late, placed.who, "look", look)]
    return []


def _replaced_again(random: Random, replaced: Action) -> list[Action]:
    drawn = random.random()
    if drawn > 0.6:
        return []
    late = random.choice((1.0, 30.0, 700.0)) * random.random() + (A_DAY if drawn < 0.3 else 0)
    fields: dict[str, Any] = {
        name: replaced.fields[name] for name in ("key", "as", "first") if name in replaced.fields
    }
    fields |= _spelling(random, replaced.fields) | {"after_a_day": drawn < 0.3}
    return [Action(replaced.at + late, replaced.who, "replace again", fields)]


def _administered_again(random: Random, sent: Action) -> list[Action]:
    if random.random() < 0.4:
        return []
    at = sent.at + 60 + 600 * random.random()
    fields = {"method": sent.fields["method"], "path": sent.fields["path"], "first_at": sent.at}
    return [
        Action(at, sent.who, "administer again", fields | _spelling(random, sent.fields["body"]))
    ]


def _spelling(random: Random, body: Mapping[str, Any]) -> dict[str, Any]:
    """How a repetition is spelled, and the field of which it has another value, if any."""
    names = sorted(OTHERS.keys() & body.keys())
    names += ["stop_price"] * (len(names) * ("stop_price" in body))
    return {"way": random.randrange(3), "other": random.choice((None, random.choice(names)))}


def borrowing(random: Random, traders: Sequence[Trader]) -> list[Action]:
    """A client buys with more than half of it lent, and shares that secure the loan are withdrawn.

    No withdrawal may be granted while the loan exceeds the settled cash.
    """
    able = [(lent, trader) for trader in traders if (lent := _spendable(trader)) > trader.cash]
    if not able:
        return []
    spent, trader = random.choice(able)
    at, symbol = random.random() * TRADING_SECONDS / 2, random.choice(("AAPL", "IBM"))
    price = SYMBOLS[symbol] * 102 / 100
    order = {"key": "borrow", "stock_symbol": symbol, "quantity": int(spent / price)}
    order |= {"order_type": "limit", "side": "buy", "time_in_force": "DAY", "price": cents(price)}
    deposit: dict[str, Any] = {"reference": "secures", "symbol": SECURED_BY, "quantity": 9}
    deposit["cost"] = cents(SYMBOLS[SECURED_BY] * 9)
    actions = [_transfer(at - 60, trader, "deposits", deposit)]
    actions.append(Action(at, trader.client_id, "place", order))
    for number, late in enumerate((20.0, 60.0, 200.0, 900.0, 3000.0)):
        withdrawal = {"reference": f"leaves-{number}", "symbol": SECURED_BY, "quantity": 1}
        actions.append(
            _transfer(at + late * random.uniform(1, 2), trader, "withdrawals", withdrawal)
        )
    return actions


def _spendable(trader: Trader) -> Any:
    """The most that a client may spend, with some room for the fees."""
    margin = trader.margin_percent
    most = [trader.cash * 100 / margin, trader.daily_limit]
    if margin < 100:
        most.append(trader.credit_limit * 100 / (100 - margin))
    return min(most) * 95 / 100


def _transfer(at: float, trader: Trader, what: str, body: dict[str, Any]) -> Action:
    path = f"clients/{trader.client_id}/{what}"
    fields = {"method": "POST", "path": path, "body": body | {"reason": "simulated"}}
    return Action(at, "operator", "administer", fields)
