"""Checks of answers to deposits and withdrawals: what was answered is booked as it was asked."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from tests.simulation.acceptance import State
from tests.simulation.api_gateway import Answer
from tests.simulation.items import Item
from tests.simulation.ledger import Entries
from tests.simulation.violations import ZERO, ViolationError, equal

TRANSFERS = {"deposits": ("DEPOSIT", 1), "withdrawals": ("WITHDRAWAL", -1)}


def check_booked(path: str, body: Item, answer: Answer, entries: Entries) -> None:
    """A transfer that was just answered with 201 is in the ledger. Raises ViolationError.

    The entry and the answer have the client, the asset, the amount and the cost of the request.
    """
    _, client_id, what = path.split("/")
    kind, sign = TRANSFERS[what]
    told = answer.json()
    entry = entries.get((told["transfer_id"], kind))
    if entry is None:
        raise ViolationError("every answered transfer is booked", path, str(told))
    asset, amount = (
        ("USD", Decimal(body["amount"]))
        if "amount" in body
        else (body["symbol"], Decimal(body["quantity"]))
    )
    asked = (client_id, body["reference"], asset, amount)
    own = [p for p in entry["postings"] if p["account"] == f"client:{client_id}"]
    booked = [(entry["client_id"], entry["reference"], p["asset"], sign * p["amount"]) for p in own]
    said = (told["client_id"], told["reference"], told["asset"], Decimal(told["amount"]))
    equal("a transfer is booked as it was asked", path, booked, [asked])
    equal("a transfer is answered as it was asked", path, said, asked)
    cost = None if told["cost"] is None else Decimal(told["cost"])
    equal("a transfer is answered with its cost", path, cost, entry.get("cost"))
    if "cost" in body:
        equal("a transfer is booked as it was asked", path, cost, Decimal(body["cost"]))


def check_refused(path: str, body: Item, answer: Answer, states: Iterable[State]) -> None:
    """A withdrawal is refused only if it is not covered. Raises ViolationError.

    `states` are the books of the client between request and answer.
    """
    code = answer.json()["code"]
    for account, positions, _ in states:
        available = account.get("available", ZERO)
        loan = account.get("credit_used", ZERO)
        if code == "LOAN_NOT_COVERED" and available < loan:
            return
        if code != "NOT_WITHDRAWABLE":
            continue
        if "amount" in body and Decimal(body["amount"]) > max(available - loan, ZERO):
            return
        owned = positions.get(body.get("symbol", ""), {})
        free = owned.get("available", 0) - owned.get("receivable", 0)
        if "quantity" in body and body["quantity"] > max(free, 0):
            return
    raise ViolationError("no transfer is refused without a reason", path, f"{code}: {body}")
