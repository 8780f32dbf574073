"""What the people who run the system do, wisely or not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from tests.simulation.market import (
    CONTINUOUS,
    SYMBOLS,
    TRADING_SECONDS,
    cents,
    opening_time,
    settlement_time,
    since_opening,
)
from tests.simulation.scenario import Action, Trader
from trading.domain.reference.calendars import next_trading_day

CLEARINGS = 10


def operations(random: Random, day: date) -> list[Action]:
    """The actions of operators.

    They close the day early, redrive dead letters, run settlement once more and rotate the key.
    """
    today = since_opening(day, settlement_time(day))
    tomorrow = since_opening(day, settlement_time(next_trading_day(day)))
    may = [
        (0.15, Action(random.random() * TRADING_SECONDS, "operator", "close day")),
        (0.3, Action(random.random() * today, "operator", "redrive")),
        (0.3, Action(today + random.random() * 600, "operator", "settle")),
        (0.3, Action(tomorrow + random.random() * 600, "operator", "settle")),
        (0.3, Action(random.random() * 2 * TRADING_SECONDS, "operator", "rotate key")),
        (0.3, Action(tomorrow + random.random() * 900, "operator", "settle trades")),
    ]
    return [action for probability, action in may if random.random() < probability]


def clearings(random: Random) -> list[Action]:
    """An operator clears by hand what is about to be cleared."""
    times = [random.random() * TRADING_SECONDS for _ in range(CLEARINGS)]
    return [Action(at, "operator", "clear early") for at in times]


def looks(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """A few looks of an operator at clients."""
    return [
        Action(
            random.random() * TRADING_SECONDS,
            "operator",
            "look at a client",
            {
                "client": random.choice(traders).client_id,
                "part": random.choice(("", "/orders", "/portfolio")),
            },
        )
        for _ in range(random.randint(0, 3))
    ]


def administration(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """Transfers, a suspension of a client for a while, and a halt of an instrument for a while."""
    actions = []

    def administer(at: float, method: str, path: str, **body: Any) -> None:
        actions.append(_administer(at, method, path, copies=random.choice((1, 1, 2)), **body))

    for number in range(random.randint(0, 8)):
        trader = random.choice(traders)
        client = f"clients/{trader.client_id}"
        symbol, price = random.choice([*SYMBOLS.items()])
        quantity, reference = (
            random.choice((1, 30, 350, trader.shares[symbol] + 1)),
            f"transfer-{number}",
        )
        amount = random.choice(
            (Decimal("0.01"), Decimal(1000), Decimal(5000), trader.cash / 2, trader.cash * 9 / 10)
        )
        cash = {"reference": reference, "amount": cents(amount)}
        shares = {"reference": reference, "symbol": symbol, "quantity": quantity}
        at = random.random() * TRADING_SECONDS
        match random.randrange(6):
            case 0:
                administer(at, "POST", f"{client}/deposits", **cash)
            case 1 | 2:
                administer(at, "POST", f"{client}/withdrawals", **cash)
            case 3:
                administer(at, "POST", f"{client}/deposits", **shares, cost=str(price * quantity))
            case _:
                administer(at, "POST", f"{client}/withdrawals", **shares)
    at, lasts = random.random() * TRADING_SECONDS, random.choice((5, 120)) * random.random()
    if random.random() < 0.15:
        client = f"clients/{random.choice(traders).client_id}"
        administer(at, "POST", f"{client}/suspension")
        actions.append(_order_in_a_suspension(random, client.removeprefix("clients/"), at + lasts))
        administer(at + lasts, "POST", f"{client}/activation")
    if random.random() < 0.15:
        symbol = random.choice([*SYMBOLS])
        administer(at, "PUT", f"instruments/{symbol}/halt")
        administer(at + lasts, "PUT", f"instruments/{symbol}/resume")
    return actions


def halt_over_an_open(random: Random, placements: Iterable[Action], day: date) -> list[Action]:
    """Halt an instrument shortly before an open at which one of its orders waits.

    The halt lasts for minutes or until after the close.
    """
    waiting = [
        placed
        for placed in placements
        if placed.fields["key"].startswith("closed")
        and placed.fields["stock_symbol"] in SYMBOLS.keys() - {CONTINUOUS}
    ]
    if not waiting or random.random() > 0.4:
        return []
    waits = random.choice(waiting)
    opens = 0.0 if waits.at < 0 else since_opening(day, opening_time(next_trading_day(day)))
    path, at = f"instruments/{waits.fields['stock_symbol']}", opens - random.uniform(40, 60)
    resumed = at + random.choice((200, 900, 30_000))
    return [_administer(at, "PUT", f"{path}/halt"), _administer(resumed, "PUT", f"{path}/resume")]


def _order_in_a_suspension(random: Random, client_id: str, until: float) -> Action:
    """An order of a suspended client, who may still have a token."""
    terms = {"stock_symbol": CONTINUOUS, "quantity": 1, "order_type": "market", "side": "buy"}
    fields = {"key": "suspended", "time_in_force": "DAY"} | terms
    return Action(until - 2 * random.random(), client_id, "place", fields)


def _administer(at: float, method: str, path: str, copies: int = 1, **body: Any) -> Action:
    fields = {
        "method": method,
        "path": path,
        "body": body | {"reason": "simulated"},
        "copies": copies,
    }
    return Action(at, "operator", "administer", fields)
