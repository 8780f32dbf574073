"""Checks of halts of instruments against the orders that were to go out at an open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tests.simulation.instants import moment
from tests.simulation.items import Item
from tests.simulation.violations import ViolationError
from trading.domain.reference.calendars import NEW_YORK, close_of

KNOWN_WITHIN = 30.0
"""Seconds. Workers cache an instrument for ten, and use it until they time out."""


@dataclass
class Halts:
    """Since when symbols are halted, and when earlier halts ended."""

    now: Callable[[], float]
    since: dict[str, float] = field(default_factory=dict)
    until: dict[str, float] = field(default_factory=dict)

    def instrument(self, symbol: str, tradable: bool) -> None:
        """Record a change of an instrument."""
        if not tradable:
            self.since.setdefault(symbol, self.now())
        elif self.since.pop(symbol, None) is not None:
            self.until[symbol] = self.now()

    def rejected(self, order: Item, decided: float) -> None:
        """An order is rejected for a halt only while its instrument is halted."""
        symbol = order["symbol"]
        if order["reason_code"] == "INSTRUMENT_HALTED" and not (
            symbol in self.since or self.until.get(symbol, 0.0) > decided - KNOWN_WITHIN
        ):
            raise ViolationError(
                "no order is rejected without a reason", order["order_id"], f"{symbol} is traded"
            )

    def order(self, before: Item | None, order: Item) -> None:
        """A waiting order goes out only when its instrument is traded.

        It is put off only because of a halt or the close.
        """
        if "release_at" not in order or before is None:
            return
        symbol, now = order["symbol"], self.now()
        begins = before["status"] == "VALIDATED" and order["status"] == "ROUTING"
        if begins and self.since.get(symbol, now) < now - KNOWN_WITHIN:
            raise ViolationError("no order is sent during a halt", order["order_id"], symbol)
        if "put_off" in order and "put_off" not in before:
            session = datetime.fromisoformat(order["release_at"]).astimezone(NEW_YORK).date()
            was_halted = symbol in self.since or self.until.get(symbol, 0.0) > now - KNOWN_WITHIN
            if now < moment(order["release_at"]) - 1 or not (
                was_halted or now > close_of(session).timestamp() - 1
            ):
                raise ViolationError(
                    "only a halt or the close puts an order off", order["order_id"], symbol
                )
