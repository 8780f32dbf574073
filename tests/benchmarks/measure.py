"""The cost of an order: the counts of one order that went all the way, with typical durations."""

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from statistics import median
from typing import Any

from tests.benchmarks import seeding
from tests.benchmarks.lifecycle import Lifecycle
from tests.benchmarks.prices import PRICE, Billed
from tests.benchmarks.usage import Party, Usage
from tests.benchmarks.world import World, running_world
from trading.adapters.dynamodb import compared_dates

Order = dict[str, Any]
MARKET_BUY: Order = {"quantity": 100, "order_type": "market", "side": "buy", "time_in_force": "DAY"}
LIMIT_SELL: Order = {
    "quantity": 100,
    "order_type": "limit",
    "side": "sell",
    "time_in_force": "DAY",
    "price": "64.00",
}

LONGEST_CACHE_SECONDS = 301
SHORTEST_CACHE_SECONDS = 1.05
ORDERS_A_TOKEN = 15
ORDERS_A_VERDICT = 5
"""Assumption: a client places one order a minute. Tokens live for 15 minutes and the authorizer's
verdicts for 5.
"""


@dataclass(frozen=True)
class Measured:
    """Measured usage. `busy`: a worker that handled another order some seconds ago. `idle`: a
    worker whose caches are all out of date.
    """

    busy: Usage
    idle: Usage
    stored_bytes: int


def measure(
    order: Order,
    runs: int = 1,
    *,
    split: bool = False,
    endpoint: str | None = None,
    together: bool = False,
    connected: bool = False,
) -> Measured:
    """Measure one order of each kind in several runs. Durations are medians. `split` means that the
    best exchange has only a few shares. `together`: all events of the order come in one batch, not
    each in its own. `connected`: the client has a connection to the stream.
    """
    idle, busy = [], []
    with running_world(endpoint) as world:
        if split:
            seeding.configure_exchange(world, "BATS", displayed_size=10, half_spread_basis_points=0)
        life = Lifecycle(world, events_together=together, is_connected=connected)
        # the first order is not measured: it connects and fills caches
        for number in range(runs + 1):
            world.clock.forward(LONGEST_CACHE_SECONDS)
            # it changes the quotes, and so the exchange that the order is routed to
            world.clock.forward_to_minute()
            idle.append(_one(world, life, order)[0])
            before = world.stored_bytes()
            usage, settlement_date = _one(world, life, order)
            busy.append(usage)
            stored = world.stored_bytes() - before
            if number == 0:
                few = _reconciled(world, life, settlement_date)
        many = _reconciled(world, life, settlement_date)
        # The fixed part of a reconciliation does not belong to the order. Both runs have it, so it
        # cancels out. Its durations cancel out too, except for noise that exceeds the order's part.
        shared = replace(many.divided(2 * runs).plus(few.divided(-2 * runs)), invocations=[])
    return Measured(_typical(busy[1:]).plus(shared), _typical(idle[1:]).plus(shared), stored)


def measure_login() -> Usage:
    """The order's part of a log-in and of the authorizer's verdict, with warm workers."""
    with running_world() as world:
        life = Lifecycle(world)
        life.authorize(life.log_in())
        world.meter.take()
        token = life.log_in()
        log_in = world.meter.take().divided(ORDERS_A_TOKEN)
        life.authorize(token)
        return log_in.plus(world.meter.take().divided(ORDERS_A_VERDICT))


def bill(usage: Usage) -> dict[tuple[Party, Billed], float]:
    """USD for an order, by payer and purpose."""
    total: dict[tuple[Party, Billed], float] = defaultdict(float)
    for (party, _, billed), quantity in quantities_of(usage).items():
        total[party, billed] += quantity * PRICE[billed]
    return total


def quantities_of(usage: Usage) -> dict[tuple[Party, str, Billed], float]:
    """Billed quantities for an order, by payer, stage and kind."""
    found: dict[tuple[Party, str, Billed], float] = defaultdict(float)
    for charge in usage.charges:
        found[charge.party, charge.stage, charge.billed] += charge.quantity * charge.share
    for run in usage.invocations:
        found[run.party, run.stage, Billed.COMPUTE] += run.gb_seconds * run.share
    return found


def _one(world: World, life: Lifecycle, order: Order) -> tuple[Usage, date]:
    time.sleep(SHORTEST_CACHE_SECONDS)  # Powertools' circuit breakers read the machine's clock
    world.clock.forward(SHORTEST_CACHE_SECONDS)
    seeding.replenish(world)
    if life.is_connected:
        seeding.connect(world)
    claims = life.authorize(life.log_in())  # the last token ended while its order settled
    world.meter.take()
    world.meter.written.clear()
    settlement_date = life.settle(life.place(claims, order))
    life.publish()
    return world.meter.take(), settlement_date


def _reconciled(world: World, life: Lifecycle, settlement_date: date) -> Usage:
    """Measure a reconciliation with a warm worker. It compares everything, as if it were new."""
    life.reconcile(settlement_date)
    world.forget("control", {"name": {"S": compared_dates.NAME}})
    world.meter.take()
    life.reconcile(settlement_date)
    return world.meter.take()


def _typical(runs: list[Usage]) -> Usage:
    """The last run, with the median durations."""
    sequences = {tuple((each.stage, each.function) for each in run.invocations) for run in runs}
    if len(sequences) != 1:
        raise RuntimeError("the runs did not do the same")
    invocations = [
        replace(
            same[-1],
            cpu_ms=median(i.cpu_ms for i in same),
            duration_ms=median(i.duration_ms for i in same),
        )
        for same in zip(*(run.invocations for run in runs), strict=True)
    ]
    return replace(runs[-1], invocations=invocations)
