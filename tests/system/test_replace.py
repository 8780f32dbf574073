"""A client replaces an order and cancels the replacement, over HTTP on the deployed system."""

from typing import Any
from uuid import uuid4

import pytest

from local.api import TradingClient
from tests.system.waiting import wait_for

pytestmark = pytest.mark.timeout(600)

RESTING = {
    "client_id": "alice",
    "stock_symbol": "KO",
    "quantity": 10,
    "order_type": "limit",
    "price": "56.00",
    "side": "buy",
    "time_in_force": "GTC",
}


def until(alice: TradingClient, order_id: str, status: str) -> dict[str, Any]:
    """Waits until the order has that status, and returns it."""

    def look() -> dict[str, Any] | None:
        order: dict[str, Any] = alice.order(order_id).raise_for_status().json()
        return order if order["current_status"] == status else None

    return wait_for(look, f"{order_id} to be {status}")


def test_an_order_is_replaced_and_its_replacement_taken_back(
    alice: TradingClient, key: str
) -> None:
    before = alice.balance().raise_for_status().json()
    old = alice.place(RESTING, str(uuid4())).raise_for_status().json()["order_id"]
    until(alice, old, "ROUTING")
    asked = alice.replace(old, {"quantity": 20, "price": "57.00"}, key)
    assert asked.status_code == 202, asked.text
    new = asked.json()["order_id"]
    assert (asked.json()["status"], asked.json()["replaces"]) == ("RECEIVED", old)
    shown, gone = until(alice, new, "ROUTING"), until(alice, old, "CANCELED")
    assert (shown["quantity"], shown["price"], shown["replaces"], gone["replaced_by"]) == (
        20,
        "57.00",
        old,
        new,
    )
    again = alice.replace(old, {"quantity": 20, "price": "57.00"}, key)
    assert (again.status_code, again.json()) == (202, asked.json())
    late = alice.replace(old, {"quantity": 30}, str(uuid4()))
    assert (late.status_code, late.json()["details"]) == (
        409,
        {"status": "CANCELED", "replaced_by": new},
    )
    assert alice.cancel(new, str(uuid4())).status_code == 202
    assert until(alice, new, "CANCELED")["reason"]["message"] == "canceled by the client"
    after = alice.balance().raise_for_status().json()
    assert {name: after[name] for name in ("available", "held_for_orders")} == {
        name: before[name] for name in ("available", "held_for_orders")
    }
