"""Checks of the answers that clients and intruders got against the books."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from tests.simulation.intruders import Attempt
from tests.simulation.ledger import Entries
from tests.simulation.lives import Orders, path_of
from tests.simulation.people import ORDER_FIELDS
from tests.simulation.repeating import Placed
from tests.simulation.values import check_details
from tests.simulation.violations import ViolationError, equal
from trading.domain import identifiers


def check_placed(requests: Iterable[Placed], orders: Orders, tolerated: Collection[int]) -> None:
    """An accepted request has one order under its key, with the content that was sent."""
    for placed in requests:
        order_id, status = identifiers.order_id(placed.client_id, placed.key), placed.answer.status
        if status == 201:
            order = orders.get(order_id)
            if order is None or placed.answer.json()["order_id"] != order_id:
                raise ViolationError(
                    "every accepted order is stored",
                    order_id,
                    f"{placed.answer.body!r}, but {order}",
                )
            asked = {name: placed.body[name] for name in ORDER_FIELDS if name in placed.body}
            kept = {
                name: order[name] for name in ("quantity", "order_type", "side", "time_in_force")
            }
            kept["stock_symbol"] = order["symbol"]
            for name, kept_as in (("price", "limit_price"), ("stop_price", "stop_price")):
                kept[name] = order.get(kept_as)
                asked[name] = Decimal(asked[name]) if name in asked else None
            equal("a stored order has the terms of its request", order_id, kept, asked)
        elif status not in tolerated:
            raise ViolationError(
                "every answer fits its request", order_id, f"{status} {placed.answer.body!r}"
            )


def check_shown(
    answers: Iterable[tuple[str, dict[str, Any]]], orders: Orders, entries: Entries
) -> None:
    """An order that was shown has all of a fill or nothing of it, and its history only grows."""
    for order_id, shown in answers:
        check_details(shown, entries)
        executed = sum(
            detail["executed_quantity"]
            for detail in shown["execution_details"]
            if detail["status"] == "booked"
        )
        path = [step["status"] for step in shown["status_history"]]
        if executed != shown["filled_quantity"] or path[-1] != shown["current_status"]:
            raise ViolationError(
                "no answer shows half of a fill", order_id, f"{executed} executed: {shown}"
            )
        final = path_of(orders[order_id])
        if final[: len(path)] != path:
            raise ViolationError(
                "what was shown stays true", order_id, f"{path} was shown, {final} came of it"
            )


def check_intrusions(attempts: Iterable[Attempt]) -> None:
    """Nobody is granted what is not theirs, and each is told why. Raises ViolationError.

    An answer says nothing if it is about the load, a fault, or a first request that died.
    """
    for what, answer, refused_with in attempts:
        if answer.status in (0, 429) or answer.status >= 500:
            continue
        if answer.status == 409 and answer.json()["code"] == "IN_PROGRESS":
            continue
        if answer.status not in refused_with:
            raise ViolationError(
                "nobody acts without the right to",
                what,
                f"{answer.status}, not {sorted(refused_with)}: {answer.body!r}",
            )
