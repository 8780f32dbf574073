"""How many orders a second arrive. Seconds count from midnight in New York."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from math import exp

from infra.catalog.schedules import SETTLEMENT_CYCLE_AT
from trading.domain.reference import calendars

ORDERS_A_DAY = 2_400_000
AT_THE_OPEN = 3000
OPEN_SECONDS = 60
FLAT_SECONDS, RUSH_SECONDS = 3600, 600
CALM_AFTER = 900
"""After the open, and before the close, the rate falls by a factor of e in so many seconds."""
OPEN_WEIGHT, CLOSE_WEIGHT = 2.0, 1.0


def _second(at: time) -> int:
    return (at.hour * 60 + at.minute) * 60 + at.second


OPEN, CLOSE = _second(calendars.OPEN), _second(calendars.CLOSE)
SESSION = CLOSE - OPEN
SETTLEMENT = _second(SETTLEMENT_CYCLE_AT)
MIDNIGHT = 24 * 3600


@dataclass(frozen=True)
class Load:
    """A named load. `rate`: the orders that arrive in a second. It ends at `until`."""

    name: str
    rate: Callable[[int], float]
    until: int

    @property
    def orders(self) -> float:
        """All orders of the load."""
        return sum(self.rate(second) for second in range(OPEN, self.until))


def flat(rate: float, seconds: int = FLAT_SECONDS) -> Load:
    """The same rate from the open on."""
    until = OPEN + seconds
    return Load(
        f"{rate:,.0f} orders/s for {seconds // 60} min",
        lambda now: rate if OPEN <= now < until else 0.0,
        until,
    )


def day() -> Load:
    """A trading day: a minute's rush at the open, then a curve with a second rise at the close."""
    quiet = range(OPEN + OPEN_SECONDS, CLOSE)
    left = ORDERS_A_DAY - AT_THE_OPEN * OPEN_SECONDS
    base = left / sum(map(_weight, quiet))

    def rate(now: int) -> float:
        if OPEN <= now < OPEN + OPEN_SECONDS:
            return AT_THE_OPEN
        return base * _weight(now) if now in quiet else 0.0

    return Load("the day", rate, CLOSE)


def _weight(now: int) -> float:
    after_open = OPEN_WEIGHT * exp(-(now - OPEN) / CALM_AFTER)
    before_close = CLOSE_WEIGHT * exp(-(CLOSE - now) / CALM_AFTER)
    return 1 + after_open + before_close


LOADS = (flat(30), flat(300), flat(AT_THE_OPEN, RUSH_SECONDS), day())
