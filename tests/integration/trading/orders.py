"""Orders through the API, as a client sends them."""

from datetime import datetime, timedelta
from typing import Any

from tests.fakes.api_events import principal, request
from tests.integration.system import System
from trading.domain.reference.calendars import NEW_YORK

ORDER: dict[str, Any] = {
    "client_id": "alice",
    "stock_symbol": "AAPL",
    "quantity": 100,
    "order_type": "limit",
    "side": "buy",
    "time_in_force": "DAY",
    "price": "240.00",
}
MARKET: dict[str, Any] = {"order_type": "market", "price": None, "time_in_force": "IOC"}


def new_order(
    key: str = "key-1", caller: str | None = None, permissions: str = "orders:write", **changes: Any
) -> Any:
    """The event of POST /orders: a marketable limit order of alice, with the changes."""
    body = {name: value for name, value in {**ORDER, **changes}.items() if value is not None}
    authorizer = principal(caller or body["client_id"], permissions)
    return request(
        "POST", "/api/v1/orders", body, headers={"Idempotency-Key": key}, authorizer=authorizer
    )


def place(system: System, key: str = "key-1", **changes: Any) -> dict[str, Any]:
    """Place an order that is accepted. Answers the response."""
    status, body, _ = system.call("orders", new_order(key, **changes))
    assert status == 201, body
    return body


def show(system: System, order_id: str, client_id: str = "alice") -> dict[str, Any]:
    """An order as its client sees it."""
    event = request("GET", f"/api/v1/orders/{order_id}", authorizer=principal(client_id))
    status, body, _ = system.call("orders", event)
    assert status == 200, body
    return body


def cleared_order(system: System, key: str = "key-1", **changes: Any) -> str:
    """Place an order and let everything happen until its workflow has succeeded: the order is
    cleared.
    """
    order_id: str = place(system, key, **changes)["order_id"]
    system.run_until(lambda: system.workflow_status(order_id) != "RUNNING")
    assert system.workflow_status(order_id) == "SUCCEEDED"
    return order_id


def next_night(now: datetime) -> int:
    """Seconds until three in the morning in New York."""
    there = now.astimezone(NEW_YORK)
    night = there.replace(hour=3, minute=0, second=0, microsecond=0)
    return int(((night if night > there else night + timedelta(days=1)) - there).total_seconds())
