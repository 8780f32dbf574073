"""What the bus has to say beside the events of accounts, computed from the tables' own changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.simulation.items import Item, plain
from tests.simulation.names import STAGE
from tests.simulation.services.dynamodb import Change
from tests.simulation.violations import ViolationError, equal

RULE = "every change of orders, instruments and exchanges is told"
DEAD = "dead letters are breaks and what could not be handled"
DEAD_LETTER = "trade-dead-letter"
FIRST = 1
"""The version of an item that an earlier release wrote without one."""
OUR_OWN = {"version", "event", "kind", "id", "tradable_set_in"}
"""Attributes of an item of reference data that are not told, or told as the sequence."""


@dataclass(frozen=True)
class Due:
    """An event that must come: its type, unless the oracle does not know it, and its data."""

    type: str | None
    data: Item | None
    is_dead: bool


class BusOracle:
    """Compares what a consumer of the bus hears with the transactions."""

    def __init__(self) -> None:
        self.due: dict[str, Due] = {}
        self.heard: dict[str, dict[str, Any]] = {}

    def transaction(self, changes: Sequence[Change]) -> None:
        """Remember what must be told of a transaction."""
        tables: dict[str, list[Change]] = {
            name: [] for name in ("accounts", "orders", "ledger", "reference")
        }
        for change in changes:
            if (table := change.table.removeprefix(f"{STAGE}-")) in tables:
                tables[table].append(change)
        if not any(change.key[-1] == "CASH" for change in tables["accounts"]):
            for order in tables["orders"][:1]:
                self._order(order, has_dead_letter(changes), alone=not tables["ledger"])
        for change in tables["reference"]:
            self._reference(change)

    def _order(self, change: Change, is_dead: bool, *, alone: bool) -> None:
        before, after = _images(change)
        if int(after["version"]) == int(before.get("version", 0)):
            return  # the sweeper looks at it later
        type_ = None
        asked = after.get("ending", {}).get("asked_by")
        if alone:
            was_asked = before.get("ending", {}).get("asked_by")
            type_ = "order.flagged" if is_dead else "order.changed"
            type_ = "order.cancel_requested" if asked not in (None, was_asked) else type_
        self.due[f"order/{after['order_id']}/{after['version']}"] = Due(type_, None, is_dead)

    def _reference(self, change: Change) -> None:
        before, after = _images(change)
        if "version" not in after:
            return  # as an earlier release wrote it
        kind, name = after["kind"].lower(), after["id"]
        last = int(before.get("version", FIRST)) if before else 0
        if int(after["version"]) != last + 1:
            raise ViolationError("no version is left out", name, f"{after['version']} on {last}")
        data = {field: value for field, value in after.items() if field not in OUR_OWN}
        type_ = "exchange.changed" if kind == "exchange" else _type_of(before, after)
        self.due[f"{kind}/{name}/{after['version']}"] = Due(type_, data, False)

    def hear(self, event: dict[str, Any]) -> None:
        """Check an event that the bus delivers, perhaps once more. Raises ViolationError."""
        detail = event["detail"]
        name, kind = detail["id"], detail["aggregate"]["kind"]
        first = self.heard.setdefault(name, detail)
        equal("an event never changes", name, detail, first)
        if kind not in ("order", "instrument", "exchange"):
            return
        if name not in self.due:
            raise ViolationError("no event is invented", name, str(detail))
        due = self.due[name]
        equal(DEAD, name, DEAD_LETTER in detail["topics"], due.is_dead)
        if due.type is not None:
            equal(RULE, name, detail["type"], due.type)
        if due.data is not None:
            equal(RULE, name, "client_id" in detail, False)
            equal(RULE, name, detail["topics"], ["reference-data-events"])
            told = {field: _told(value) for field, value in due.data.items()}
            shown = {field: _told(value) for field, value in detail["data"][kind].items()}
            equal(RULE, name, shown, told | {"version": _told(detail["sequence"])})

    def check_complete(self) -> None:
        """Raise ViolationError if an event is missing."""
        if missing := self.due.keys() - self.heard.keys():
            raise ViolationError(RULE, min(missing), f"{len(missing)} events are missing")


def has_dead_letter(changes: Sequence[Change]) -> bool:
    """Whether a transaction records a break, or gives up an order."""
    alone = len(changes) == 1
    return any(
        (change.table == f"{STAGE}-ledger" and change.key[-1] == "BREAK")
        or (change.table == f"{STAGE}-orders" and _is_given_up(change, alone=alone))
        for change in changes
    )


def _images(change: Change) -> tuple[Item, Item]:
    assert change.after is not None
    return plain(change.before) if change.before is not None else {}, plain(change.after)


def _type_of(before: Item, after: Item) -> str:
    if not before:
        return "instrument.registered"
    if before["tradable"] == after["tradable"]:
        return "instrument.changed"
    return "instrument.resumed" if after["tradable"] else "instrument.halted"


def _is_given_up(change: Change, *, alone: bool) -> bool:
    """Whether an order is flagged, or rejected because it could not be handled."""
    before, after = _images(change)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    is_flagged_again = changed <= {"version", "event", "flagged_in"} and alone
    flagged = "review_reason" in after and ("review_reason" in changed or is_flagged_again)
    failed = after.get("reason_code") == "PROCESSING_FAILED" != before.get("reason_code")
    return flagged or failed


def _told(value: object) -> object:
    """A number is equal to the text that tells it."""
    is_number = isinstance(value, str) and value.replace(".", "", 1).lstrip("-").isdigit()
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    return Decimal(str(value)) if is_number else value
