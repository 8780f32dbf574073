"""What happens in a run, as plain data: who trades with what, and what is done when. It can be cut down and printed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.simulation.faults import STORM, Rates
from tests.simulation.market import CENT, CONTINUOUS, SYMBOLS, TRADING_SECONDS, opening_time, settlement_time
from tests.simulation.sights import VIEWS
from trading.domain.calendar import close_of, next_business_day

FIRST_DAY, DAYS = date(2026, 1, 5), 400


@dataclass(frozen=True)
class Trader:
    """A client and what he starts with."""

    client_id: str
    cash: Decimal
    shares: dict[str, int]
    margin_percent: int = 100
    credit_limit: Decimal = Decimal(0)
    daily_limit: Decimal = Decimal(5_000_000)


@dataclass(frozen=True)
class Action:
    """Something that somebody does, so many seconds after the opening. `fields` depend on what it is."""

    at: float
    who: str
    what: str
    fields: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = " ".join(f"{name}={value}" for name, value in self.fields.items())
        return f"{self.at:8.1f}s {self.who}: {self.what} {told}"


@dataclass(frozen=True)
class Scenario:
    """A run. With the same scenario everything happens the same."""

    seed: str
    day: date
    traders: tuple[Trader, ...]
    actions: tuple[Action, ...]
    rates: Rates

    @property
    def opening(self) -> datetime:
        """When the first day's session opens."""
        return opening_time(self.day)

    @property
    def orders(self) -> int:
        """How many orders clients send, copies not counted."""
        return sum(action.what == "place" for action in self.actions)

    def with_actions(self, actions: tuple[Action, ...]) -> Scenario:
        """The same with fewer actions."""
        return replace(self, actions=actions)

    def with_rates(self, rates: Rates) -> Scenario:
        """The same with other faults."""
        return replace(self, rates=rates)


def generate(seed: int, orders: int, rates: Rates = STORM) -> Scenario:
    """The scenario of a seed."""
    random = Random(f"scenario/{seed}")
    day = next_business_day(FIRST_DAY + timedelta(days=random.randrange(DAYS)))
    traders = tuple(_trader(random, number) for number in range(random.randint(2, 5)))
    actions = _bursts(random, traders)
    actions += _stops(Random(f"scenario/{seed}/stops"), traders)
    actions += _outside_hours(Random(f"scenario/{seed}/hours"), traders, day)
    actions += _leaning(Random(f"scenario/{seed}/proceeds"), traders)
    plain = max(orders - len(actions), orders // 2)
    actions += [_placement(random, random.choice(traders), number) for number in range(plain)]
    for placed in [*actions]:
        drawn = random.random()
        if drawn < 0.15:
            late = random.choice((0.01, 0.1, 1.0, 60.0)) * random.random()
            actions.append(Action(placed.at + late, placed.who, "cancel", {"key": placed.fields["key"]}))
        elif drawn < 0.25:
            actions.append(Action(placed.at + 30 * random.random(), placed.who, "show", {"key": placed.fields["key"]}))
        elif drawn < 0.32:
            actions.append(
                Action(
                    placed.at + random.choice((0.2, 2.0, 120.0)) * random.random(),
                    "operator",
                    random.choice(("execute", "clear")),
                    {"key": placed.fields["key"], "client": placed.who},
                )
            )
    actions += _replacements(Random(f"replacements/{seed}"), actions, day)
    actions += _at_the_close(Random(f"replacements/{seed}/close"), traders, day)
    actions += _operations(random, day)
    actions += _intrusions(random, traders, actions)
    actions += _looks(seed, actions)
    actions += _administration(seed, traders)
    actions = [_on_the_second_day(action, day) for action in actions]
    return Scenario(str(seed), day, traders, tuple(sorted(actions, key=lambda a: a.at)), rates)


def _on_the_second_day(action: Action, first: date) -> Action:
    """Every seventh order, and what is done with it, comes a day later: what it trades is due on a day without faults."""
    number = action.fields.get("first", action.fields.get("key", "")).removeprefix("key-")
    if not number.isdigit() or int(number) % 7 != 6:
        return action
    later = opening_time(next_business_day(first)) - opening_time(first)
    return replace(action, at=action.at + later.total_seconds())


def _replacements(random: Random, actions: list[Action], day: date) -> list[Action]:
    """What clients change of their orders, most of them such as rest: once or more, at once with others, with cancels, at the close."""
    replacing = []
    for placed in [action for action in actions if action.what == "place"]:
        key, at = placed.fields["key"], placed.at
        rests = {"price", "stop_price"} & placed.fields.keys() and placed.fields["time_in_force"] in ("DAY", "GTC")
        if random.random() < (0.6 if rests else 0.9):
            continue
        for turn in range(random.choice((1, 1, 1, 2, 3))):
            new_key = f"{placed.fields['key']}-for-{turn}"
            at += 0.2 + random.choice((0.1, 1.0, 10.0, 300.0)) * random.random()
            if rests and random.random() < 0.15:
                close = (close_of(day) - opening_time(day)).total_seconds()
                at = max(at, close - random.choice((0.4, 0.4, 1.0, 30.0)) * random.random())
            fields = {"key": key, "as": new_key, "first": placed.fields["key"]} | _changes(random, placed)
            replacing.append(Action(at, placed.who, "replace", fields))
            drawn = random.random()
            if drawn < 0.2:
                rival = fields | {"as": f"{new_key}-rival", "quantity": 11}
                replacing.append(Action(at + 0.1 * random.random(), placed.who, "replace", rival))
            elif drawn < 0.55:
                canceled = {"key": random.choice((key, new_key)), "first": placed.fields["key"]}
                moment = at + random.choice((-0.1, 0.1, 0.3, 5.0)) * random.random()
                replacing.append(Action(moment, placed.who, "cancel", canceled))
            key = random.choice((key, new_key, new_key, new_key))
    return replacing


def _at_the_close(random: Random, traders: tuple[Trader, ...], day: date) -> list[Action]:
    """Orders that rest, replaced so shortly before the close that their end may come after it."""
    close = (close_of(day) - opening_time(day)).total_seconds()
    actions = []
    for number in range(3):
        placed = _placement(random, random.choice(traders), number)
        fields = placed.fields | {
            "key": f"late-{number}",
            "stock_symbol": CONTINUOUS,
            "order_type": "limit",
            "side": "buy",
        }
        fields |= {"time_in_force": "DAY", "quantity": 1, "price": str((SYMBOLS[CONTINUOUS] * 98 / 100).quantize(CENT))}
        changes = {"key": f"late-{number}", "as": f"late-{number}-for", "quantity": 2}
        actions.append(replace(placed, at=close - 900 - 60 * random.random(), fields=fields))
        actions.append(Action(close - 0.6 * random.random(), placed.who, "replace", changes))
    return actions


def _changes(random: Random, placed: Action) -> dict[str, Any]:
    """Another quantity, often about what may be filled by then, or another price, or both."""
    changes: dict[str, Any] = {}
    if random.random() < 0.7:
        factor = random.choice((0.3, 0.5, 0.9, 1.2, 2.0, 20.0))
        changes["quantity"] = max(int(placed.fields["quantity"] * factor), 1)
    if "price" in placed.fields and (not changes or random.random() < 0.5):
        reference = SYMBOLS.get(placed.fields["stock_symbol"], Decimal(10))
        changes["price"] = str((reference * (100 + random.choice((-2, -1, 1, 2))) / 100).quantize(CENT))
    if "stop_price" in placed.fields and random.random() < 0.5:
        changes["stop_price"] = str(
            (Decimal(placed.fields["stop_price"]) * random.choice((99, 101)) / 100).quantize(CENT)
        )
    changes = changes or {"quantity": placed.fields["quantity"] + 3}
    drawn = random.random()
    if drawn < 0.15:
        changes["copies"] = 2
    elif drawn < 0.22:
        changes["conflicting"] = True
    elif drawn < 0.32:
        changes["impatient"] = True
    return changes


def _intrusions(random: Random, traders: tuple[Trader, ...], actions: list[Action]) -> list[Action]:
    """What must be refused: reading, trading and reporting for somebody else."""
    intruders = []
    for placed in [action for action in actions if action.what == "place" and random.random() < 0.08]:
        stranger = random.choice([trader.client_id for trader in traders if trader.client_id != placed.who])
        fields = {"key": placed.fields["key"], "client": placed.who}
        what = random.choice(("snoop", "impersonate", "forge"))
        intruders.append(Action(placed.at + 10 * random.random(), stranger, what, fields))
    return intruders


def _looks(seed: int, actions: list[Action]) -> list[Action]:
    """Clients look at what they have, above all when something of theirs is on its way."""
    random = Random(f"looks/{seed}")
    return [
        Action(
            placed.at + random.choice((0.2, 2.0, 60.0)) * random.random(),
            placed.who,
            "look",
            {"view": random.choice(VIEWS), "limit": random.choice((1, 3, 50)), "pages": 4},
        )
        for placed in actions
        if placed.what == "place" and random.random() < 0.2
    ]


def _administration(seed: int, traders: tuple[Trader, ...]) -> list[Action]:
    """What administrators do: transfers, a client suspended for a while, an instrument halted for a while."""
    random = Random(f"administration/{seed}")
    actions = []

    def administer(at: float, method: str, path: str, **body: Any) -> None:
        body["reason"] = "simulated"
        fields = {"method": method, "path": path, "body": body, "copies": random.choice((1, 1, 2))}
        actions.append(Action(at, "operator", "administer", fields))

    for number in range(random.randint(0, 4)):
        trader = random.choice(traders)
        client = f"clients/{trader.client_id}"
        symbol, price = random.choice([*SYMBOLS.items()])
        quantity, reference = random.choice((1, 30, 350, trader.shares[symbol] + 1)), f"transfer-{number}"
        amount = random.choice((Decimal("0.01"), Decimal(5000), trader.cash * 9 / 10, trader.cash))
        cash = {"reference": reference, "amount": str(amount.quantize(CENT))}
        shares = {"reference": reference, "symbol": symbol, "quantity": quantity}
        at = random.random() * TRADING_SECONDS
        match random.randrange(4):
            case 0:
                administer(at, "POST", f"{client}/deposits", **cash)
            case 1:
                administer(at, "POST", f"{client}/withdrawals", **cash)
            case 2:
                administer(at, "POST", f"{client}/deposits", **shares, cost=str(price * quantity))
            case _:
                administer(at, "POST", f"{client}/withdrawals", **shares)
    at, lasts = random.random() * TRADING_SECONDS, random.choice((5, 120)) * random.random()
    if random.random() < 0.15:
        client = f"clients/{random.choice(traders).client_id}"
        administer(at, "POST", f"{client}/suspension")
        administer(at + lasts, "POST", f"{client}/activation")
    if random.random() < 0.15:
        symbol = random.choice([*SYMBOLS])
        administer(at, "PUT", f"instruments/{symbol}/halt")
        administer(at + lasts, "PUT", f"instruments/{symbol}/resume")
    return actions


def _trader(random: Random, number: int) -> Trader:
    on_margin = random.random() < 0.3
    return Trader(
        client_id=f"client-{number}",
        cash=Decimal(random.choice((20_000, 200_000, 1_000_000))),
        shares={symbol: random.choice((0, 400, 4000)) for symbol in SYMBOLS},
        margin_percent=random.choice((30, 50)) if on_margin else 100,
        credit_limit=Decimal(random.choice((10_000, 200_000))) if on_margin else Decimal(0),
        daily_limit=Decimal(random.choice((60_000, 5_000_000, 5_000_000))),
    )


def _placement(random: Random, trader: Trader, number: int, at: float | None = None) -> Action:
    symbol = random.choice([*[*SYMBOLS] * 8, "NONE"])
    order_type = random.choice(("market", "limit"))
    side = random.choice(("buy", "sell"))
    fields: dict[str, Any] = {
        "key": f"key-{number}",
        "stock_symbol": symbol,
        "quantity": random.choice((1, 7, 30, 100, 350)),
        "order_type": order_type,
        "side": side,
        "time_in_force": random.choice(("DAY", "DAY", "GTC", "IOC", "FOK")),
    }
    if order_type == "limit":
        reference = SYMBOLS.get(symbol, Decimal(10))
        away = reference * random.choice((-30, -2, -1, -1, 0, 0, 1, 1, 2, 2, 2)) / 100
        fields["price"] = str((reference + (away if side == "buy" else -away)).quantize(CENT))
    drawn = random.random()
    if drawn < 0.1:
        fields["copies"] = 2
    elif drawn < 0.13:
        fields["conflicting"] = True
    elif drawn < 0.25:
        fields["impatient"] = True
    return Action(random.random() * TRADING_SECONDS if at is None else at, trader.client_id, "place", fields)


def _bursts(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """Orders sent at the same moment that together exceed what the client has."""
    actions = []
    for burst in range(random.randint(0, 2)):
        trader, at = random.choice(traders), random.random() * TRADING_SECONDS
        symbol, price = random.choice([*SYMBOLS.items()])
        affordable = max(int(trader.cash / price * random.choice((40, 60, 90)) / 100), 1)
        owned = max(trader.shares[symbol] * 2 // 3, 1)
        side = random.choice(("buy", "sell"))
        for copy in range(3):
            fields = {
                "key": f"burst-{burst}-{copy}",
                "stock_symbol": symbol,
                "quantity": affordable if side == "buy" else owned,
                "order_type": "market",
                "side": side,
                "time_in_force": "DAY",
            }
            actions.append(Action(at, trader.client_id, "place", fields))
    return actions


def _stops(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """Stop and stop-limit orders, some at a price that the market has reached."""
    actions = []
    for number in range(6):
        placed = _placement(random, random.choice(traders), number)
        symbol, side = random.choice([*SYMBOLS]), placed.fields["side"]
        away = SYMBOLS[symbol] * random.choice((-5, -1, 1, 1, 2, 2)) / 100
        stop = SYMBOLS[symbol] + (away if side == "buy" else -away)
        fields = {
            "key": f"stop-{number}",
            "stock_symbol": symbol,
            "quantity": placed.fields["quantity"],
            "order_type": random.choice(("stop", "stop_limit")),
            "side": side,
            "time_in_force": random.choice(("DAY", "GTC")),
            "stop_price": str(stop.quantize(CENT)),
        }
        if fields["order_type"] == "stop_limit":
            fields["price"] = str((stop * (101 if side == "buy" else 99) / 100).quantize(CENT))
        actions.append(replace(placed, fields=fields))
    return actions


def _outside_hours(random: Random, traders: tuple[Trader, ...], day: date) -> list[Action]:
    """Orders before the opening, and after the first day's close: some wait, some are refused, some are traded at once."""
    closed = (close_of(day) - opening_time(day)).total_seconds()
    actions = []
    for number in range(5):
        placed = _placement(random, random.choice(traders), number)
        at = random.choice((-random.uniform(1, 1500), closed + random.uniform(1, 1500)))
        fields = placed.fields | {"key": f"closed-{number}"}
        actions.append(replace(placed, at=at, fields=fields))
    return actions


def _leaning(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """A client sells what he has, and buys for more than his settled cash: for a part of the proceeds, or a little too much."""
    trader, at = random.choice(traders), random.random() * TRADING_SECONDS / 2
    symbol = max(SYMBOLS, key=lambda s: SYMBOLS[s] * trader.shares[s])
    proceeds = SYMBOLS[symbol] * trader.shares[symbol]
    actions = []
    for number, (side, share) in enumerate((("sell", 0), ("buy", 30), ("buy", 60), ("buy", 105))):
        spent = (trader.cash * min(share, 60) / 60 + proceeds * share / 200) * 100 / trader.margin_percent
        traded = symbol if side == "sell" else random.choice([other for other in SYMBOLS if other != symbol])
        price = SYMBOLS[traded]
        fields = {
            "key": f"lean-{number}",
            "stock_symbol": traded,
            "quantity": trader.shares[symbol] or 1 if side == "sell" else int(spent / price) + 1,
            "order_type": random.choice(("market", "limit")),
            "side": side,
            "time_in_force": random.choice(("DAY", "GTC", "IOC")),
        }
        if fields["order_type"] == "limit":
            fields["price"] = str((price * (99 if side == "sell" else 101) / 100).quantize(CENT))
        actions.append(Action(at + number * random.uniform(1, 400), trader.client_id, "place", fields))
    return actions


def _operations(random: Random, day: date) -> list[Action]:
    """What the people who run the system do, wisely or not."""
    opening = opening_time(day)
    today = (settlement_time(day) - opening).total_seconds()
    tomorrow = (settlement_time(next_business_day(day)) - opening).total_seconds()
    may = [
        (0.15, Action(random.random() * TRADING_SECONDS, "operator", "close day")),
        (0.3, Action(random.random() * today, "operator", "redrive")),
        (0.3, Action(today + random.random() * 600, "operator", "settle")),
        (0.3, Action(tomorrow + random.random() * 600, "operator", "settle")),
        (0.3, Action(random.random() * 2 * TRADING_SECONDS, "operator", "rotate key")),
        (0.3, Action(tomorrow + random.random() * 900, "operator", "settle trades")),
    ]
    return [action for probability, action in may if random.random() < probability]
