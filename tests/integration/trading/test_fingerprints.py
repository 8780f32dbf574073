"""Each field of a request counts when its Idempotency-Key comes again: a request with another value
of any field is refused. The table is complete over the routes that take a key.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from infra.catalog.routes import CALLBACK_ROUTES, INTERNAL_ROUTES, PUBLIC_ROUTES
from tests.fakes.api_events import header, principal, request
from tests.fakes.api_gateway import query_parameters
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import DAVE, LIMITS, OPERATOR
from tests.integration.trading.books import items
from tests.integration.trading.orders import ORDER, cleared_order, place
from trading.domain import identifiers

DOCUMENTS = Path(__file__).resolve().parents[3] / "docs/reference"
REUSED = (422, "IDEMPOTENCY_KEY_REUSED")
STEPS = principal("internal-service", "execution:write clearing:write settlement:write")
STOP_LIMIT = {"order_type": "stop_limit", "price": "245.00", "stop_price": "244.00", "quantity": 5}
OTHER_REASON = {"reason": {"reason": "another ticket"}}
Values = dict[str, Any]


def _stop_limit(system: System) -> str:
    order_id: str = place(system, "old", **STOP_LIMIT)["order_id"]
    return order_id


def _trade(system: System) -> str:
    order = system.books.order(cleared_order(system, "old"))
    assert order
    return order.trades[0]


def _nothing(_: System) -> str:
    return ""


@dataclass(frozen=True)
class Case:
    """A request to a route, and for each of its fields changes that give it another value. None
    leaves a field out. `prepare` returns what the path names.
    """

    first: Values = field(default_factory=dict)
    others: dict[str, Values] = field(default_factory=dict)
    prepare: Callable[[System], str] = _nothing


PUBLIC_KEYS = [
    f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n"
    for key in (
        "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=",
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    )
]
"""Those of RFC 9421, B.1.4, and of RFC 8032, 7.1."""
OWNER = {"client_id", "userId", "customerId"}
"""The client that an order is for. Another one than the caller's is refused whatever the key."""
CODE = "POST /api/v1/admin/clients/{client_id}/withdrawals", "code"
"""It does not count: a repetition needs no code."""
NEW_CLIENT = {"reason": "ticket", **DAVE}
TRANSFER = {"reason": "ticket", "reference": "ref-1", "symbol": "AAPL", "quantity": 2}
OTHER_TRANSFERS: dict[str, Values] = OTHER_REASON | {
    "reference": {"reference": "ref-2"},
    "amount": {"amount": "1.00", "symbol": None, "quantity": None, "cost": None},
    "symbol": {"symbol": "MSFT"},
    "quantity": {"quantity": 1},
}
CASES = {
    "POST /api/v1/orders": Case(
        ORDER | STOP_LIMIT,
        {
            "client_id": {"client_id": "bob"},
            "stock_symbol": {"stock_symbol": "MSFT"},
            "quantity": {"quantity": 6},
            "order_type": {"order_type": "limit", "stop_price": None},
            "side": {"side": "sell"},
            "time_in_force": {"time_in_force": "GTC"},
            "price": {"price": "245.01"},
            "stop_price": {"stop_price": "244.01"},
        },
    ),
    "POST /api/v1/trade/place": Case(
        {"stockSymbol": "AAPL", "quantity": 5, "pricePerShare": 200.5, "tradeType": "buy"},
        {
            "userId": {"userId": "bob"},
            "stockSymbol": {"stockSymbol": "MSFT"},
            "quantity": {"quantity": 6},
            "pricePerShare": {"pricePerShare": 200.51},
            "tradeType": {"tradeType": "sell"},
        },
    ),
    "POST /api/v1/place-trade": Case(
        {"stockTicker": "AAPL", "quantity": 5, "type": "buy"},
        {
            "customerId": {"customerId": "bob"},
            "stockTicker": {"stockTicker": "MSFT"},
            "quantity": {"quantity": 6},
            "type": {"type": "sell"},
        },
    ),
    "PATCH /api/v1/orders/{order_id}": Case(
        {"quantity": 3, "price": "245.10", "stop_price": "244.10"},
        {
            "quantity": {"quantity": 4},
            "price": {"price": "245.50"},
            "stop_price": {"stop_price": "243.00"},
        },
        _stop_limit,
    ),
    "DELETE /api/v1/orders": Case(
        {"symbol": "AAPL", "side": "buy"},
        {"symbol": {"symbol": "MSFT"}, "side": {"side": "sell"}},
        _stop_limit,
    ),
    "DELETE /api/v1/orders:by_client_order_id": Case(
        {"client_order_id": "old"}, {"client_order_id": {"client_order_id": "other"}}, _stop_limit
    ),
    "DELETE /api/v1/orders/{order_id}": Case(prepare=_stop_limit),
    "POST /api/v1/trade/{trade_id}/cancel": Case(prepare=_stop_limit),
    "POST /api/v1/execution/{order_id}": Case(prepare=_stop_limit),
    "POST /api/v1/clearing/{trade_id}": Case(prepare=_trade),
    "POST /api/v1/settlement/{trade_id}": Case(prepare=_trade),
    "POST /api/v1/admin/clients": Case(
        NEW_CLIENT,
        OTHER_REASON
        | {
            "client_id": {"client_id": "dora"},
            "name": {"name": "Dora"},
            "margin_percent": {"margin_percent": "50.01"},
            "credit_limit": {"credit_limit": None},
            "daily_trading_limit": {"daily_trading_limit": "50000.01"},
            "settlement_account": {"settlement_account": "csd-dora"},
        },
    ),
    "POST /api/v1/admin/clients/{client_id}/suspension": Case({"reason": "ticket"}, OTHER_REASON),
    "POST /api/v1/admin/clients/{client_id}/activation": Case({"reason": "ticket"}, OTHER_REASON),
    "PUT /api/v1/admin/clients/{client_id}/limits": Case(
        {"reason": "ticket", "version": 1, **LIMITS},
        OTHER_REASON
        | {
            "version": {"version": 2},
            "margin_percent": {"margin_percent": "40.01"},
            "credit_limit": {"credit_limit": "0"},
            "daily_trading_limit": {"daily_trading_limit": "60000.01"},
        },
    ),
    "PUT /api/v1/admin/clients/{client_id}/signing": Case(
        {"reason": "ticket", "required": True}, OTHER_REASON | {"required": {"required": False}}
    ),
    "POST /api/v1/admin/clients/{client_id}/second-factor-reset": Case(
        {"reason": "ticket"}, OTHER_REASON
    ),
    "POST /api/v1/admin/clients/{client_id}/secret-rotation": Case(
        {"reason": "ticket", "api_key": "key-dave", "grace_hours": 24},
        OTHER_REASON
        | {
            "api_key": {"api_key": "key-dora"},
            "grace_hours": {"grace_hours": 0},
            "newest_was_lost": {"newest_was_lost": True, "grace_hours": None},
        },
    ),
    "POST /api/v1/admin/clients/{client_id}/deposits": Case(
        TRANSFER | {"cost": "500.00"}, OTHER_TRANSFERS | {"cost": {"cost": "500.01"}}
    ),
    "POST /api/v1/admin/clients/{client_id}/withdrawals": Case(
        TRANSFER, OTHER_TRANSFERS | {"code": {"code": "123456"}}
    ),
    "POST /api/v1/admin/advances/{trade_id}/closure": Case(
        {"reason": "ticket", "repaid_cash": "1.50", "repaid_shares": 2, "reference": "case-1"},
        OTHER_REASON
        | {
            "repaid_cash": {"repaid_cash": "1.51"},
            "repaid_shares": {"repaid_shares": 3},
            "reference": {"reference": "case-2"},
        },
        lambda _: "trd_1r",
    ),
    "PUT /api/v1/admin/instruments/{symbol}/halt": Case({"reason": "ticket"}, OTHER_REASON),
    "PUT /api/v1/admin/instruments/{symbol}/resume": Case({"reason": "ticket"}, OTHER_REASON),
    **{
        f"POST /api/v1/admin/proposals/{{proposal_id}}/{decision}": Case(
            {"reason": "ticket"}, OTHER_REASON, lambda _: "prp_1"
        )
        for decision in ("approval", "rejection")
    },
    **{
        f"PUT /api/v1/admin/{of}/{change}": Case({"reason": "ticket"}, OTHER_REASON)
        for of in (
            "clients/{client_id}/keys/{api_key}",
            "operators/{operator}",
            "venues/{venue}/key",
        )
        for change in ("disable", "enable")
    },
    "PUT /api/v1/admin/clients/{client_id}/keys/{api_key}/public-key": Case(
        {"reason": "ticket", "public_key": PUBLIC_KEYS[0]},
        OTHER_REASON | {"public_key": {"public_key": PUBLIC_KEYS[1]}},
    ),
}
ELSEWHERE = {
    "POST /api/v1/auth/token": "a key belongs to an API key, and another secret is refused as such",
    **dict.fromkeys(
        (
            "POST /api/v1/auth/step-up",
            "POST /api/v1/auth/second-factor",
            "POST /api/v1/auth/second-factor/confirmation",
            "PUT /api/v1/auth/second-factor/policy",
        ),
        "a code is good once: see api/test_second_factor.py",
    ),
    "POST /api/v1/exchange/callbacks": "a report is signed: see api/test_callbacks.py",
}
ROUTES = {
    f"{route.method} {route.path}": route.function
    for route in (*PUBLIC_ROUTES, *INTERNAL_ROUTES, *CALLBACK_ROUTES)
    if route.method != "GET"
}


def _documented() -> dict[str, set[str]]:
    """The fields of body and query of each route, as the API documents have them."""
    fields: dict[str, set[str]] = {}
    for name in ("openapi", "openapi-internal", "openapi-callbacks"):
        document = json.loads((DOCUMENTS / f"{name}.json").read_text())
        for path, methods in document["paths"].items():
            for method, route in methods.items():
                if method not in ("post", "put", "patch", "delete"):
                    continue
                query = {p["name"] for p in route["parameters"] if p.get("in") == "query"}
                content = route.get("requestBody", {}).get("content", {})
                named = content.get("application/json", {}).get("schema", {}).get("$ref", "")
                schema = document["components"]["schemas"].get(named.rpartition("/")[2], {})
                fields[f"{method.upper()} {path}"] = query | {*schema.get("properties", ())}
    return fields


def test_the_table_has_every_field_of_every_route() -> None:
    fields = _documented()
    assert {*CASES, *ELSEWHERE} == {*ROUTES} == {*fields}
    for route, case in CASES.items():
        assert {*case.others} == fields[route], route


@pytest.mark.parametrize("route", CASES)
def test_each_field_counts(system: System, route: str) -> None:
    """The first request may be refused: a refusal under a key is an answer too."""
    case = CASES[route]
    named = case.prepare(system) or ("KO" if "{symbol}" in route else "alice")

    def answer(values: Values) -> tuple[int, Values]:
        status, body, _ = system.call(ROUTES[route], _event(route, values, named))
        return status, body | {"request_id": ""}

    is_order = ROUTES[route] == "orders"
    status, first = answer(case.first)
    assert status in (200, 201, 202, 404, 409, 422), first
    assert first.get("code") not in ("VALIDATION_FAILED", "IDEMPOTENCY_KEY_REUSED"), first
    for name, changes in case.others.items():
        expected = (403, "CLIENT_MISMATCH") if is_order and name in OWNER else REUSED
        other, problem = answer(case.first | changes)
        if (route, name) == CODE:
            assert (other, problem) == (status, first)
            continue
        assert (other, problem["code"]) == expected, name
        left_out, problem = answer(case.first | {name: None})
        assert left_out >= 400 or name not in case.first, name
    assert answer(case.first)[0] == status


def _event(route: str, values: Values, named: str) -> dict[str, Any]:
    method, path = route.split()
    before, brace, after = path.partition("{")
    path = before + named + after.partition("}")[2] if brace else path
    path = re.sub(r"{\w+}", "NONE", path)
    sent = {name: value for name, value in values.items() if value is not None}
    takes_query = route.startswith("DELETE")
    who = {"admin": OPERATOR, "internal": STEPS}.get(ROUTES[route]) or principal()
    event = request(
        method,
        path,
        sent if sent and not takes_query else None,
        headers={"Idempotency-Key": "key-1"},
        authorizer=who,
    )
    return event | query_parameters(urlencode(sent) if takes_query else "")


def test_a_replacement_is_of_one_order(system: System) -> None:
    old, other = (place(system, key, **STOP_LIMIT)["order_id"] for key in ("old", "other"))
    route, wanted = "PATCH /api/v1/orders/{order_id}", {"quantity": 3}
    status, new, _ = system.call("orders", _event(route, wanted, old))
    assert status == 202, new
    status, answer, _ = system.call("orders", _event(route, wanted, other))
    assert (status, answer["code"]) == REUSED
    assert new["order_id"] == identifiers.order_id("alice", "key-1")


def test_an_order_has_one_key_whatever_its_vocabulary(system: System) -> None:
    """The same terms are the same order. Other terms are another one, on whichever route."""
    route, other = "POST /api/v1/trade/place", "POST /api/v1/place-trade"
    market = {"stockSymbol": "AAPL", "quantity": 5, "tradeType": "buy"}
    _, placed, _ = system.call("orders", _event(route, market, ""))
    same = {"stockTicker": "AAPL", "quantity": 5, "type": "buy"}
    status, _, answer = system.call("orders", _event(other, same, ""))
    assert (status, header(answer, "Idempotency-Replayed")) == (201, "true")
    status, problem, _ = system.call("orders", _event(other, same | {"quantity": 6}, ""))
    assert (status, problem["code"]) == REUSED
    limit = market | {"pricePerShare": 200.5}
    status, problem, _ = system.call("orders", _event(route, limit, ""))
    assert (status, problem["code"]) == REUSED
    assert placed


def _forget(system: System) -> None:
    """Lose the kept answers, as after 24 hours."""
    table = f"{PREFIX}idempotency"
    for record in items(system.dynamodb, table):
        system.dynamodb.delete_item(TableName=table, Key={"id": {"S": record["id"]}})


def test_a_client_is_known_by_every_field_without_the_kept_answer(system: System) -> None:
    route = "POST /api/v1/admin/clients"
    case = CASES[route]
    _, created, _ = system.call("admin", _event(route, case.first, ""))
    for name in case.others.keys() - {"client_id"}:
        _forget(system)
        status, body, _ = system.call("admin", _event(route, case.first | case.others[name], ""))
        assert (status, body["code"]) == (409, "CLIENT_EXISTS"), name
    _forget(system)
    status, again, _ = system.call("admin", _event(route, case.first, ""))
    assert (status, again["api_key"], again["api_secret"]) == (201, created["api_key"], None)


def test_a_rotation_is_known_by_every_field_without_the_kept_answer(system: System) -> None:
    route = "POST /api/v1/admin/clients/{client_id}/secret-rotation"
    _, created, _ = system.call("admin", _event("POST /api/v1/admin/clients", NEW_CLIENT, ""))
    first = CASES[route].first | {"api_key": created["api_key"]}
    others = [changes for name, changes in CASES[route].others.items() if name != "api_key"]
    for changes in ({}, *others):
        _forget(system)
        _, issued, _ = system.call("admin", _event(route, first | changes, "dave"))
        assert issued["api_secret"], changes
        _forget(system)
        _, again, _ = system.call("admin", _event(route, first | changes, "dave"))
        assert again["api_secret"] is None, changes
