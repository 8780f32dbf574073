"""The figures of a run as tables and as JSON: latencies, rates compared with the floor, answers and
deaths.
"""

import os
import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any

from tests.benchmarks.grid import Grid
from tests.load.tables import Books
from tests.load.traffic import Answer, Sent
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus

NINE_TENTHS = 0.9


@dataclass(frozen=True)
class Latency:
    """Latencies in seconds."""

    count: int
    p50: float
    p90: float
    p99: float
    maximum: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Latency":
        """The latencies of single requests or orders; zeros if there are none."""
        found = sorted(seconds)
        if not found:
            return cls(0, 0, 0, 0, 0)
        cuts = quantiles([found[0], *found], n=100, method="inclusive")
        return cls(len(found), cuts[49], cuts[89], cuts[98], found[-1])


@dataclass(frozen=True)
class Figures:
    """All figures. `rates` are per second. `counts` are orders and requests by their outcome."""

    taken: str
    machine: str
    clients: int
    orders: int
    seed: int
    in_flight: int
    latencies: dict[str, Latency]
    rates: dict[str, float]
    counts: dict[str, int]
    answers: dict[str, int]
    retries: dict[str, int]
    killed: dict[str, int]

    def ratio(self, name: str) -> float:
        """A rate as a multiple of the floor's."""
        return self.rates[name] / self.rates[FLOOR]

    def json(self) -> dict[str, Any]:
        """The figures for other programs."""
        return asdict(self) | {"ratios": {name: self.ratio(name) for name in self.rates}}

    def grids(self) -> list[Grid]:
        """The figures for people."""
        milliseconds = [
            [
                name,
                str(found.count),
                *(
                    f"{1000 * each:,.0f}"
                    for each in (found.p50, found.p90, found.p99, found.maximum)
                ),
            ]
            for name, found in self.latencies.items()
        ]
        rates = [
            [name, f"{rate:.1f}", f"{self.ratio(name):.2f}"] for name, rate in self.rates.items()
        ]
        return [
            Grid(
                "Latency in milliseconds", ["", "number", "p50", "p90", "p99", "max"], milliseconds
            ),
            Grid("Throughput", ["", "a second", "of the floor"], rates),
            _counted("Orders", self.counts),
            _counted("Final answers to requests that make or read orders", self.answers),
            _counted("Tries that were repeated, by the answer", self.retries),
            _counted("Workers killed, by function", self.killed),
        ]


FLOOR = "empty function, requests"


def measure(
    floor: Sequence[Answer], sent: Sequence[Sent], books: Books
) -> tuple[dict[str, Latency], dict[str, float], dict[str, int]]:
    """Calculate latencies, rates and counts."""
    answers = [
        answer
        for each in sent
        for answer in (each.first, each.repeated, each.read)
        if answer is not None
    ]
    posts = [
        answer for each in sent for answer in (each.first, each.repeated) if answer is not None
    ]
    taken = [answer for answer in posts if answer.order_id is not None]
    accepted = [
        order for order in books.orders.values() if order.history[1].status is OrderStatus.VALIDATED
    ]
    filled, cleared = (
        {
            order.order_id: when
            for order in accepted
            if (when := _reached(order, status)) is not None
        }
        for status in (OrderStatus.FILLED, OrderStatus.CLEARED)
    )
    began = {order.order_id: order.accepted_at.timestamp() for order in accepted}
    latencies = {
        FLOOR: Latency.of(answer.seconds for answer in floor),
        "order to answer, one try": Latency.of(
            answer.seconds for answer in taken if answer.tries == 1
        ),
        "order to answer, with every repetition": Latency.of(answer.seconds for answer in taken),
        "accepted to filled": Latency.of(
            when - began[order_id] for order_id, when in filled.items()
        ),
        "filled to cleared": Latency.of(
            when - filled[order_id] for order_id, when in cleared.items()
        ),
        "accepted to cleared": Latency.of(
            when - began[order_id] for order_id, when in cleared.items()
        ),
    }
    ends = sorted(cleared.values())
    most = ends[: round(NINE_TENTHS * len(ends))]
    rates = {
        FLOOR: len(floor) / _span(floor),
        "all requests, answered": len(answers) / _span(answers),
        "orders accepted": len(accepted) / _span(answers),
        "orders cleared, the first nine tenths": _rate(most, began.values()),
        "orders cleared, all": _rate(ends, began.values()),
    }
    statuses = Counter(str(order.status) for order in books.orders.values())
    counts = {
        "planned requests": len(sent),
        "orders accepted": len(accepted),
        "orders rejected by order entry": len(books.orders) - len(accepted),
        **{f"orders that ended as {status}": count for status, count in sorted(statuses.items())},
        "executions": len(books.reports_of_trades),
    }
    return latencies, rates, counts


def machine() -> str:
    """The machine of the run."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python "
        f"{platform.python_version()}"
    )


def today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def _reached(order: Order, status: OrderStatus) -> float | None:
    return next((entry.time.timestamp() for entry in order.history if entry.status is status), None)


def _span(answers: Sequence[Answer]) -> float:
    """Seconds from the first request to the last answer."""
    return max(answer.ended for answer in answers) - min(answer.began for answer in answers)


def _rate(ends: Sequence[float], began: Iterable[float]) -> float:
    return len(ends) / (ends[-1] - min(began)) if ends else 0.0


def _counted(title: str, counts: dict[str, int]) -> Grid:
    return Grid(title, ["", "number"], [[name, f"{count:,}"] for name, count in counts.items()])
