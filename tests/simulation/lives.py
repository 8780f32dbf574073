"""Checks of the lives of orders: legal histories, fixed terms, and the end of their time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from tests.simulation.instants import moment
from tests.simulation.items import Item, plain
from tests.simulation.violations import ViolationError, check_version
from trading.domain import identifiers
from trading.domain.reference.calendars import close_of

Orders = Mapping[str, Item]
"""Orders by their ids."""
OPEN = frozenset({"VALIDATED", "ROUTING", "PARTIALLY_FILLED"})
HOLDING = OPEN | {"RECEIVED"}
"""The statuses of open orders and of waiting replacements."""
LEGAL = {
    "": {"RECEIVED"},
    "RECEIVED": {"VALIDATED", "REJECTED", "CANCELED"},
    "VALIDATED": {"ROUTING", "REJECTED", "CANCELED", "EXPIRED"},
    "ROUTING": {"PARTIALLY_FILLED", "FILLED", "REJECTED", "CANCELED", "EXPIRED"},
    "PARTIALLY_FILLED": {"PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED"},
    "FILLED": {"CLEARING"},
    "CLEARING": {"CLEARED"},
    "CLEARED": {"SETTLING"},
    "SETTLING": {"SETTLED"},
}
CORRECTED = {
    "PARTIALLY_FILLED": {"ROUTING"},
    "FILLED": {"FILLED", "CANCELED"},
    "CLEARED": {"CLEARED", "CANCELED"},
    "SETTLING": {"SETTLING", "CANCELED"},
    "SETTLED": {"SETTLED", "SETTLING", "CANCELED"},
    "CANCELED": {"CANCELED"},
    "EXPIRED": {"EXPIRED"},
}
"""What only a correction or a bust of an execution may do."""
TERMS = ("client_id", "symbol", "side", "limit_price", "stop_price", "accepted_at")
TERMS_OF_ACCEPTED = (*TERMS, "quantity", "protection_price", "business_date")
DAY, IMMEDIATE = 86_400, 900
GTC_SECONDS = 90 * DAY
CLOCKS_DIFFER_BY = 5.0
ROUTED_WITHIN = 600
"""An order may never be sent if it takes over, or its exchange is out of reach, this shortly before
its time is over.
"""


def order_of(item: Item) -> dict[str, Any]:
    """An order as it was written, with the lines of its history parsed."""
    order = plain(item)
    steps = (line.split(" ", 2) for line in order["history"])
    order["history"] = [
        dict(zip(("time", "status", "reason"), step, strict=False)) for step in steps
    ]
    return order


def path_of(order: Item) -> list[str]:
    """The statuses that an order has had."""
    return [step["status"] for step in order["history"]]


def over_at(order: Item) -> float:
    """When an order's time is over."""
    if order["order_type"] == "market" or order["time_in_force"] in ("IOC", "FOK"):
        return moment(order["accepted_at"]) + IMMEDIATE
    if order["time_in_force"] == "GTC":
        return moment(order["accepted_at"]) + GTC_SECONDS
    return close_of(date.fromisoformat(order["business_date"])).timestamp()


def check_write(before: Item | None, order: Item) -> None:
    """Check a write of an order against the order as it was before."""
    order_id, path, last = order["order_id"], path_of(order), order["history"][-1]
    _check_care(order)
    if before is not None and before["version"] == order["version"]:
        if {**before, "attention_at": 0} != {**order, "attention_at": 0}:
            raise ViolationError("no write without a version", order_id, f"{before} became {order}")
    else:
        check_version(order_id, before, order)
    if last["status"] == "EXPIRED" and order["time_in_force"] == "GTC":
        age = moment(last["time"]) - moment(order["accepted_at"])
        if age < GTC_SECONDS - CLOCKS_DIFFER_BY:
            raise ViolationError("no order expires before its time", order_id, f"after {age:.0f} s")
    for earlier, later in zip(["", *path], path, strict=False):
        corrected = later in CORRECTED.get(earlier, ()) and _says_so(order, earlier, later)
        if later not in LEGAL.get(earlier, ()) and not corrected:
            raise ViolationError("every history is a legal path", order_id, " ".join(path))
    if last["status"] != order["status"]:
        raise ViolationError(
            "every history is a legal path", order_id, f"{path} but {order['status']}"
        )
    if before is not None:
        _check_kept(before, order)
    if (
        last["status"] == "ROUTING"
        and "release_at" in order
        and moment(last["time"]) < moment(order["release_at"]) - 1
    ):
        raise ViolationError(
            "no order is sent before its market opens", order_id, str(order["history"])
        )


def _says_so(order: Item, earlier: str, later: str) -> bool:
    """Whether the history has such a transition with the reason of a correction."""
    steps = order["history"]
    return any(
        (before["status"], after["status"]) == (earlier, later)
        and after.get("reason", "").startswith("execution ")
        for before, after in pairwise(steps)
    )


def _check_care(order: Item) -> None:
    """Check the attention index and the end of an order.

    An order stays in the index until it is over and cleared. It is not over while an exchange has
    it.
    """
    uncleared = order.get("filled_quantity") and "cleared_at" not in order
    if (order["status"] in OPEN or uncleared) and "attention_at" not in order:
        raise ViolationError(
            "every unfinished order is due sometime",
            order["order_id"],
            f"{order['status']}, at rest",
        )
    if order.get("ending", {}).get("reason") == "EXECUTION_FAILED" and order.get("children"):
        raise ViolationError(
            "a run takes back only what was never sent",
            order["order_id"],
            str(order["children"]),
        )
    live = [child for child in order.get("children", ()) if child.get("status", "SENT") == "SENT"]
    if live and order["status"] in ("REJECTED", "CANCELED", "EXPIRED"):
        raise ViolationError("no order ends while an exchange has it", order["order_id"], str(live))


def _check_kept(before: Item, order: Item) -> None:
    """The history only grows, and the terms stay. A waiting replacement is not accepted yet."""
    order_id, old = order["order_id"], before["history"]
    if order["history"][: len(old)] != old:
        raise ViolationError("a history only grows", order_id, f"{old} became {order['history']}")
    terms = TERMS if len(old) == 1 else TERMS_OF_ACCEPTED
    changed = [name for name in terms if before.get(name) != order.get(name)]
    if changed:
        raise ViolationError("an order's terms stay", order_id, str(changed))
    ending = before.get("ending", {})
    if ending.get("asked_by") == "client" and order.get("ending") != ending:
        raise ViolationError(
            "a client's cancel stays", order_id, f"{ending} became {order.get('ending')}"
        )


def check_endings(
    orders: Iterable[Item],
    submitted: Collection[str],
    was_out: Callable[[str, float, float], bool],
    *,
    is_troubled: bool,
    is_closed_by_hand: bool,
) -> None:
    """No order ends early without a cause. What was accepted or routed was sent.

    `submitted` holds the child orders that were sent to an exchange. `was_out` says whether an
    exchange was out of reach between two moments. In a run that `is_troubled`
    our functions give up.
    """
    for order in orders:
        order_id, path = order["order_id"], path_of(order)
        rests = "limit_price" in order and order["time_in_force"] in ("DAY", "GTC")
        if (
            rests
            and order.get("ending", {}).get("reason") == "EXECUTION_FAILED"
            and not is_troubled
        ):
            raise ViolationError(
                "no order is canceled without a request", order_id, str(order["ending"])
            )
        if path[-1] != "EXPIRED" or is_closed_by_hand:
            continue
        if (
            "replaces" in order
            and moment(order["history"][1]["time"]) > over_at(order) - ROUTED_WITHIN
        ):
            continue
        if path[-2] == "VALIDATED" and "put_off" not in order:
            raise ViolationError("every accepted order is sent", order_id, " ".join(path))
        for child in order.get("children", ()):
            sent = identifiers.child_order_id(order_id, int(child["number"])) in submitted
            over = over_at(order)
            is_excused = was_out(child["exchange_id"], over - ROUTED_WITHIN, over)
            if child["status"] != "REJECTED" and not sent and not is_excused:
                raise ViolationError("every routed child is sent", order_id, str(child))
        close, ended = (
            close_of(date.fromisoformat(order["business_date"])).timestamp(),
            order["history"][-1]["time"],
        )
        if order["time_in_force"] == "DAY" and moment(ended) < close - CLOCKS_DIFFER_BY:
            raise ViolationError("no order expires before its time", order_id, ended)
