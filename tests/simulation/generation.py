"""The scenario of a seed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.simulation import client_orders, client_requests, staff
from tests.simulation.clerks import enrolments
from tests.simulation.disablings import disablings
from tests.simulation.faults import STORM, Rates
from tests.simulation.leaks import leaks
from tests.simulation.lists import FILTERS, LISTS
from tests.simulation.market import (
    SYMBOLS,
    TRADING_SECONDS,
    opening_time,
    settlement_time,
    since_opening,
)
from tests.simulation.protections import (
    PROTECTING,
    PROTECTING_EVERY,
    WITHDRAWING,
    WITHDRAWING_EVERY,
    protections,
)
from tests.simulation.registrations import registrations
from tests.simulation.replays import replays
from tests.simulation.rights import trespasses
from tests.simulation.scenario import Action, Scenario, Trader
from tests.simulation.sessions import OPERATOR
from tests.simulation.sights import VIEWS
from tests.simulation.thieves import thefts
from tests.simulation.usurpers import usurpations, wrong_doors
from tests.simulation.venue_keys import leaked_secrets
from trading.domain.reference.calendars import next_trading_day

FIRST_DAY, DAYS = date(2026, 1, 5), 400
EVERY, AROUND_A_BANK_HOLIDAY = 12, 5
"""Of so many seeds, this one begins around a bank holiday on which the exchanges are open."""
BANK_HOLIDAYS_NEAR = (
    date(2026, 10, 8),
    date(2026, 10, 9),
    date(2026, 10, 12),
    date(2026, 11, 10),
    date(2026, 11, 11),
)
TRESPASSES = 8
"""Calls in each run by callers without the right to."""
FOREIGN = (
    ("GET", "/api/v1/orders/{order_id}"),
    ("PATCH", "/api/v1/orders/{order_id}"),
    ("DELETE", "/api/v1/orders/{order_id}"),
    ("GET", "/api/v1/orders:by_client_order_id?client_order_id={key}"),
    ("GET", "/api/v1/trade/{order_id}"),
    ("POST", "/api/v1/trade/{order_id}/cancel"),
)
"""The routes that name an order. A client calls them with another client's."""


CORRECTIONS = ("venue_correct", "venue_bust", "venue_wrong_bust")
"""The faults of every second seed, so that recorded runs of the others stay as they are."""
RESELLING_EVERY, RESELLING = 20, 16
"""The seeds in which clients have no shares but those that they buy, and sell them again, and
exchanges bust many executions. So there are advances of the error account.
"""
BUSTED_IF_RESELLING = 0.5
SIGNING = 0.15
"""The part of the clients who want all their orders signed."""


def generate(seed: int, orders: int, rates: Rates = STORM) -> Scenario:
    if seed % 2:
        for name in CORRECTIONS:
            rates = rates.without(name)
    resells = seed % RESELLING_EVERY == RESELLING
    if resells and rates.venue_bust:
        rates = replace(rates, venue_bust=BUSTED_IF_RESELLING)
    random = Random(f"scenario/{seed}")
    day = next_trading_day(FIRST_DAY + timedelta(days=random.randrange(DAYS)))
    if seed % EVERY == AROUND_A_BANK_HOLIDAY:
        day = Random(f"scenario/{seed}/bank holiday").choice(BANK_HOLIDAYS_NEAR)
    traders = tuple(_trader(random, number) for number in range(random.randint(2, 5)))
    if resells:
        traders = tuple(replace(each, shares=dict.fromkeys(SYMBOLS, 0)) for each in traders)
    signing = Random(f"scenario/{seed}/signing")
    traders = tuple(replace(each, signs=signing.random() < SIGNING) for each in traders)
    actions = client_orders.bursts(random, traders)
    actions += client_orders.stops(Random(f"scenario/{seed}/stops"), traders)
    outside = client_orders.outside_hours(Random(f"scenario/{seed}/hours"), traders, day)
    actions += outside
    actions += client_orders.leaning(Random(f"scenario/{seed}/proceeds"), traders)
    if resells:
        actions += client_orders.resold(Random(f"scenario/{seed}/resold"), traders)
    others = max(orders - len(actions), orders // 2)
    actions += [
        client_orders.placement(random, random.choice(traders), number) for number in range(others)
    ]
    actions += _follow_ups(random, actions)
    actions += client_orders.replacements(Random(f"replacements/{seed}"), actions, day)
    actions += client_orders.replaced_at_the_close(
        Random(f"replacements/{seed}/close"), traders, day
    )
    actions += staff.operations(random, day)
    actions += _intrusions(random, traders, actions)
    actions += _trespasses(Random(f"trespasses/{seed}"), seed, traders, actions)
    actions += _looks_at_rest(Random(f"looks/{seed}/rest"), traders, day)
    actions += _looks(Random(f"looks/{seed}"), actions)
    actions += staff.administration(Random(f"administration/{seed}"), traders)
    actions += leaks(Random(f"leaks/{seed}"), traders)
    actions += staff.looks(Random(f"administration/{seed}/looks"), traders)
    actions += disablings(Random(f"disablings/{seed}"), traders)
    actions += leaked_secrets(Random(f"venue keys/{seed}"), traders)
    actions += usurpations(Random(f"usurpations/{seed}"), traders)
    actions += replays(Random(f"replays/{seed}"), traders)
    actions += thefts(Random(f"thefts/{seed}"), traders)
    actions += enrolments(Random(f"clerks/{seed}"), traders)
    actions += registrations(Random(f"registrations/{seed}"), traders)
    actions += wrong_doors(Random(f"wrong doors/{seed}"), traders)
    actions += staff.halt_over_an_open(Random(f"administration/{seed}/open"), outside, day)
    if seed % PROTECTING_EVERY == PROTECTING:
        actions += protections(seed, traders)
    if seed % WITHDRAWING_EVERY == WITHDRAWING:
        actions += staff.clearings(Random(f"clearings/{seed}"))
    if seed % client_requests.EVERY == 0:
        actions += client_requests.borrowing(Random(f"requests/{seed}/borrowing"), traders)
        actions += client_requests.requests(Random(f"requests/{seed}"), actions)
    actions = [_on_the_second_day(action, day) for action in actions]
    return Scenario(str(seed), day, traders, tuple(sorted(actions, key=lambda a: a.at)), rates)


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


def _follow_ups(random: Random, placements: list[Action]) -> list[Action]:
    """What follows a sent order.

    It is canceled (or all orders of its client), shown, executed, or cleared by hand.
    """
    actions = []
    for placed in placements:
        key, drawn = placed.fields["key"], random.random()
        if drawn < 0.15:
            late = random.choice((0.01, 0.1, 1.0, 60.0)) * random.random()
            actions.append(Action(placed.at + late, placed.who, "cancel", {"key": key}))
        elif drawn < 0.25:
            actions.append(
                Action(placed.at + 30 * random.random(), placed.who, "show", {"key": key})
            )
        elif drawn < 0.32:
            late, what = (
                random.choice((0.2, 2.0, 120.0)) * random.random(),
                random.choice(("execute", "clear")),
            )
            actions.append(
                Action(placed.at + late, "operator", what, {"key": key, "client": placed.who})
            )
        elif drawn < 0.34:
            late = random.choice((0.1, 1.0, 60.0)) * random.random()
            actions.append(Action(placed.at + late, placed.who, "cancel all", {"key": key}))
    return actions


def _on_the_second_day(action: Action, first: date) -> Action:
    """Move every seventh order, and what follows it, to the next day.

    Its trades are due on a day without faults.
    """
    number = action.fields.get("first", action.fields.get("key", "")).removeprefix("key-")
    if not number.isdigit() or int(number) % 7 != 6:
        return action
    return replace(
        action, at=action.at + since_opening(first, opening_time(next_trading_day(first)))
    )


def _intrusions(random: Random, traders: tuple[Trader, ...], actions: list[Action]) -> list[Action]:
    """Requests that must be refused: reading, trading and reporting for another client."""
    intruders = []
    for placed in [
        action for action in actions if action.what == "place" and random.random() < 0.08
    ]:
        stranger = random.choice(
            [trader.client_id for trader in traders if trader.client_id != placed.who]
        )
        fields = {"key": placed.fields["key"], "client": placed.who}
        what = random.choice(("snoop", "impersonate", "forge"))
        if what == "snoop":
            fields["method"], fields["path"] = random.choice(FOREIGN)
        elif what == "forge":
            fields["signer"] = random.choice(("", "", "XNAS", "depository"))
        intruders.append(Action(placed.at + 10 * random.random(), stranger, what, fields))
    return intruders


def _trespasses(
    random: Random, seed: int, traders: tuple[Trader, ...], actions: list[Action]
) -> list[Action]:
    """Calls of routes by callers without the right to. One seed after another tries them all."""
    every = trespasses(traders[1].client_id, OPERATOR)
    keys = [action.fields["key"] for action in actions if action.what == "place"]
    return [
        Action(
            TRADING_SECONDS * random.random(),
            "intruder",
            "trespass",
            {"route": every[(seed * TRESPASSES + number) % len(every)], "key": random.choice(keys)},
        )
        for number in range(TRESPASSES)
    ]


def _looks(random: Random, actions: list[Action]) -> list[Action]:
    """Clients look at their accounts, above all when something of theirs is on its way."""
    return [
        _look(random, placed.at + random.choice((0.2, 2.0, 60.0)) * random.random(), placed.who)
        for placed in actions
        if placed.what == "place" and random.random() < 0.2
    ]


def _look(random: Random, at: float, who: str) -> Action:
    """A look at a part of an account, or at a part of a list, in small or in large pages."""
    view, (limit, pages) = random.choice(VIEWS), random.choice(((1, 4), (3, 6), (50, 6)))
    fields: dict[str, Any] = {"view": view, "limit": limit, "pages": pages}
    if FILTERS.get(view) and random.random() < 0.4:
        fields["wanted"] = random.choice(FILTERS[view])
    return Action(at, who, "look", fields)


def _looks_at_rest(random: Random, traders: tuple[Trader, ...], day: date) -> list[Action]:
    """At the end of the third day clients read every list to its end, and see their loans."""
    third = next_trading_day(next_trading_day(day))
    at = since_opening(day, settlement_time(third)) - 3600
    lends = max(traders, key=lambda trader: trader.credit_limit).client_id
    return [
        Action(at, lends, "look", {"view": "portfolio", "limit": 1, "pages": 1}),
        *(
            Action(
                at, random.choice(traders).client_id, "look", {"view": v, "limit": 50, "pages": 20}
            )
            for v in LISTS
        ),
    ]
