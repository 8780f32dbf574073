"""GET /api/v1/orders: the list over the tables, its filters and its cursor, and an order by the
client's own id.
"""

from typing import Any

import pytest

from tests.fakes.api_events import principal, request
from tests.integration.system import System
from tests.integration.trading.orders import MARKET, place
from trading.adapters.http import cursors
from trading.domain.values import iso

RESTING = {"price": "200.00"}
SALE = {"side": "sell", "price": "270.00"}


def listed(system: System, client_id: str = "alice", **query: str) -> tuple[int, dict[str, Any]]:
    """Answers the response to a list with these parameters."""
    event = request("GET", "/api/v1/orders", authorizer=principal(client_id, "orders:read"))
    event["multiValueQueryStringParameters"] = {
        name: [value] for name, value in query.items()
    } or None
    event["queryStringParameters"] = query or None
    status, body, _ = system.call("orders", event)
    return status, body


def keys(system: System, client_id: str = "alice", **query: str) -> list[str]:
    """The client's own ids of one page."""
    status, body = listed(system, client_id, **query)
    assert status == 200, body
    return [item["client_order_id"] for item in body["items"]]


@pytest.fixture
def placed(system: System) -> System:
    """Orders of alice, a minute apart: filled, resting, rejected, and a sale. Bob has one order."""
    filled = place(system, "filled", **MARKET)["order_id"]
    system.run_until(lambda: system.status(filled) == "CLEARED")
    place(system, "bobs", client_id="bob", **RESTING)
    for key, changes in (("resting", RESTING), ("rejected", {"quantity": 100_000}), ("sale", SALE)):
        system.venues.pass_time(60)
        place(system, key, **changes)
    return system


def test_a_client_sees_only_its_own_orders_newest_first(placed: System) -> None:
    status, body = listed(placed)
    assert status == 200
    assert body["next_cursor"] is None
    sale, rejected, resting, filled = body["items"]
    assert [item["client_order_id"] for item in (sale, rejected, resting, filled)] == keys(placed)
    assert (sale["side"], sale["price"], sale["current_status"]) == ("sell", "270.00", "VALIDATED")
    assert rejected["reason"]["code"] == "MAX_ORDER_NOTIONAL"
    assert (filled["current_status"], filled["filled_quantity"], filled["cancel_requested"]) == (
        "CLEARED",
        100,
        False,
    )
    assert (
        filled["accepted_at"]
        <= filled["updated_at"]
        < resting["accepted_at"]
        == resting["updated_at"]
    )
    assert keys(placed, "bob") == ["bobs"]


FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({"state": "open"}, ["sale", "resting"]),
    ({"state": "closed"}, ["rejected", "filled"]),
    ({"status": "REJECTED"}, ["rejected"]),
    ({"status": "VALIDATED"}, ["sale", "resting"]),
    ({"side": "sell"}, ["sale"]),
    ({"symbol": "AAPL", "state": "open", "side": "buy"}, ["resting"]),
    ({"symbol": "MSFT"}, []),
]


def test_each_filter_selects_its_orders(placed: System) -> None:
    for query, expected in FILTERS:
        assert keys(placed, **query) == expected, query


def test_the_time_filter_includes_from_and_excludes_to(placed: System) -> None:
    accepted = {item["client_order_id"]: item["accepted_at"] for item in listed(placed)[1]["items"]}
    assert keys(placed, **{"from": accepted["resting"], "to": accepted["sale"]}) == [
        "rejected",
        "resting",
    ]
    assert keys(placed, **{"from": accepted["sale"].replace("Z", "+00:00")}) == ["sale"]


def test_the_cursor_continues_where_the_page_ended(placed: System) -> None:
    queries: list[dict[str, str]] = [
        {},
        {"state": "open"},
        {"side": "buy"},
        {"from": "2020-01-01T00:00:00Z"},
    ]
    for query in queries:
        whole, found = keys(placed, **query), []
        more: dict[str, str] = {}
        while True:
            _, body = listed(placed, limit="1", **query, **more)
            found += [item["client_order_id"] for item in body["items"]]
            if body["next_cursor"] is None:
                break
            more = {"cursor": body["next_cursor"]}
        assert found == whole
        assert len(whole) > 1


def test_a_cursor_is_bound_to_its_client_and_filters(placed: System) -> None:
    cursor = listed(placed, limit="1")[1]["next_cursor"]
    binding, accepted_at, order_id = cursors.decode(cursor, 3)
    bobs = listed(placed, "bob", cursor=cursor)
    others = [
        listed(placed, cursor=cursor, side="buy"),
        listed(placed, cursor="no cursor of ours"),
        listed(placed, cursor=cursors.encode(binding, accepted_at)),
        listed(placed, cursor=cursors.encode(binding, "2026-13-01T00:00:00Z", order_id)),
        listed(placed, cursor=cursors.encode(binding, "yesterday", order_id)),
        listed(placed, cursor=cursors.encode(binding, accepted_at, "ord_1")),
    ]
    for status, body in (bobs, *others):
        assert (status, body["code"]) == (400, "INVALID_CURSOR")


def test_a_cursor_outside_of_the_time_filter_is_refused(placed: System) -> None:
    query = {"from": "2026-01-01T00:00:00Z", "side": "buy"}
    binding, _, order_id = cursors.decode(listed(placed, limit="1", **query)[1]["next_cursor"], 3)
    status, body = listed(
        placed, **query, cursor=cursors.encode(binding, "2025-12-31T00:00:00Z", order_id)
    )
    assert (status, body["code"]) == (400, "INVALID_CURSOR")


BAD: list[tuple[dict[str, str], str]] = [
    ({"status": "open"}, "status"),
    ({"state": "OPEN"}, "state"),
    ({"side": "short"}, "side"),
    ({"symbol": "aapl"}, "symbol"),
    ({"limit": "0"}, "limit"),
    ({"limit": "201"}, "limit"),
    ({"limit": "many"}, "limit"),
    ({"limit": "5 "}, "limit"),
    ({"limit": "+5"}, "limit"),
    ({"from": "yesterday"}, "from"),
    ({"from": "1700000000"}, "from"),
    ({"from": "2026-02-30T00:00:00Z"}, "from"),
    ({"to": "2026-01-05T00:00:00"}, "to"),
    ({"to": "0001-01-01T00:00:00+14:00"}, "to"),
    ({"from": "2026-01-05T00:00:00Z", "to": "2026-01-05T00:00:00Z"}, "to"),
]


def test_an_invalid_parameter_is_named(system: System) -> None:
    for query, field in BAD:
        status, body = listed(system, **query)
        assert (status, body["code"]) == (422, "VALIDATION_FAILED"), query
        assert {error["field"].split(".")[0] for error in body["errors"]} == {field}


def test_the_list_needs_its_permission(system: System) -> None:
    event = request("GET", "/api/v1/orders", authorizer=principal(permissions="orders:write"))
    assert system.call("orders", event)[0] == 403


def by_client_order_id(
    system: System, key: str | None, client_id: str = "alice"
) -> tuple[int, dict[str, Any]]:
    event = request(
        "GET", "/api/v1/orders:by_client_order_id", authorizer=principal(client_id, "orders:read")
    )
    event["queryStringParameters"] = {"client_order_id": key} if key else None
    status, body, _ = system.call("orders", event)
    return status, body


def test_an_order_is_found_by_the_clients_own_id(placed: System) -> None:
    status, body = by_client_order_id(placed, "filled")
    assert (status, body["client_order_id"], body["current_status"]) == (200, "filled", "CLEARED")
    assert len(body["execution_details"]) >= 1
    assert by_client_order_id(placed, "filled", "bob")[0] == 404
    assert by_client_order_id(placed, "unknown")[0] == 404
    for malformed in (None, "with space", "x" * 129):
        assert by_client_order_id(placed, malformed)[0] == 422


def test_the_cursor_has_the_times_of_the_items(placed: System) -> None:
    _, body = listed(placed, limit="2")
    _, accepted_at, order_id = cursors.decode(body["next_cursor"], 3)
    last = placed.books.order(order_id)
    assert last is not None
    assert accepted_at == iso(last.accepted_at) == body["items"][-1]["accepted_at"]
