"""What POST /api/v1/orders refuses before anything is written. All tests share one system, because
nothing may change in it.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.api_events import principal, request
from tests.integration.system import System, running_system
from tests.integration.trading.books import NAMES, items
from tests.integration.trading.orders import ORDER, new_order


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system() as system:
        yield system


def refused(system: System, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Answers status and problem, and checks that nothing was written."""
    status, body, answer = system.call("orders", event)
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    assert list(items(system.dynamodb, NAMES.orders)) == []
    return status, body


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": None}, "price"),
        ({"order_type": "market"}, "price"),
        ({"order_type": "stop", "stop_price": "240.00"}, "price"),
        ({"order_type": "stop", "price": None}, "stop_price"),
        ({"order_type": "stop_limit", "price": None, "stop_price": "240.00"}, "price"),
        ({"order_type": "stop_limit"}, "stop_price"),
        ({"stop_price": "240.00"}, "stop_price"),
        ({"order_type": "market", "price": None, "stop_price": "240.00"}, "stop_price"),
        ({"order_type": "stop", "price": None, "stop_price": "0"}, "stop_price"),
        (
            {"order_type": "stop", "price": None, "stop_price": "240.00", "time_in_force": "IOC"},
            "time_in_force",
        ),
        (
            {"order_type": "stop_limit", "stop_price": "240.00", "time_in_force": "FOK"},
            "time_in_force",
        ),
        ({"price": "0"}, "price"),
        ({"price": "-1.00"}, "price"),
        ({"price": "1.00001"}, "price"),
        ({"price": "10000000.01"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"price": "1e2"}, "price"),
        ({"price": True}, "price"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": 1_000_000_001}, "quantity"),
        ({"quantity": 10**30}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"quantity": "100"}, "quantity"),
        ({"stock_symbol": "aapl"}, "stock_symbol"),
        ({"stock_symbol": "A" * 13}, "stock_symbol"),
        ({"stock_symbol": "INSTRUMENT#AAPL"}, "stock_symbol"),
        ({"side": "hold"}, "side"),
        ({"time_in_force": "GTD"}, "time_in_force"),
        ({"order_type": "trailing_stop"}, "order_type"),
        ({"status": "FILLED"}, "status"),
        ({"side": None}, "side"),
    ],
)
def test_a_malformed_order_is_refused_with_its_field(
    system: System, changes: dict[str, Any], field: str
) -> None:
    status, body = refused(system, new_order(**changes))
    assert (status, body["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in body["errors"]] == [field]


def test_a_client_can_place_orders_only_for_itself(system: System) -> None:
    status, body = refused(system, new_order(caller="bob"))
    assert (status, body["code"]) == (403, "CLIENT_MISMATCH")


@pytest.mark.parametrize(
    ("method", "permissions"),
    [("POST", "orders:read"), ("GET", "orders:write"), ("POST", ""), ("GET", "admin")],
)
def test_each_route_needs_its_permission(system: System, method: str, permissions: str) -> None:
    path, body = ("/api/v1/orders", ORDER) if method == "POST" else ("/api/v1/orders/ord_1", None)
    status, problem = refused(
        system, request(method, path, body, authorizer=principal("alice", permissions))
    )
    assert (status, problem["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize("authorizer", [None, {"principalId": "alice"}])
def test_a_request_without_the_authorizers_verdict_is_refused(
    system: System, authorizer: dict[str, str] | None
) -> None:
    status, body = refused(system, request("POST", "/api/v1/orders", ORDER, authorizer=authorizer))
    assert (status, body["code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("key", "code"), [("", "IDEMPOTENCY_KEY_REQUIRED"), ("a b", "IDEMPOTENCY_KEY_INVALID")]
)
def test_an_order_needs_an_idempotency_key(system: System, key: str, code: str) -> None:
    status, body = refused(system, new_order(key=key))
    assert (status, body["code"]) == (400, code)


def test_a_token_of_a_deleted_client_is_refused(system: System) -> None:
    status, body = refused(system, new_order(client_id="nobody"))
    assert (status, body["code"]) == (403, "CLIENT_UNKNOWN")


def test_the_length_of_an_order_id_in_the_path_is_bounded(system: System) -> None:
    event = request("GET", f"/api/v1/orders/{'o' * 129}", authorizer=principal())
    status, body = refused(system, event)
    assert (status, body["errors"][0]["field"]) == (422, "order_id")
