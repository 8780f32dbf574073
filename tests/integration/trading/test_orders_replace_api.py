"""PATCH /api/v1/orders/{id}: from the client's request until the new order is at work, over the
tables and the mailbox.
"""

from typing import Any

import pytest

from tests.fakes.api_events import header, principal, request
from tests.integration.system import System
from tests.integration.trading.orders import place, show
from tests.integration.trading.test_internal_api import ask
from tests.integration.trading.test_orders_cancel_api import delete, resting


def patch(
    system: System,
    order_id: str,
    body: dict[str, Any],
    client_id: str = "alice",
    permissions: str = "orders:write",
    key: str = "r-1",
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Answers status, body and the whole response to a replacement."""
    event = request(
        "PATCH",
        f"/api/v1/orders/{order_id}",
        body,
        headers={"Idempotency-Key": key},
        authorizer=principal(client_id, permissions),
    )
    return system.call("orders", event)


def test_a_replacement_is_accepted_first_and_happens_later(system: System) -> None:
    old = resting(system)
    status, body, answer = patch(system, old, {"quantity": 40, "price": "201.00"})
    new = body["order_id"]
    assert (status, body["status"], body["replaces"], body["reason"]) == (
        202,
        "RECEIVED",
        old,
        None,
    )
    assert header(answer, "Location") == f"/api/v1/orders/{new}"
    assert (show(system, old)["replaced_by"], show(system, old)["cancel_requested"]) == (new, False)
    system.run_until(lambda: system.status(new) == "ROUTING")
    shown, gone = show(system, new), show(system, old)
    assert (shown["quantity"], shown["price"], shown["replaces"], shown["client_order_id"]) == (
        40,
        "201.00",
        old,
        "r-1",
    )
    assert (gone["current_status"], gone["reason"]) == (
        "CANCELED",
        {"code": "CANCELED", "message": "replaced"},
    )
    account = system.books.account("alice")
    order = system.books.order(new)
    assert order
    assert (account.held, account.open_order_ids) == (order.hold.cash, (new,))
    system.run_until(lambda: system.workflow_status(old) != "RUNNING")
    assert system.workflow_status(new) == "RUNNING"
    assert system.findings() == []
    assert delete(system, old)[1]["details"] == {"status": "CANCELED", "replaced_by": new}


def test_a_repeated_request_gets_the_first_answer_and_another_is_refused(
    system: System,
) -> None:
    old = resting(system)
    first = patch(system, old, {"quantity": 40})
    system.run_until(lambda: system.status(first[1]["order_id"]) == "ROUTING")
    again = patch(system, old, {"quantity": 40})
    assert again[:2] == first[:2]
    assert header(again[2], "Idempotency-Replayed") == "true"
    for refused in (
        patch(system, old, {"quantity": 41}),
        patch(system, old, {"quantity": 41}, key="key-1"),
    ):
        assert (refused[0], refused[1]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "VALIDATION_FAILED", "body"),
        ({"quantity": None}, "VALIDATION_FAILED", "body"),
        ({"side": "sell"}, "VALIDATION_FAILED", "side"),
        ({"quantity": 0}, "VALIDATION_FAILED", "quantity"),
        ({"quantity": 1.5}, "VALIDATION_FAILED", "quantity"),
        ({"price": "-1.00"}, "VALIDATION_FAILED", "price"),
        ({"quantity": 100, "price": "200.00"}, "NOTHING_TO_CHANGE", None),
        ({"price": "200.001"}, "TICK_SIZE", None),
        ({"quantity": 10_000_000}, "MAX_ORDER_QUANTITY", None),
        ({"price": "2.00"}, "PRICE_OUTSIDE_COLLAR", None),
    ],
)
def test_an_impossible_replacement_is_refused_and_the_order_stands(
    system: System, body: dict[str, Any], code: str, field: str | None
) -> None:
    old = resting(system)
    status, problem, _ = patch(system, old, body)
    assert (status, problem["code"]) == (422, code)
    assert [error["field"] for error in problem.get("errors", [])] == ([field] if field else [])
    assert (system.status(old), show(system, old)["replaced_by"]) == ("ROUTING", None)


def test_a_conflict_names_its_cause(system: System) -> None:
    over, old = place(system, "over")["order_id"], resting(system, "old")
    system.run_until(lambda: system.status(over) == "CLEARED")
    new = patch(system, old, {"quantity": 40})[1]["order_id"]
    for order_id, code in ((over, "ORDER_CLOSED"), (old, "ORDER_ENDING"), (new, "ORDER_PENDING")):
        status, problem, _ = patch(system, order_id, {"quantity": 41}, key=f"r-{code}")
        assert (status, problem["code"]) == (409, code)


def test_another_clients_order_is_not_found(system: System) -> None:
    old = resting(system)
    for answer in (
        patch(system, old, {"quantity": 40}, "bob"),
        patch(system, "ord_unknown", {"quantity": 40}),
    ):
        assert (answer[0], answer[1]["code"]) == (404, "NOT_FOUND")
    assert show(system, old)["replaced_by"] is None


def test_a_replacement_needs_permission_and_idempotency_key(system: System) -> None:
    old = resting(system)
    assert patch(system, old, {"quantity": 40}, permissions="orders:read")[0] == 403
    assert patch(system, old, {"quantity": 40}, key="")[1]["code"] == "IDEMPOTENCY_KEY_REQUIRED"


def test_operators_see_a_pending_replacement_as_open(system: System) -> None:
    new = patch(system, resting(system), {"quantity": 40})[1]["order_id"]
    status, body, _ = ask(system, "execution", new)
    assert (status, body["status"]) == (202, "RECEIVED")


def test_a_pending_replacement_can_be_canceled(system: System) -> None:
    old = resting(system)
    new = patch(system, old, {"quantity": 40})[1]["order_id"]
    status, body = delete(system, new)
    assert (status, body["current_status"], body["cancel_requested"]) == (200, "CANCELED", False)
    system.run_until(lambda: system.status(old) == "CANCELED")
    assert system.status(new) == "CANCELED"
    assert system.books.account("alice").held == 0
    assert delete(system, new)[0] == 200
