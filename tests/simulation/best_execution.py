"""Whether an order went to the best of the exchanges that displayed a price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.simulation.items import Item, plain
from tests.simulation.market import FEES
from tests.simulation.violations import ViolationError

PENALTY = Decimal("0.0010")
"""What a venue that never executes as displayed costs more, as a share of the price."""
HEALTH_KNOWN_FOR = 15.0
"""Seconds. A worker keeps the venues' record for one, and longer while it cannot read."""
SUSPENDED_FOR = 30.0
"""Seconds. An open circuit keeps an exchange out for 15, by what workers know of it."""
GIVEN_UP = frozenset({"REJECTED", "CANCELED", "EXPIRED"})
Displayed = Mapping[str, Sequence[Item]]
"""The last quotes that a process has got, by symbol."""


@dataclass(frozen=True)
class Venue:
    """An exchange as it was displayed. `least` and `most` are what a share may cost there."""

    exchange_id: str
    size: int
    is_within: bool
    least: Decimal
    most: Decimal


class BestExecution:
    """Learns of the venues' records and circuits, and judges every route."""

    def __init__(
        self,
        now: Callable[[], float],
        displayed: Callable[[], Displayed],
        orders_of: Callable[[str], Iterable[Item]],
    ) -> None:
        self._now = now
        self._orders_of = orders_of
        self._displayed = displayed
        self._scores: dict[str, list[tuple[float, Decimal]]] = defaultdict(list)
        self._open_at: dict[str, float] = {}

    def record(self, after: Any) -> None:
        """Record an exchange's score, or that its circuit is open."""
        name, _, exchange_id = after["name"]["S"].partition("#")
        if name == "QUALITY":
            self._scores[exchange_id].append((self._now(), plain(after)["score"]))
        elif name == "CIRCUIT" and after.get("state", {}).get("S") != "CLOSED":
            self._open_at[exchange_id] = self._now()

    def routed(self, before: Item, order: Item) -> None:
        """Check the new children of an order against what was displayed to its worker.

        An order that is kept apart from its client's own orders may have to go elsewhere. So does
        one that is routed later than it was accepted, if such an order has come since.
        """
        if order.get("kept_apart"):
            return
        known: Sequence[Item] = before.get("children", ())
        added = order.get("children", ())[len(known) :]
        quotes = self._displayed().get(order["symbol"]) if added else None
        if not quotes:
            return
        avoided = _avoided(known)
        if known or "release_at" in order:
            avoided |= self._own_venues(order)
        venues = [v for q in quotes if (v := self._venue(q, order)).exchange_id not in avoided]
        got: dict[str, int] = {child["exchange_id"]: int(child["quantity"]) for child in added}
        total = sum(got.values())
        closed = self._open_at_present()
        for taken in [venue for venue in venues if venue.exchange_id in got]:
            better = [
                v
                for v in venues
                if v.exchange_id not in closed
                and (
                    (v.most < taken.least and _has_room(order, v, taken, got, total))
                    or _is_left(order, v, taken, got)
                )
            ]
            if better:
                raise ViolationError(
                    "no order goes past a better price",
                    order["order_id"],
                    f"{got} although {better[0]} was displayed: {taken}",
                )

    def _own_venues(self, order: Item) -> set[str]:
        """The exchanges that have orders of the same client against this one."""
        return {
            child["exchange_id"]
            for own in self._orders_of(order["client_id"])
            if own["symbol"] == order["symbol"] and own["side"] != order["side"]
            for child in own.get("children", ())
        }

    def _open_at_present(self) -> set[str]:
        return {e for e, at in self._open_at.items() if self._now() - at < SUSPENDED_FOR}

    def _venue(self, quote: Item, order: Item) -> Venue:
        """A quote as the order's side sees it. A worker that knows no score takes the best."""
        buys = order["side"] == "buy"
        price, size = (
            (Decimal(quote["ask"]), quote["ask_size"])
            if buys
            else (Decimal(quote["bid"]), quote["bid_size"])
        )
        scores, since = {Decimal(1)}, self._now() - HEALTH_KNOWN_FOR
        for at, score in reversed(self._scores[quote["exchange_id"]]):
            scores.add(score)
            if at < since:
                break
        base = (price if buys else -price) + FEES[quote["exchange_id"]]
        worst = order["protection_price"]
        return Venue(
            quote["exchange_id"],
            size,
            size > 0 and (price <= worst if buys else price >= worst),
            base + price * PENALTY * (1 - max(scores)),
            base + price * PENALTY * (1 - min(scores)),
        )


def _avoided(children: Sequence[Item]) -> set[str]:
    """The exchanges that have given a part of the order up.

    Once one has canceled its part, those that work on the order get no more of it, too.
    """
    ends = {child["number"]: child.get("ending") or child.get("status") for child in children}
    spent = {c["exchange_id"] for c in children if ends[c["number"]] in GIVEN_UP}
    if "CANCELED" in ends.values():
        spent |= {c["exchange_id"] for c in children if c.get("status", "SENT") == "SENT"}
    return spent


def _has_room(order: Item, better: Venue, taken: Venue, got: Mapping[str, int], total: int) -> bool:
    """Whether the better venue should have got what the other one got.

    A stop order goes to one venue whole, whatever it displays. A fill-or-kill order goes to one
    that displays all of it, if there is one. Any other order takes what is displayed, best first.
    """
    if "stop_price" in order:
        return True
    if not better.is_within:
        return not taken.is_within and order["time_in_force"] != "FOK"
    if order["time_in_force"] == "FOK":
        return better.size >= total
    return got.get(better.exchange_id, 0) < better.size or got[taken.exchange_id] > taken.size


def _is_left(order: Item, other: Venue, taken: Venue, got: Mapping[str, int]) -> bool:
    """Whether one venue got more than it displayed, though another displayed some of it."""
    whole = "stop_price" in order or order["time_in_force"] == "FOK"
    return (
        not whole
        and other.is_within
        and got.get(other.exchange_id, 0) < other.size
        and got[taken.exchange_id] > taken.size
    )
