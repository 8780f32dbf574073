"""The time to place an order on the local AWS, compared with an empty function behind the same API
and authorizer.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple
from uuid import uuid4

import httpx

from local import deploy, run, seed, server
from local.api import TradingClient
from tests.benchmarks import floor
from tests.benchmarks.measure import MARKET_BUY
from tests.benchmarks.measure import measure as measure_order
from tests.benchmarks.usage import Call
from workstation.local_system import LocalSystem

PORT = int(os.environ.get("TRADING_BENCH_PORT", "4650"))
REQUESTS = 100
WARM_UP = 10
PAUSE_SECONDS = 0.5
"""The pause before each request. The work of the order before has ended by then, and the rate is
well below the limit.
"""
ORDER = {
    "client_id": "alice",
    "stock_symbol": "KO",
    "quantity": 1,
    "order_type": "market",
    "side": "buy",
    "time_in_force": "DAY",
}


class Latency(NamedTuple):
    """Latencies in milliseconds."""

    median: float
    p95: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Latency":
        """The latencies of single requests."""
        return cls(median(seconds) * 1000, quantiles(seconds, n=20)[-1] * 1000)


class Results(NamedTuple):
    """The results. `accounting` compares our count of DynamoDB units with the units that the local
    AWS reports.
    """

    order: Latency
    floor: Latency
    accounting: tuple[int, list[Call]]


def measure(progress: Callable[[str], None]) -> Results:
    """Measure an order and the floor. This starts, deploys and stops a system of its own."""
    with tempfile.TemporaryDirectory() as directory:
        system = LocalSystem(Path(directory), PORT)
        progress("starting a local AWS")
        server.start(system, keep_state=False)
        try:
            deploy.deploy(system, progress)
            seed.seed(system)
            with floor.floor(system):
                progress("accounting")
                accounting = _accounting(system)
                progress(f"{REQUESTS} orders")
                return Results(*_measure(system), accounting)
        finally:
            server.stop(system)


def _measure(system: LocalSystem) -> tuple[Latency, Latency]:
    orders, floors = [], []
    with TradingClient(run.api_url(system), seed.credentials(system)["alice"]) as client:
        client.log_in(str(uuid4()))
        for number in range(WARM_UP + REQUESTS):
            ours = _seconds(lambda: client.place(ORDER, str(uuid4())))
            empty = _seconds(lambda: client.post(floor.PATH, ORDER, str(uuid4())))
            if number >= WARM_UP:
                orders.append(ours)
                floors.append(empty)
    return Latency.of(orders), Latency.of(floors)


def _accounting(system: LocalSystem) -> tuple[int, list[Call]]:
    """Compare our count of DynamoDB units with the local AWS's own, call by call."""
    usage = measure_order(MARKET_BUY, endpoint=system.endpoint).busy
    reported = [call for call in usage.calls if call.reported is not None]
    return len(reported), [
        call for call in reported if call.reported != call.write_units + call.read_units
    ]


def _seconds(request: Callable[[], httpx.Response]) -> float:
    time.sleep(PAUSE_SECONDS)
    began = time.perf_counter()
    answer = request()
    took = time.perf_counter() - began
    if answer.status_code != 201:
        raise RuntimeError(f"answered {answer.status_code}: {answer.text[:300]}")
    return took
