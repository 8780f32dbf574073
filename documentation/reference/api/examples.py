"""An example of each schema: the one that the schema gives, or one made of its fields' examples."""

from collections.abc import Mapping
from typing import Any

from documentation.reference.api.specification import Schema, Specification

NAMED: Mapping[str, Any] = {
    "api_key": "alice-1",
    "as_of": "2026-11-23T15:30:00.000Z",
    "clearing_status": "CLEARED",
    "client_id": "alice",
    "client_order_id": "7d0f2c3e-order-1",
    "code": "NOT_FOUND",
    "currency": "USD",
    "current_status": "SETTLED",
    "exchange_id": "XNYS",
    "executed_quantity": 100,
    "executedBy": "alice",
    "filled_quantity": 100,
    "isin": "US1912161007",
    "jwt_token": "eyJhbGciOiJIUzI1NiJ9.…",
    "month": "2026-11",
    "net_quantity": 100,
    "quantity": 100,
    "settlement_status": "SETTLED",
    "status": 404,
    "symbol": "KO",
    "stock_symbol": "KO",
    "stockSymbol": "KO",
    "stockTicker": "KO",
    "title": "Not Found",
    "type": "urn:trading:problem:not-found",
}
"""Examples by the field's name, where they fit the field's schema."""
TIME, DATE = "2026-11-23T15:30:00.000Z", "2026-11-24"
NULL = {"type": "null"}
KINDS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def example(specification: Specification, schema: Schema, name: str = "") -> Any:
    """A value that the schema allows."""
    if given := schema.get("examples"):
        return given[0]
    if "$ref" in schema:
        return example(specification, specification.resolve(schema), name)
    if name in NAMED and NAMED[name] in schema.get("enum", ()):
        return NAMED[name]
    match schema:
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"default": value} if value is not None and schema.get("type") != "object":
            return value
        case {"properties": properties}:
            return _object(specification, schema, properties)
        case {"anyOf": choices} if NULL in choices and not any("examples" in c for c in choices):
            return None
        case {"anyOf": [choice, *_]}:
            return example(specification, choice, name)
        case {"type": "array", "items": items}:
            return [example(specification, items, name.removesuffix("s"))]
        case {"type": "object", "additionalProperties": Mapping() as values}:
            return {"key": example(specification, values)}
    return _scalar(schema, name)


def _object(
    specification: Specification, schema: Schema, properties: Mapping[str, Schema]
) -> dict[str, Any]:
    """An object of the first form that it may take, if there are several."""
    form: Schema = next(iter(schema.get("anyOf", ())), {})
    fixed = {name for name, each in form.get("properties", {}).items() if each == NULL}
    return {
        name: None if name in fixed else example(specification, each, name)
        for name, each in properties.items()
    }


def _scalar(schema: Schema, name: str) -> Any:
    kind = schema.get("type")
    if name in NAMED and KINDS[type(NAMED[name])] == kind:
        return NAMED[name]
    match kind:
        case "integer" | "number":
            return max(1, int(schema.get("minimum", 1)))
        case "boolean":
            return False
        case "string":
            return _text(schema, name)
    return None


def _text(schema: Schema, name: str) -> str:
    if schema.get("format") == "date-time" or name.endswith(("_at", "time", "timestamp", "Time")):
        return TIME
    if name.endswith(("date", "Date")) or name == "business_date":
        return DATE
    return name.replace("_", "-") or "text"
