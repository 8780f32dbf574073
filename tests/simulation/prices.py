"""The last prices, as the oracle knows them: which price a worker may have gone by, and when."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.simulation.items import Item, plain
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
        self._trades: dict[str, tuple[str, Decimal]] = {}
        self._reversed: set[str] = set()
        self._written: dict[str, list[tuple[float, Decimal]]] = {
            symbol: [(0.0, price)] for symbol, price in SYMBOLS.items()
        }

    def entry(self, entry: Item) -> None:
        """Record a booked trade, or that one was reversed."""
        if entry["kind"] == "FILL":
            self._trades[entry["trade_id"]] = entry["symbol"], entry["price"]
        if entry["kind"] == "REVERSAL":
            self._reversed.add(entry["reverses"])

    def written(self, before: Any, after: Any) -> None:
        """Check a last price that is written: it is the price of its trade. It is taken back only
        if the trade was reversed, and then it was the last price.
        """
        last = plain(after)
        symbol, taken_back = last["symbol"], last.get("busted")
        if taken_back is not None:
            was = before and plain(before).get("trade_id")
            if taken_back not in self._reversed or was != taken_back or "price" in last:
                raise ViolationError("a last price is taken back with its trade", symbol, f"{last}")
        elif self._trades.get(last["trade_id"]) != (symbol, last["price"]):
            raise ViolationError("a last price is that of a trade", symbol, f"{last}")
        self._written[symbol].append((self._now(), last.get("price", SYMBOLS[symbol])))

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
