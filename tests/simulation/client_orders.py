"""The orders that clients send, and their replacements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from tests.simulation.market import CONTINUOUS, SYMBOLS, TRADING_SECONDS, cents, since_opening
from tests.simulation.scenario import Action, Trader
from trading.domain.reference.calendars import close_of

Traders = Sequence[Trader]
BOUGHT_AGAIN = 0.6
"""The share of the clients that buy again what they have sold."""


def placement(random: Random, trader: Trader, number: int) -> Action:
    """An order of any kind.

    It is sent once, or at the same moment again, or again with other content.
    """
    symbol = random.choice([*[*SYMBOLS] * 8, "NONE"])
    order_type = random.choice(("market", "limit"))
    side = random.choice(("buy", "sell"))
    quantity = random.choice((1, 7, 30, 100, 350))
    time_in_force = random.choice(("DAY", "DAY", "GTC", "IOC", "FOK"))
    fields = _order(f"key-{number}", side, quantity, symbol, order_type, time_in_force)
    if order_type == "limit":
        reference = SYMBOLS.get(symbol, Decimal(10))
        away = reference * random.choice((-30, -2, -1, -1, 0, 0, 1, 1, 2, 2, 2)) / 100
        fields["price"] = cents(reference + (away if side == "buy" else -away))
    fields |= _manner(random, twice=0.1, conflicting=0.03, impatient=0.12)
    return Action(random.random() * TRADING_SECONDS, trader.client_id, "place", fields)


def bursts(random: Random, traders: Traders) -> list[Action]:
    """Orders sent at the same moment that together exceed what the client has."""
    actions = []
    for burst in range(random.randint(0, 2)):
        trader, at = random.choice(traders), random.random() * TRADING_SECONDS
        symbol, price = random.choice([*SYMBOLS.items()])
        affordable = max(int(trader.cash / price * random.choice((40, 60, 90)) / 100), 1)
        owned = max(trader.shares[symbol] * 2 // 3, 1)
        side = random.choice(("buy", "sell"))
        quantity = affordable if side == "buy" else owned
        for copy in range(3):
            fields = _order(f"burst-{burst}-{copy}", side, quantity, symbol, "market", "DAY")
            actions.append(Action(at, trader.client_id, "place", fields))
    return actions


def stops(random: Random, traders: Traders) -> list[Action]:
    """Stop and stop-limit orders, some with a stop price that the market has reached."""
    actions = []
    for number in range(6):
        placed = placement(random, random.choice(traders), number)
        symbol, side = random.choice([*SYMBOLS]), placed.fields["side"]
        away = SYMBOLS[symbol] * random.choice((-5, -1, 1, 1, 2, 2)) / 100
        stop = SYMBOLS[symbol] + (away if side == "buy" else -away)
        order_type, time_in_force = (
            random.choice(("stop", "stop_limit")),
            random.choice(("DAY", "GTC")),
        )
        fields = _order(
            f"stop-{number}", side, placed.fields["quantity"], symbol, order_type, time_in_force
        )
        fields["stop_price"] = cents(stop)
        if order_type == "stop_limit":
            fields["price"] = cents(stop * (101 if side == "buy" else 99) / 100)
        actions.append(replace(placed, fields=fields))
    return actions


def outside_hours(random: Random, traders: Traders, day: date) -> list[Action]:
    """Orders before the opening and after the first day's close.

    Some wait, some are refused, and some trade at once.
    """
    close = since_opening(day, close_of(day))
    actions = []
    for number in range(5):
        placed = placement(random, random.choice(traders), number)
        at = random.choice((-random.uniform(1, 1500), close + random.uniform(1, 1500)))
        actions.append(replace(placed, at=at, fields=placed.fields | {"key": f"closed-{number}"}))
    return actions


def leaning(random: Random, traders: Traders) -> list[Action]:
    """A client sells shares and then buys for more than the settled cash.

    The buys use a part of the proceeds, or a little too much.
    """
    trader, at = random.choice(traders), random.random() * TRADING_SECONDS / 2
    symbol = max(SYMBOLS, key=lambda s: SYMBOLS[s] * trader.shares[s])
    proceeds = SYMBOLS[symbol] * trader.shares[symbol]
    actions = []
    for number, (side, share) in enumerate((("sell", 0), ("buy", 30), ("buy", 60), ("buy", 105))):
        spent = (
            (trader.cash * min(share, 60) / 60 + proceeds * share / 200)
            * 100
            / trader.margin_percent
        )
        traded = (
            symbol
            if side == "sell"
            else random.choice([other for other in SYMBOLS if other != symbol])
        )
        price = SYMBOLS[traded]
        quantity = trader.shares[symbol] or 1 if side == "sell" else int(spent / price) + 1
        order_type, time_in_force = (
            random.choice(("market", "limit")),
            random.choice(("DAY", "GTC", "IOC")),
        )
        fields = _order(f"lean-{number}", side, quantity, traded, order_type, time_in_force)
        if order_type == "limit":
            fields["price"] = cents(price * (99 if side == "sell" else 101) / 100)
        actions.append(
            Action(at + number * random.uniform(1, 400), trader.client_id, "place", fields)
        )
    return actions


def resold(random: Random, traders: Traders) -> list[Action]:
    """Clients buy shares and sell them a little later. Some buy them again.

    If the first purchase is busted after the sale, and the client has no other shares, the error
    account advances them.
    """
    actions = []
    for number, (trader, symbol) in enumerate((t, symbol) for t in traders for symbol in SYMBOLS):
        at, quantity = random.random() * TRADING_SECONDS / 2, random.choice((7, 30, 100))
        later = at + random.uniform(5, 60)
        turns = [("buy", at), ("sell", later)]
        if random.random() < BOUGHT_AGAIN:
            turns.append(("buy", later + random.uniform(5, 5000)))
        for turn, (side, when) in enumerate(turns):
            fields = _order(f"resold-{number}-{turn}", side, quantity, symbol, "market", "DAY")
            actions.append(Action(when, trader.client_id, "place", fields))
    return actions


def replacements(random: Random, actions: Sequence[Action], day: date) -> list[Action]:
    """Replacements of clients' orders, most of them of resting ones.

    They come once or more, at the same moment as others, together with cancels, or at the close.
    """
    replacing = []
    for placed in [action for action in actions if action.what == "place"]:
        first, at = placed.fields["key"], placed.at
        key = first
        rests = {"price", "stop_price"} & placed.fields.keys() and placed.fields[
            "time_in_force"
        ] in ("DAY", "GTC")
        if random.random() < (0.6 if rests else 0.9):
            continue
        for turn in range(random.choice((1, 1, 1, 2, 3))):
            new_key = f"{first}-for-{turn}"
            at += 0.2 + random.choice((0.1, 1.0, 10.0, 300.0)) * random.random()
            if rests and random.random() < 0.15:
                close = since_opening(day, close_of(day))
                at = max(at, close - random.choice((0.4, 0.4, 1.0, 30.0)) * random.random())
            fields = {"key": key, "as": new_key, "first": first} | _changes(random, placed)
            replacing.append(Action(at, placed.who, "replace", fields))
            drawn = random.random()
            if drawn < 0.2:
                rival = fields | {"as": f"{new_key}-rival", "quantity": 11}
                replacing.append(Action(at + 0.1 * random.random(), placed.who, "replace", rival))
            elif drawn < 0.55:
                canceled = {"key": random.choice((key, new_key)), "first": first}
                moment = at + random.choice((-0.1, 0.1, 0.3, 5.0)) * random.random()
                replacing.append(Action(moment, placed.who, "cancel", canceled))
            key = random.choice((key, new_key, new_key, new_key))
    return replacing


def replaced_at_the_close(random: Random, traders: Traders, day: date) -> list[Action]:
    """Resting orders that are replaced so shortly before the close that they may end after it."""
    close = since_opening(day, close_of(day))
    actions = []
    for number in range(3):
        placed, key = placement(random, random.choice(traders), number), f"late-{number}"
        fields = placed.fields | _order(key, "buy", 1, CONTINUOUS, "limit", "DAY")
        fields["price"] = cents(SYMBOLS[CONTINUOUS] * 98 / 100)
        changes = {"key": key, "as": f"{key}-for", "quantity": 2}
        actions.append(replace(placed, at=close - 900 - 60 * random.random(), fields=fields))
        actions.append(Action(close - 0.6 * random.random(), placed.who, "replace", changes))
    return actions


def _order(
    key: str, side: str, quantity: int, symbol: str, order_type: str, time_in_force: str
) -> dict[str, Any]:
    return {
        "key": key,
        "stock_symbol": symbol,
        "quantity": quantity,
        "order_type": order_type,
        "side": side,
        "time_in_force": time_in_force,
    }


def _changes(random: Random, placed: Action) -> dict[str, Any]:
    """Another quantity, another price, or both. The quantity is often near what may be filled by
    then.
    """
    changes: dict[str, Any] = {}
    if random.random() < 0.7:
        factor = random.choice((0.3, 0.5, 0.9, 1.2, 2.0, 20.0))
        changes["quantity"] = max(int(placed.fields["quantity"] * factor), 1)
    if "price" in placed.fields and (not changes or random.random() < 0.5):
        reference = SYMBOLS.get(placed.fields["stock_symbol"], Decimal(10))
        changes["price"] = cents(reference * (100 + random.choice((-2, -1, 1, 2))) / 100)
    if "stop_price" in placed.fields and random.random() < 0.5:
        changes["stop_price"] = cents(
            Decimal(placed.fields["stop_price"]) * random.choice((99, 101)) / 100
        )
    changes = changes or {"quantity": placed.fields["quantity"] + 3}
    return changes | _manner(random, twice=0.15, conflicting=0.07, impatient=0.1)


def _manner(
    random: Random, *, twice: float, conflicting: float, impatient: float
) -> dict[str, Any]:
    """How a request is sent, each manner with its probability.

    It may come twice at once, also with another body, or from a client that asks only once.
    """
    drawn = random.random()
    if drawn < twice:
        return {"copies": 2}
    if drawn < twice + conflicting:
        return {"conflicting": True}
    return {"impatient": True} if drawn < twice + conflicting + impatient else {}
