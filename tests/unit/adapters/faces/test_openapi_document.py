import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from infra.catalog.routes import CALLBACK_ROUTES, INTERNAL_ROUTES, PUBLIC_ROUTES, Route
from trading.wire import CALLBACK_PATH

DOCS = Path(__file__).resolve().parents[4] / "docs" / "reference"
APIS = [
    ("openapi.json", PUBLIC_ROUTES),
    ("openapi-internal.json", INTERNAL_ROUTES),
    ("openapi-callbacks.json", CALLBACK_ROUTES),
]


def document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DOCS / name).read_text())
    return loaded


def operations(name: str) -> list[tuple[str, str, dict[str, Any]]]:
    paths = document(name)["paths"]
    return [
        (method.upper(), path, operation)
        for path, item in paths.items()
        for method, operation in item.items()
    ]


@pytest.mark.parametrize(("name", "routes"), APIS)
def test_the_documented_routes_are_the_deployed_routes(
    name: str, routes: tuple[Route, ...]
) -> None:
    assert {(method, path) for method, path, _ in operations(name)} == {
        (route.method, route.path) for route in routes
    }


@pytest.mark.parametrize(("name", "routes"), APIS)
def test_a_route_needs_a_permission_exactly_if_it_has_an_authorizer(
    name: str, routes: tuple[Route, ...]
) -> None:
    behind_authorizer = {(route.method, route.path) for route in routes if not route.signed}
    assert {
        (m, path) for m, path, operation in operations(name) if operation.get("x-permission")
    } == behind_authorizer
    assert {
        (m, path)
        for m, path, operation in operations(name)
        if operation["security"] == [{"bearer": []}]
    } == (behind_authorizer)


@pytest.mark.parametrize("name", [name for name, _ in APIS])
def test_every_route_documents_its_problems_and_every_write_its_idempotency_key(name: str) -> None:
    for method, path, operation in operations(name):
        assert {"401", "403", "429", "500", "503"} <= set(operation["responses"]), path
        keys = {"ReportKey" if path == CALLBACK_PATH else "IdempotencyKey"}
        taken = {p["$ref"].rpartition("/")[2] for p in operation["parameters"] if "$ref" in p}
        assert taken & {"ReportKey", "IdempotencyKey"} == (keys if method != "GET" else set()), path
        assert operation["summary"], path
        assert operation["description"], path
    for response in document(name)["components"]["responses"].values():
        assert response["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }


@pytest.mark.parametrize("name", [name for name, _ in APIS])
def test_only_the_trade_records_have_amounts_that_must_be_json_numbers(name: str) -> None:
    written = document(name)
    for record in (
        "TradeRequest",
        "TradeRecord",
        "BalanceRecord",
        "HoldingRecord",
        "PortfolioRecord",
    ):
        assert (
            '"type": "number"' in json.dumps(written["components"]["schemas"].pop(record, None))
        ) == (name == "openapi.json")
    assert all(has_text for has_text in _beside_numbers(written))


def _beside_numbers(schema: Any) -> Iterator[bool]:
    """For each number in a schema: whether text is allowed as well."""
    if isinstance(schema, dict):
        if schema.get("type") == "number":
            yield False
        forms = schema.get("anyOf", [])
        has_text = any(form.get("type") == "string" for form in forms)
        for name, part in schema.items():
            for found in _beside_numbers(part):
                yield found or (name == "anyOf" and has_text)
    elif isinstance(schema, list):
        for part in schema:
            yield from _beside_numbers(part)


@pytest.mark.parametrize("price", ["187.50", 187.5])
def test_a_price_is_text_or_a_number_in_combined_schemas_too(price: Any) -> None:
    written = document("openapi.json")
    order = {
        "client_id": "alice",
        "stock_symbol": "AAPL",
        "quantity": 10,
        "side": "sell",
        "time_in_force": "DAY",
    }
    for name, body in (
        ("OrderChanges", {"quantity": 10}),
        ("OrderChanges", {"price": price}),
        ("OrderChanges", {"stop_price": price}),
        ("NewOrder", order | {"order_type": "stop", "stop_price": price}),
    ):
        jsonschema.validate(body, written | {"$ref": f"#/components/schemas/{name}"})


def test_requests_take_no_unknown_fields_and_bound_their_strings() -> None:
    schemas = document("openapi.json")["components"]["schemas"]
    for request in (
        "TokenRequest",
        "StepUp",
        "Enrolment",
        "Confirmation",
        "NewPolicy",
        "NewOrder",
        "TradeRequest",
        "MarketTradeRequest",
    ):
        assert schemas[request]["additionalProperties"] is False
    reports = document("openapi-callbacks.json")["components"]["schemas"]
    assert reports["ExecutionReport"]["additionalProperties"] is True
    for request in ("TokenRequest", "StepUp", "Enrolment", "Confirmation"):
        for field in schemas[request]["properties"].values():
            stated = next(iter(field.get("anyOf", [field])))
            assert "maxLength" in stated or "pattern" in stated
