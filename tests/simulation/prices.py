"""The last prices, as the oracle knows them: which price a worker may have gone by, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.simulation.items import plain
from tests.simulation.market import SYMBOLS
from tests.simulation.violations import ViolationError

SHOWN_FOR = 10.0
"""Seconds. A worker that shows values keeps a price for five, may read one that is a second old,
and its clock errs by half a second.
"""
DECIDED_FOR = 65.0
"""Seconds. Order entry keeps a price for a minute, as its page says."""


class Prices:
    """Learns of every trade and of every last price that is written."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._traded: dict[str, set[Decimal]] = defaultdict(set)
        self._written: dict[str, list[tuple[float, Decimal]]] = {
            symbol: [(0.0, price)] for symbol, price in SYMBOLS.items()
        }

    def traded(self, symbol: str, price: Decimal) -> None:
        """Record the price of a booked trade."""
        self._traded[symbol].add(price)

    def written(self, after: Any) -> None:
        """Check a last price that is written: it is the price of a trade."""
        last = plain(after)
        symbol, price = last["symbol"], last["price"]
        if price not in self._traded[symbol]:
            raise ViolationError("a last price is that of a trade", symbol, str(price))
        self._written[symbol].append((self._now(), price))

    def shown(self, symbol: str, since: float) -> set[Decimal]:
        """The prices at which a worker may have valued a position at some time since then."""
        return self._known(symbol, since - SHOWN_FOR)

    def decided(self, symbol: str, since: float) -> set[Decimal]:
        """The prices by which order entry may have decided at some time since then."""
        return self._known(symbol, since - DECIDED_FOR)

    def _known(self, symbol: str, begins: float) -> set[Decimal]:
        """The prices that were the last one at some time since then.

        The reference price is among them, because a worker falls back to it if it cannot read.
        """
        known = {SYMBOLS[symbol]}
        for at, price in reversed(self._written[symbol]):
            known.add(price)
            if at < begins:
                break
        return known
