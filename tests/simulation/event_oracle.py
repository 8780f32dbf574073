"""What the log of events has to say, computed from the books' own changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.simulation.bus_oracle import DEAD_LETTER, has_dead_letter
from tests.simulation.engine import current
from tests.simulation.items import Item, plain
from tests.simulation.names import STAGE
from tests.simulation.services.dynamodb import Change
from tests.simulation.violations import ViolationError, equal
from trading.adapters.dynamodb.event_text import unpacked

EVERY = "every change of an account is told"
TRUE = "an event says what was written"
LEADING_KINDS = (
    ("REVERSAL", "trade.reversed"),
    ("FILL", "order.executed"),
    ("SETTLEMENT", "trade.settled"),
    ("NOVATION", "trade.cleared"),
    ("DEPOSIT", "deposit.booked"),
    ("WITHDRAWAL", "withdrawal.booked"),
    ("CLOSED_ADVANCE", "advance.closed"),
    ("BREAK", "break.recorded"),
)
"""The type of an event, by the first of these kinds of entry that it has."""
NEW = {
    "RECEIVED": "order.received",
    "VALIDATED": "order.accepted",
    "REJECTED": "order.rejected",
}
ENDED = {"REJECTED": "order.rejected", "CANCELED": "order.canceled", "EXPIRED": "order.expired"}
OF_TRADES = {"FILL", "REVERSAL", "NOVATION", "SETTLEMENT"}

Place = tuple[str, int]
Move = tuple[str | None, str]
"""The status of an order before and after a transaction. None: the order is new."""
TOOK_OVER: Move = "RECEIVED", "VALIDATED"
"""What a replacement does when the order before it has ended."""


@dataclass(frozen=True)
class Written:
    """What one transaction wrote for a client."""

    account: Item
    type: str
    topics: frozenset[str]
    orders: frozenset[tuple[Any, ...]]
    entries: frozenset[tuple[Any, ...]]
    positions: frozenset[tuple[Any, ...]]
    obligations: frozenset[tuple[Any, ...]]


class EventOracle:
    """Compares each event with its transaction as soon as it is logged."""

    def __init__(self) -> None:
        self.written: dict[Place, Written] = {}
        self.logged: dict[Place, dict[str, Any]] = {}
        self._untold: list[str] = []
        self.heard: Callable[[str, int], None] = lambda client_id, sequence: None
        """Called for each event that is in the log now."""

    def transaction(self, changes: Sequence[Change]) -> None:
        """Remember what a transaction wrote."""
        for change in changes:
            if change.table == f"{STAGE}-accounts" and change.key[-1] == "CASH":
                assert change.after is not None
                account = plain(change.after)
                place = account["client_id"], int(account["version"])
                self.written[place] = _written(account, changes)
                return
        if current() is not None:  # before a run, shares are put in place without their account
            self._untold += (
                f"{change.table} {change.key}"
                for change in changes
                if change.table == f"{STAGE}-accounts" and change.key[-1].startswith("POSITION#")
            )

    def log(self, changes: Sequence[Change]) -> None:
        """Check what was written into the log. Raises ViolationError."""
        for change in changes:
            if change.after is None:  # it has expired
                continue
            item = plain(change.after)
            place = item["client_id"], int(item["sequence"])
            if change.before is not None:
                raise ViolationError("an event never changes", str(place), item["event"])
            if place not in self.written:
                raise ViolationError("no event is invented", str(place), item["event"])
            event = json.loads(unpacked(item["event"]).model_dump_json())
            _check(place, event, self.written[place])
            self.logged[place] = event
            self.heard(*place)

    def check_complete(self) -> None:
        """Raise ViolationError if an event is missing."""
        if self._untold:
            raise ViolationError(EVERY, self._untold[0], "the account was not written with it")
        if missing := self.written.keys() - self.logged.keys():
            raise ViolationError(EVERY, str(min(missing)), f"{len(missing)} events are missing")

    def sequences(self, client_id: str) -> list[int]:
        """The sequences of all events of a client."""
        return sorted(number for name, number in self.written if name == client_id)


def _written(account: Item, changes: Sequence[Change]) -> Written:
    orders, entries, positions, obligations = set(), set(), set(), set()
    for change in changes:
        image = change.after if change.after is not None else change.before
        assert image is not None
        item = plain(image)
        match change.table.removeprefix(f"{STAGE}-"), change.key[-1]:
            case "orders", _:
                status, filled = item["status"], int(item["filled_quantity"])
                orders.add((item["order_id"], int(item["version"]), status, filled))
            case "ledger", kind:
                entries.add((item["trade_id"], kind))
            case "accounts", name if name.startswith("POSITION#"):
                available, held, unsettled = (
                    int(item[each]) for each in ("available", "held", "unsettled")
                )
                positions.add((item["symbol"], available, held, unsettled))
            case "accounts", name if name.startswith("OBLIGATION#"):
                obligations.add((item["trade_id"], change.after is None))
    moves = [_move(change) for change in changes if change.table == f"{STAGE}-orders"]
    kinds = {kind for _, kind in entries}
    return Written(
        account,
        _type(kinds, moves, any(change.table == f"{STAGE}-clients" for change in changes)),
        frozenset(_topics(kinds, moves, bool(positions)))
        | ({DEAD_LETTER} if has_dead_letter(changes) else set()),
        frozenset(orders),
        frozenset(entries),
        frozenset(positions),
        frozenset(obligations),
    )


def _move(change: Change) -> Move:
    assert change.after is not None
    before = plain(change.before)["status"] if change.before is not None else None
    return before, plain(change.after)["status"]


def _type(kinds: Collection[str], moves: Sequence[Move], of_client: bool) -> str:
    """What happened, by the kinds of the ledger's entries and the orders' statuses."""
    by_entry = [type_ for kind, type_ in LEADING_KINDS if kind in kinds]
    new = [NEW[after] for before, after in moves if before is None]
    canceled = any(before != "CANCELED" == after for before, after in moves)
    replaced = ["order.replaced"] if canceled and TOOK_OVER in moves else []
    ended = [ENDED[after] for before, after in moves if before != after and after in ENDED]
    rest = ["order.changed"] if moves else ["client.changed" if of_client else "account.changed"]
    return [*by_entry, *new, *replaced, *ended, *rest][0]


def _topics(kinds: Collection[str], moves: Sequence[Move], with_shares: bool) -> Iterator[str]:
    yield "balance"
    if moves:
        yield "orders"
    if any(before is None for before, _ in moves):
        yield "trade-submitted"
    if {(None, "VALIDATED"), TOOK_OVER} & set(moves):
        yield "trade-validated"
    if OF_TRADES & set(kinds):
        yield "trades"
    if with_shares:
        yield from ("positions", "position-updated")
    if "SETTLEMENT" in kinds:
        yield "settlement-completed"


def _check(place: Place, event: dict[str, Any], written: Written) -> None:
    client_id, sequence = place
    data, name = event["data"], str(place)
    equal(TRUE, name, event["id"], f"account/{client_id}/{sequence}")
    equal(TRUE, name, (event["sequence"], event["client_id"]), (sequence, client_id))
    shown = {
        (order["order_id"], order["version"], order["status"], order["filled_quantity"])
        for order in data["orders"]
    }
    equal(TRUE, name, shown, written.orders)
    entries = {(entry["trade_id"], entry["kind"]) for entry in data["entries"]}
    equal(TRUE, name, entries, written.entries)
    positions = {
        (each["symbol"], each["available"], each["held"], each["unsettled"])
        for each in data["positions"]
    }
    equal(TRUE, name, positions, written.positions)
    obligations = {(each["trade_id"], each["discharged"]) for each in data["obligations"]}
    equal(TRUE, name, obligations, written.obligations)
    balance = data["balance"]
    equal(
        TRUE,
        name,
        [Decimal(balance[each]) for each in ("available", "held_for_orders", "unsettled")],
        [written.account[each] for each in ("available", "held", "unsettled")],
    )
    equal(TRUE, name, event["type"], written.type)
    equal(TRUE, name, set(event["topics"]), written.topics)
