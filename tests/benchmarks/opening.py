"""A flood at the open on the simulation's virtual clock. One flood waited for the open, the other
is sent while the market is open.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from multiprocessing import get_context
from typing import Any

from tests.simulation.faults import Rates
from tests.simulation.instants import moment
from tests.simulation.scenario import Action, Scenario, Trader
from tests.simulation.simulation import Simulation
from tests.simulation.virtual import virtual_process

CASES = ((1, 200), (40, 50))
"""The number of clients, and of orders for each."""
EXCHANGE_SECONDS = ((0.05, 0.07), (0.1, 0.14))
"""The shortest and the longest time that an exchange takes to answer."""
SYMBOL, PRICE = "AAPL", "200.00"
BEFORE_THE_OPEN, AFTER_THE_OPEN = -1500.0, 600.0
PACE = 0.1
"""The seconds between two orders of a client while the market is open: the most that the rate limit
of an API key allows.
"""
GIVEN_UP_AFTER = 3600


@dataclass(frozen=True)
class Flood:
    """The time until the last order was routed, from the open or from the first order sent.
    `requests` counts requests to exchanges.
    """

    seconds: float
    invocations: int
    killed: int
    requests: int


def measure(
    clients: int, orders: int, exchange_seconds: tuple[float, float]
) -> tuple[Flood, Flood]:
    """Measure orders that waited for the open, and orders in an open market."""
    waited, sent = (
        _in_a_process(clients, orders, exchange_seconds, starts)
        for starts in (BEFORE_THE_OPEN, AFTER_THE_OPEN)
    )
    return waited, sent


def _in_a_process(*case: Any) -> Flood:
    """Run in a process of its own, because the simulation replaces the clock, AWS and HTTP of its
    process.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_play, *case).result()


def _play(clients: int, orders: int, exchange_seconds: tuple[float, float], starts: float) -> Flood:
    scenario = _scenario(clients, orders, starts)
    with virtual_process() as (wall, _):
        simulation = Simulation(scenario, wall)
        simulation.outside.answers_within = exchange_seconds
        engine, steps = simulation.engine, simulation.steps
        engine.after_step = simulation._after_step
        simulation._schedule()
        began = scenario.opening.timestamp() + max(starts, 0.0)
        routed: list[float] = []
        while len(routed) < clients * orders and engine.now < began + GIVEN_UP_AFTER:
            engine.run(engine.now + 1, 1_000_000)
            routed = [
                moment(step["time"])
                for order in steps.orders.values()
                for step in order["history"]
                if step["status"] == "ROUTING"
            ]
    if len(routed) < clients * orders:
        raise RuntimeError(
            f"{len(routed)} of {clients * orders} orders were routed within {GIVEN_UP_AFTER} s"
        )
    last = max(routed)
    told = [tuple(event[1:]) for event in simulation.events if began <= event[0] <= last]
    ours = [event for event in told if event[0].startswith("execution/")]
    return Flood(
        last - began,
        sum(event[1] == "invoked" for event in ours),
        sum(event[1:] == ("ended", "timed out") for event in ours),
        sum(event[1] in ("GET", "POST", "DELETE") for event in ours),
    )


def _scenario(clients: int, orders: int, starts: float) -> Scenario:
    traders = tuple(Trader(f"client-{n}", Decimal(10_000_000), {SYMBOL: 0}) for n in range(clients))
    pace = -starts / orders / 2 if starts < 0 else PACE
    terms = {
        "stock_symbol": SYMBOL,
        "quantity": 1,
        "side": "buy",
        "order_type": "limit",
        "price": PRICE,
    }
    actions = [
        Action(
            starts + number * pace,
            trader.client_id,
            "place",
            {"key": f"key-{number}", "time_in_force": "DAY", **terms},
        )
        for number in range(orders)
        for trader in traders
    ]
    return Scenario("flood", date(2026, 11, 23), traders, tuple(actions), Rates(cold=0))
