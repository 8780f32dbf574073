"""GET /admin/orders/{id}, /admin/clients/{id}/orders and /portfolio: what an operator sees of an
order and its client.
"""

from typing import Any

import pytest

from tests.fakes.api_events import principal
from tests.integration.system import System
from tests.integration.trading.admin import admin_event, ask
from tests.integration.trading.orders import cleared_order, next_night, place, show

RESTING = {"price": "200.00"}


def look_up(system: System, order_id: str) -> dict[str, Any]:
    status, found, _ = ask(system, "GET", f"orders/{order_id}")
    assert status == 200, found
    return found


def listed(system: System, client_id: str, **query: str) -> tuple[int, dict[str, Any]]:
    event = admin_event("GET", f"clients/{client_id}/orders")
    event["queryStringParameters"] = query or None
    event["multiValueQueryStringParameters"] = {
        name: [value] for name, value in query.items()
    } or None
    status, body, _ = system.call("admin", event)
    return status, body


def test_an_operator_sees_a_cleared_order_with_its_trades(system: System) -> None:
    order_id = cleared_order(system)
    found = look_up(system, order_id)
    assert found["order"] == show(system, order_id)
    assert found["workflow"]["failures"] == []
    assert found["workflow"]["looks_until"] > found["order"]["accepted_at"]
    assert (found["awaits"], found["pushed_again_at"], found["review_reason"]) == (
        "settlement",
        None,
        None,
    )
    kinds = [entry["kind"] for entry in found["ledger_entries"]]
    assert kinds == ["FILL", "NOVATION"] * len(found["order"]["execution_details"])
    for entry in found["ledger_entries"]:
        cash = [posting for posting in entry["postings"] if posting["asset"] == "USD"]
        assert sum(float(posting["amount"]) for posting in cash) == pytest.approx(0)
    children = sum(child["filled"] for child in found["children"])
    assert children == found["order"]["filled_quantity"] == 100


def test_an_operator_sees_an_order_at_the_exchanges(system: System) -> None:
    order_id = place(system, **RESTING)["order_id"]
    found = look_up(system, order_id)
    assert (found["awaits"], found["children"], found["ledger_entries"]) == (
        "the message to execute it",
        [],
        [],
    )
    assert found["pushed_again_at"] > found["order"]["accepted_at"]
    system.run_until(lambda: system.status(order_id) == "ROUTING")
    found = look_up(system, order_id)
    assert found["awaits"] == "reports of exchanges"
    assert found["workflow"]["failures"] == []
    assert found["children"][0]["leaves"] > 0


def test_an_operator_sees_why_an_order_waits_for_its_market(system: System) -> None:
    system.venues.pass_time(next_night(system.venues.now))
    order_id = place(system, stock_symbol="F", price="11.20")["order_id"]
    assert look_up(system, order_id)["awaits"] == "the open of its market"
    order = system.books.order(order_id)
    assert order
    assert order.release_at
    system.venues.pass_time(int((order.release_at - system.venues.now).total_seconds()) + 1)
    assert look_up(system, order_id)["awaits"] == "the message to execute it"
    system.books.commit(order.model_copy(update={"put_off": True}))
    assert look_up(system, order_id)["awaits"] == "its instrument to be traded again"


def test_an_operator_sees_that_an_order_has_no_workflow(system: System) -> None:
    rejected = place(system, quantity=100_000)["order_id"]
    found = look_up(system, rejected)
    assert (found["workflow"], found["awaits"]) == (None, "nothing")
    assert found["order"]["reason"]["code"] == "MAX_ORDER_NOTIONAL"


def test_a_clients_orders_are_listed_by_pages(system: System) -> None:
    for key, changes in (("first", RESTING), ("second", {"quantity": 100_000}), ("third", RESTING)):
        place(system, key, **changes)
        system.venues.pass_time(1)
    place(system, "bobs", client_id="bob", **RESTING)
    status, everything = listed(system, "alice")
    assert (status, [order["client_order_id"] for order in everything["items"]]) == (
        200,
        ["third", "second", "first"],
    )
    _, first = listed(system, "alice", limit="2")
    _, rest = listed(system, "alice", limit="2", cursor=first["next_cursor"])
    assert first["items"] + rest["items"] == everything["items"]
    _, still_open = listed(system, "alice", state="open")
    assert [order["client_order_id"] for order in still_open["items"]] == ["third", "first"]
    assert listed(system, "bob", cursor=first["next_cursor"])[0] == 400


def test_an_operator_sees_the_portfolio_that_the_client_sees(system: System) -> None:
    place(system, **RESTING)
    status, shown, _ = ask(system, "GET", "clients/alice/portfolio")
    assert status == 200
    event = admin_event("GET", "") | {"path": "/api/v1/portfolio"}
    event["requestContext"]["authorizer"] = principal("alice", "accounts:read")
    assert shown == system.call("accounts", event)[1]
    assert shown["cash"]["held_for_orders"] == "20000.30"


@pytest.mark.parametrize(
    "path", ["orders/ord_0", "clients/nobody/orders", "clients/nobody/portfolio"]
)
def test_unknown_subjects_and_missing_permissions_are_refused(system: System, path: str) -> None:
    status, problem, _ = ask(system, "GET", path)
    assert (status, problem["code"]) == (404, "NOT_FOUND")
    named = "order_id" if path.startswith("orders") else "client_id"
    assert problem["errors"][0]["field"] == named
    writer = principal("operations", "clients:write")
    assert ask(system, "GET", path, authorizer=writer)[0] == 403
