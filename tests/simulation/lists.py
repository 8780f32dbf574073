"""Whether a list that a client has paged through lacks a line, or has one that does not belong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tests.simulation.items import Item
from tests.simulation.ledger import Ledger
from tests.simulation.lives import HOLDING
from tests.simulation.sights import Moment
from tests.simulation.violations import ViolationError
from trading.domain.reference.calendars import NEW_YORK

LAGS = 1.5
"""Seconds. An index follows its table within one second, and a request takes some time."""
LISTS = ("positions", "orders", "trades", "transactions")
FILTERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "positions": (),
    "orders": (("state", "open"), ("state", "closed"), ("symbol", "KO"), ("side", "buy")),
    "trades": (("symbol", "AAPL"), ("side", "sell")),
    "transactions": (("symbol", "KO"), ("type", "trade"), ("type", "settlement")),
}
SHOWN_AS = {"symbol": {"orders": "stock_symbol"}}


@dataclass(frozen=True)
class Walk:
    """The pages of a list that a client has read, from `began` on.

    `items` are those of all pages. `complete`: the last page had no cursor. `moments` are the
    states of the client's books since the first request.
    """

    client_id: str
    view: str
    wanted: tuple[str, str] | None
    began: float
    items: Sequence[Item]
    complete: bool
    moments: Sequence[Moment]


def spelled(instant: datetime, way: int) -> str:
    """An instant in a query, in UTC or by the clock of New York."""
    zone = (UTC, NEW_YORK)[way % 2]
    return quote(instant.astimezone(zone).isoformat())


def check_walk(walk: Walk, moments: Sequence[Moment], ledger: Ledger) -> None:
    """Each line that was there before the first request is shown once, in order.

    `moments` are all states of the client's books. An incomplete walk is judged down to its last
    line. Raises ViolationError.
    """
    before = _before(moments, walk.began - LAGS)
    keys: list[Any]
    known: Mapping[Any, str]
    match walk.view:
        case "positions":
            keys = [item["symbol"] for item in walk.items]
            known = _positions(walk)
        case "orders":
            keys = [_negated(f"{i['accepted_at']}#{i['order_id']}") for i in walk.items]
            known = {
                _negated(f"{o['accepted_at']}#{o['order_id']}"): o["order_id"]
                for o in before.orders.values()
                if _is_wanted_order(walk, o)
            }
        case _:
            keys = [_key(walk, item, ledger) for item in walk.items]
            known = _lines(walk, ledger)
    name = f"{walk.client_id} {walk.view} {walk.wanted}"
    if keys != sorted(set(keys)):
        raise ViolationError("a list is in order and shows no line twice", name, str(keys))
    missing = {
        key: what
        for key, what in known.items()
        if key not in set(keys) and (walk.complete or (keys and key < keys[-1]))
    }
    if missing:
        raise ViolationError("no line is missing from a list", name, str(list(missing.values())))
    for item in walk.items:
        _check_filter(walk, item)


def _before(moments: Sequence[Moment], at: float) -> Moment:
    return next((each for each in reversed(moments) if each.since <= at), Moment({}, {}, {}))


def _check_filter(walk: Walk, item: Item) -> None:
    """Each line is one that the client asked for. A state may have changed since it was read."""
    if walk.wanted is None or walk.wanted[0] == "state":
        return
    name, value = walk.wanted
    if item[SHOWN_AS.get(name, {}).get(walk.view, name)] != value:
        raise ViolationError(
            "a list has only what was asked for", f"{walk.client_id} {walk.view}", str(item)
        )


def _is_wanted_order(walk: Walk, order: Item) -> bool:
    """Whether an order passes the filter all the time that the client reads."""
    match walk.wanted:
        case ("state", state):
            states = [m.orders.get(order["order_id"], order) for m in walk.moments]
            return all((o["status"] in HOLDING) == (state == "open") for o in (order, *states))
        case (name, value):
            return bool(order[name] == value)
        case _:
            return True


def _positions(walk: Walk) -> dict[str, str]:
    """The symbols that are open in all moments."""
    every = [
        {s for s, p in m.positions.items() if p["available"] + p["held"] or p["unsettled"]}
        for m in walk.moments
    ]
    return {symbol: symbol for symbol in set.intersection(*every)} if every else {}


def _negated(key: str) -> tuple[int, ...]:
    """A key that sorts the other way round: newest first."""
    return tuple(-ord(character) for character in key)


def _key(walk: Walk, item: Item, ledger: Ledger) -> tuple[Any, ...]:
    """Where a trade or a transaction stands: at its ledger entry, and its name within it."""
    if walk.view == "trades":
        return (*_entry_key(ledger.entries[item["trade_id"], "FILL"]), ())
    entry_id, _, kind = item["transaction_id"].partition(".")
    for entry_kind in _kinds(kind):
        entry = ledger.entries.get((entry_id, entry_kind))
        if entry is not None and kind in _names(entry, ledger, float("inf")):
            return (*_entry_key(entry), _negated(kind))
    raise ViolationError("every statement line has an entry", item["transaction_id"], str(item))


def _kinds(kind: str) -> Collection[str]:
    if kind == "loan":
        return ("FILL", "REVERSAL", "SETTLEMENT")
    if kind in ("reversal", "advance"):
        return ("REVERSAL",)
    if kind == "repayment":
        return ("CLOSED_ADVANCE",)
    return ("FILL", "REVERSAL") if kind in ("trade", "fee", "settlement") else (kind.upper(),)


def _entry_key(entry: Item) -> tuple[tuple[int, ...]]:
    return (_negated(f"{entry['booked_at']}#{entry['trade_id']}#{entry['kind']}"),)


def _lines(walk: Walk, ledger: Ledger) -> dict[tuple[Any, ...], str]:
    """The lines that must be shown, by their keys."""
    until = walk.began - LAGS
    found: dict[tuple[Any, ...], str] = {}
    for (trade_id, kind), entry in ledger.entries.items():
        if entry["client_id"] != walk.client_id or ledger.times[trade_id, kind] > until:
            continue
        if walk.view == "trades":
            if kind == "FILL" and walk.wanted in (None, *_facts(entry)):
                found[(*_entry_key(entry), ())] = trade_id
            continue
        for name in _names(entry, ledger, until):
            if walk.wanted in (None, ("type", name), *_facts(entry)):
                found[(*_entry_key(entry), _negated(name))] = f"{trade_id}.{name}"
    return found


def _facts(entry: Item) -> Iterable[tuple[str, str]]:
    """What filters compare of an entry."""
    shares = [p["asset"] for p in entry.get("postings", ()) if p["asset"] != "USD"]
    symbol = entry.get("symbol") or next(iter(shares), "")
    return (("symbol", symbol), ("side", entry.get("side", "")))


def _names(entry: Item, ledger: Ledger, until: float) -> Collection[str]:
    """The names of an entry's lines, as far as they were there at a time."""
    match entry["kind"]:
        case "FILL":
            settled = ledger.times.get((entry["trade_id"], "SETTLEMENT"), float("inf")) <= until
            names = {"trade": True, "fee": entry["fees"], "loan": entry["drawn"]}
            return [name for name, there in {**names, "settlement": settled}.items() if there]
        case "REVERSAL":
            settled = ledger.times.get((entry["trade_id"], "SETTLEMENT"), float("inf")) <= until
            names = {"reversal": True, "fee": entry["fees"], "loan": entry["drawn"]}
            names["advance"] = entry["advanced_cash"] or entry["advanced_shares"]
            return [name for name, there in {**names, "settlement": settled}.items() if there]
        case "SETTLEMENT":
            return ["loan"] if entry["loan_repaid"] else []
        case "CLOSED_ADVANCE":
            return ["repayment"] if entry["repaid_cash"] or entry["repaid_shares"] else []
        case "DEPOSIT" | "WITHDRAWAL":
            return [entry["kind"].lower()]
        case _:
            return []
