"""Checks of cancels: what the clients were told and shown, and how the orders ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.api_gateway import Answer
from tests.simulation.instants import moment
from tests.simulation.items import Item
from tests.simulation.lives import CLOCKS_DIFFER_BY, HOLDING, OPEN, Orders
from tests.simulation.violations import ViolationError

ENDS = frozenset({"FILLED", "REJECTED", "CANCELED", "EXPIRED"})
OBEYED_WITHIN = 7200.0
"""Longer than any exchange is silent, and shorter than the time to the close."""
DUE_WITHIN = 60.0 + CLOCKS_DIFFER_BY
"""One minute, after which the sweeper looks again at an order that it has pushed."""
REVIEWED_WITHIN = 1800.0 + CLOCKS_DIFFER_BY
"""Half an hour: an operator looks at the order as well."""
BY_CLIENT = "canceled by the client"
BY_BUSTS = "busted by the exchange"
"""Nothing remains of an order, and busts took a part of it. It ends even if a cancel is pending."""


@dataclass
class AskedForAll:
    """A request to cancel all orders of a client that have the wanted symbol and side.

    `began` is when it was sent, `until` when it was answered. Infinity means no answer.
    """

    client_id: str
    wanted: Mapping[str, str]
    began: float
    until: float = float("inf")

    def includes(self, order: Mapping[str, Any], at: float | None) -> bool:
        """Whether it was to cancel an order, stored or shown. `at` is when the order was asked to
        end, if that is known.
        """
        symbol = order.get("symbol", order.get("stock_symbol"))
        terms = {"client_id": order["client_id"], "symbol": symbol, "side": order["side"]}
        in_time = at is None or self.began <= at <= self.until
        return in_time and passes(terms, {"client_id": self.client_id, **self.wanted})


@dataclass
class Asked:
    """The orders that clients and operators wanted to cancel: one by one, or all of a client."""

    _order_ids: set[str] = field(default_factory=set)
    _all: list[AskedForAll] = field(default_factory=list)

    def add(self, order_id: str) -> None:
        """One order is to be canceled."""
        self._order_ids.add(order_id)

    def add_all(self, client_id: str, wanted: Mapping[str, str], began: float) -> AskedForAll:
        """A client's orders are to be canceled."""
        self._all.append(AskedForAll(client_id, wanted, began))
        return self._all[-1]

    def includes(self, order: Mapping[str, Any], at: float | None = None) -> bool:
        """Whether an order was to be canceled, at that time if it is known."""
        every = any(asked.includes(order, at) for asked in self._all)
        return order["order_id"] in self._order_ids or every


def passes(order: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Whether an order has the wanted symbol and side."""
    return all(order[name] == value for name, value in wanted.items())


def asked_by(order: Item) -> str | None:
    """Who asked for the pending cancel of an open order."""
    asked: str | None = order.get("ending", {}).get("asked_by") if order["status"] in OPEN else None
    return asked


def check_accepted(shown: dict[str, Any], answer: Answer, order: Item, now: float) -> None:
    """Check a cancel that was just accepted.

    A pending cancel is shown, is in the books, and is due even if no message about it arrives. A
    finished cancel must have been the client's.
    """
    status = shown["current_status"]
    said = status in OPEN and shown["cancel_requested"]
    if answer.status == 200:
        said = status == "CANCELED" and shown["reason"]["message"] == BY_CLIENT
    if not said:
        raise ViolationError(
            "a cancel's answer matches the order", order["order_id"], f"{answer.status} {shown}"
        )
    check_kept([order], "client")
    due_within = REVIEWED_WITHIN if "review_reason" in order else DUE_WITHIN
    if order["status"] in OPEN and moment(order["attention_at"]) > now + due_within:
        raise ViolationError(
            "an order with an accepted cancel is due", order["order_id"], order["attention_at"]
        )


def check_kept(orders: Iterable[Item], *who: str) -> None:
    """Each order that is not over has a pending cancel by one of `who` in the books."""
    for order in orders:
        if order["status"] in HOLDING and asked_by(order) not in who:
            raise ViolationError("an accepted cancel is stored", order["order_id"], str(order))


def check_seen(order_id: str, shown: dict[str, Any], *, is_accepted: bool, is_asked: bool) -> None:
    """Check what an order shows of its cancel."""
    if is_accepted and shown["current_status"] in OPEN and not shown["cancel_requested"]:
        raise ViolationError("a cancel that is accepted is shown", order_id, str(shown))
    if shown["cancel_requested"] and not is_asked:
        raise ViolationError("no unrequested cancel is shown", order_id, str(shown))


def check_unasked(asked: Asked, asked_at: Mapping[str, float], orders: Orders) -> None:
    """Each cancel that a client is said to have asked for was asked for. A cancel of an order is
    also one of what waits to replace it. `asked_at` says when each order was first to end so.
    """
    for order in orders.values():
        if order.get("ending", {}).get("asked_by") != "client":
            continue
        line: list[Item] = [order]
        while line[-1].get("replaces") in orders:
            line.append(orders[line[-1]["replaces"]])
        if not any(asked.includes(each, asked_at[order["order_id"]]) for each in line):
            raise ViolationError(
                "no order is canceled without a request", order["order_id"], str(order["ending"])
            )


def check_cancels(
    accepted: Mapping[str, float], refused: Iterable[tuple[str, Answer]], orders: Orders
) -> None:
    """A canceled order and its replacements have ended in time, and later answers agree.

    Judged is how an order ended first. A later correction or bust of an execution cancels even a
    filled order, and adds its line to the history of any other.
    """
    for order_id, told_at in accepted.items():
        first = first_end(orders[order_id])
        if first.get("status") == "EXPIRED" or (
            first.get("status") == "CANCELED"
            and first["reason"] != BY_CLIENT
            and not first["reason"].endswith(BY_BUSTS)
        ):
            raise ViolationError("a cancel is the client's", order_id, str(first))
        for order in heirs(order_id, orders):
            end = first_end(order)
            if not end or moment(end["time"]) > told_at + OBEYED_WITHIN:
                raise ViolationError(
                    "a cancel is obeyed", order["order_id"], f"{order['history']}, {told_at}"
                )
    for order_id, answer in refused:
        if order_id in accepted and first_end(orders[order_id]).get("reason") == BY_CLIENT:
            raise ViolationError(
                "all answers to a cancel agree", order_id, f"{answer.status} {answer.body!r}"
            )


def first_end(order: Item) -> Item:
    """The line of the history with which an order first ended. Empty while it is open."""
    return next((step for step in order["history"] if step["status"] in ENDS), {})


def heirs(order_id: str, orders: Orders) -> Iterable[Item]:
    """An order, its replacement, the replacement of that, and so on."""
    order = orders.get(order_id)
    while order is not None:
        yield order
        order = orders.get(order.get("replaced_by", ""))
