"""Checks of replacements: which order takes over from which, when, and for how much.

The checks also cover the answers to clients. They have their own arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.simulation.acceptance import most_counted
from tests.simulation.api_gateway import Answer
from tests.simulation.balances import holds_of
from tests.simulation.instants import moment
from tests.simulation.items import Item, executed_of
from tests.simulation.lives import CLOCKS_DIFFER_BY, OPEN, Orders, over_at, path_of
from tests.simulation.violations import ZERO, ViolationError, equal
from trading.domain import identifiers

KEPT_TERMS = ("client_id", "symbol", "side", "order_type", "time_in_force")
LACKING = frozenset({"INSUFFICIENT_FUNDS", "CREDIT_LIMIT_EXCEEDED"})


@dataclass(frozen=True)
class Replaced:
    """A request to replace an order, the key that it came with, and its final answer."""

    client_id: str
    old_key: str
    key: str
    body: dict[str, Any]
    answer: Answer


@dataclass
class Replacements:
    """Learns of every new order, and checks a client's orders whenever one of them changes."""

    asked: dict[str, int] = field(default_factory=dict)
    """The total quantity requested for each replacement, by its id."""
    over: dict[str, float] = field(default_factory=dict)
    """When the time of each replacement was to be over, by its id."""

    def begins(self, order: Item, orders: Orders) -> None:
        """Record a new order. `orders` holds all orders."""
        if "replaces" in order:
            self.asked[order["order_id"]] = int(order["quantity"])
            self.over[order["order_id"]] = over_at(order)
            if order["status"] != "RECEIVED" or order["sequence"]:
                raise ViolationError("a replacement waits", order["order_id"], str(order))
            self._reserve(order, orders[order["replaces"]])

    @staticmethod
    def _reserve(new: Item, old: Item) -> None:
        """Check the reserve of a replacement.

        Old and new order together must hold the greater of what each needs. Against the daily limit
        they count the most that they can come to, if the old order fills first or not at all.
        """
        left = {**new, "status": "VALIDATED", "filled_quantity": executed_of(old)}
        has, needs = holds_of([old]), holds_of([left])
        is_same_day = old["business_date"] == new["business_date"]
        before = old["quantity"] - executed_of(old) if is_same_day else 0
        most = most_counted(
            new["quantity"] - executed_of(old),
            new["protection_price"],
            before,
            old["protection_price"],
        )
        expected = {
            "cash": max(needs.cash - has.cash, ZERO),
            "credit": max(needs.credit - has.credit, ZERO),
            "shares": max(needs.shares.total() - has.shares.total(), 0),
            "notional": max(most - before * old["protection_price"], ZERO),
        }
        equal(
            "a replacement holds the greater of both needs",
            new["order_id"],
            new["reserve"],
            expected,
        )

    def check(self, own: Iterable[Item], orders: Orders) -> None:
        """Check one client's orders among all orders."""
        for order in own:
            if "replaced_by" in order:
                new = orders.get(order["replaced_by"], {})
                if new.get("replaces") != order["order_id"]:
                    raise ViolationError(
                        "replaces and replaced_by name each other",
                        order["order_id"],
                        f"{new.get('order_id')} does not",
                    )
            if "replaces" in order:
                self._pair(orders.get(order["replaces"], {}), order)
                self._promise(orders[order["replaces"]], order)
            elif order["status"] == "RECEIVED":
                raise ViolationError(
                    "a waiting order replaces another", order["order_id"], str(order)
                )

    def _promise(self, old: Item, new: Item) -> None:
        """An accepted replacement takes over.

        Exceptions: nothing is left over, it is too late, or the client is suspended.
        """
        if ("reserve" in new) != (new["status"] == "RECEIVED"):
            raise ViolationError(
                "only a waiting replacement has a reserve", new["order_id"], str(new)
            )
        code, cheaper = new.get("reason_code"), new["protection_price"] < old["protection_price"]
        if path_of(new)[1:2] != ["REJECTED"] or code in ("REPLACE_TOO_LATE", "CLIENT_INACTIVE"):
            return
        if code in LACKING and cheaper and self.asked[new["order_id"]] > old["quantity"]:
            return
        raise ViolationError(
            "a replacement that was accepted takes over", new["order_id"], f"{new} of {old}"
        )

    def _pair(self, old: Item, new: Item) -> None:
        name, path = new["order_id"], path_of(new)
        if old.get("replaced_by") != name:
            raise ViolationError(
                "replaces and replaced_by name each other",
                name,
                f"it replaces {old.get('order_id')}",
            )
        if [new[term] for term in KEPT_TERMS] != [old[term] for term in KEPT_TERMS]:
            raise ViolationError(
                "a replacement keeps the order's kind", name, f"{old} became {new}"
            )
        if new["status"] == "RECEIVED":
            if old["status"] not in OPEN:
                raise ViolationError(
                    "no order waits for one that has ended",
                    name,
                    f"{old['order_id']} is {old['status']}",
                )
            return
        if path[1] == "CANCELED":
            return
        if old["status"] in OPEN:
            raise ViolationError(
                "an order and its replacement are not both open",
                name,
                f"{new['status']}, and {old['order_id']} {old['status']}",
            )
        left = self.asked[name] - executed_of(old)
        late = moment(new["history"][1]["time"]) - self.over[name]
        if path[1] == "VALIDATED" and (left <= 0 or new["quantity"] != left):
            raise ViolationError(
                "each share is filled or replaced",
                name,
                f"{new['quantity']}, {left} were left over",
            )
        if path[1] == "VALIDATED" and late > CLOCKS_DIFFER_BY:
            raise ViolationError(
                "no order takes over after its time", name, f"{late:.0f} s too late"
            )
        if new.get("reason_code") == "REPLACE_TOO_LATE" and left > 0 and late < -CLOCKS_DIFFER_BY:
            raise ViolationError(
                "only a late replacement is too late", name, f"{left} were left over"
            )


def check_answers(requests: Iterable[Replaced], orders: Orders, tolerated: frozenset[int]) -> None:
    """Each accepted replacement exists, with the terms of the request. A refused one does not
    exist.
    """
    taken: dict[str, dict[str, Any]] = {}
    for request in requests:
        new_id = identifiers.order_id(request.client_id, request.key)
        old_id = identifiers.order_id(request.client_id, request.old_key)
        status = request.answer.status
        if status != 202:
            if status not in tolerated:
                raise ViolationError(
                    "every answer fits its request", new_id, f"{status} {request.answer.body!r}"
                )
            continue
        new, old, told = orders.get(new_id, {}), orders[old_id], request.answer.json()
        if (told["order_id"], told["status"], new.get("replaces")) != (new_id, "RECEIVED", old_id):
            raise ViolationError("every accepted order is stored", new_id, f"{told}, but {new}")
        if taken.setdefault(new_id, request.body) != request.body:
            raise ViolationError(
                "one replacement a key", new_id, f"{request.body} and {taken[new_id]}"
            )
        for term, kept in (("price", "limit_price"), ("stop_price", "stop_price")):
            price = request.body.get(term, old.get(kept))
            if (None if price is None else Decimal(price)) != new.get(kept):
                raise ViolationError(
                    "a stored order has the terms of its request",
                    new_id,
                    f"{term} {new.get(kept)}, not {price}",
                )
        asked = request.body.get("quantity")
        if (
            asked is not None
            and new["history"][1]["status"] != "VALIDATED"
            and new["quantity"] != asked
        ):
            raise ViolationError(
                "a stored order has the terms of its request",
                new_id,
                f"{new['quantity']}, not {asked}",
            )
        if new["history"][1]["status"] == "VALIDATED":
            total = old["quantity"] if asked is None else asked
            if new["quantity"] + executed_of(old) != total:
                raise ViolationError(
                    "each share is filled or replaced", new_id, f"{new['quantity']} of {total}"
                )


def check_conflicts(told: Iterable[tuple[str, Answer]], orders: Orders) -> None:
    """An order that was called closed was closed. An order that was called ending did end.

    Other conflicts say nothing about the order. It may even not exist: a copy of the request is
    still in progress.
    """
    for order_id, answer in told:
        problem = answer.json()
        if problem["code"] not in ("ORDER_CLOSED", "ORDER_ENDING"):
            continue
        path = path_of(orders[order_id])
        if problem["code"] == "ORDER_CLOSED":
            status = problem["details"]["status"]
            if status in OPEN or status == "RECEIVED" or status not in path:
                raise ViolationError(
                    "no open order is shown as closed", order_id, f"{problem} of {path}"
                )
        elif path[-1] in OPEN:
            raise ViolationError("an ending order ends", order_id, f"{problem} of {path}")
