"""The JSON Schema of events, and the AsyncAPI document of the bus, the feed and the stream."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.catalog.routes import PUBLIC_ROUTES
from local import stream_schema
from trading.adapters.faces.events import EventsPage
from trading.adapters.messaging.event_bus import SOURCE
from trading.domain.events import Event, EventType, Topic

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = "docs/reference/event.schema.json"
ASYNCAPI = "docs/reference/asyncapi.json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
COMPONENTS = "#/components/schemas/"
_FEED = next(route.path for route in PUBLIC_ROUTES if route.function == "event_feed")

EXAMPLE = {
    "id": "account/alice/42",
    "schema_version": 1,
    "type": "order.executed",
    "time": "2026-11-30T15:04:05.123456Z",
    "aggregate": {"kind": "account", "id": "alice"},
    "sequence": 42,
    "client_id": "alice",
    "correlation_id": "3c1f0a52-6f0e-4d0e-9a53-5e0f8c1f2b17",
    "topics": ["orders", "trades", "balance", "positions", "position-updated"],
    "data": {
        "orders": [
            {
                "order_id": "ord_5f2b8a31d7c0e4964b1f2a7d83c5e690",
                "version": 4,
                "client_order_id": "k-1",
                "symbol": "KO",
                "side": "buy",
                "order_type": "market",
                "time_in_force": "DAY",
                "quantity": 10,
                "status": "FILLED",
                "filled_quantity": 10,
                "average_price": "61.20",
            }
        ],
        "entries": [
            {
                "trade_id": "trd_91c4e07b52d8f3a6407e19bc2d5f8a63",
                "kind": "FILL",
                "order_id": "ord_5f2b8a31d7c0e4964b1f2a7d83c5e690",
                "exchange_id": "XNYS",
                "symbol": "KO",
                "side": "buy",
                "quantity": 10,
                "price": "61.20",
                "fees": "0.30",
                "amount": "612.30",
                "executed_at": "2026-11-30T15:04:05.098112Z",
                "settlement_date": "2026-12-01",
            }
        ],
        "balance": {
            "currency": "USD",
            "available": "9387.70",
            "held_for_orders": "0.00",
            "unsettled": "0.00",
            "total": "9387.70",
            "withdrawable": "9387.70",
            "margin_in_use": "0.00",
            "suspended": False,
        },
        "positions": [
            {
                "symbol": "KO",
                "available": 10,
                "held": 0,
                "unsettled": 10,
                "cost_basis": "612.30",
                "realised_profit": "0.00",
            }
        ],
    },
}


def event_schema() -> dict[str, Any]:
    """The JSON Schema of an event. Properties that may be null may also be absent."""
    schema = Event.model_json_schema(mode="serialization")
    read = Event.model_json_schema(mode="validation")
    for name, part in schema["$defs"].items():
        _complete(part, read["$defs"][name])
    _complete(schema, read)
    version = schema["properties"]["schema_version"]["const"]
    return {"$schema": DRAFT, "$id": f"urn:{SOURCE}:event:{version}", **schema}


def _complete(schema: dict[str, Any], read: Mapping[str, Any]) -> None:
    """Add the formats of dates and times. Drop the titles. Require no property that may be null.

    `read`: the schema for validation, which has the formats.
    """
    for name, field in schema.get("properties", {}).items():
        field.pop("title", None)
        for form, other in zip(_forms(field), _forms(read["properties"][name]), strict=False):
            if form.get("type") == other.get("type") and "format" in other:
                form["format"] = other["format"]
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    if "required" in schema:
        schema["required"] = [
            name for name in schema["required"] if not _may_be_null(schema["properties"][name])
        ]


def _forms(field: Any) -> list[Any]:
    return list(field.get("anyOf", [field]))


def _may_be_null(field: Mapping[str, Any]) -> bool:
    return {"type": "null"} in field.get("anyOf", ())


def asyncapi(public: Mapping[str, Any]) -> dict[str, Any]:
    """The AsyncAPI document: the bus with its topics, the feed of the clients' API, the stream.

    `public`: the OpenAPI document that has the feed.
    """
    schema = event_schema()
    defined = {name: _moved(part) for name, part in schema.pop("$defs").items()}
    del schema["$schema"], schema["$id"]
    page = EventsPage.model_json_schema(mode="serialization", ref_template=f"{COMPONENTS}{{model}}")
    del page["$defs"]
    _complete(page, page)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Trading events",
            "version": tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"],
            "description": (
                "Each transaction of the books is one event. Every event is on the bus, at least "
                "once and in any order. The feed and the stream have the events of one client's "
                "account, in order and without gaps."
            ),
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": _channels(),
        "operations": _operations(public["paths"][_FEED]["get"]),
        "components": {
            "messages": _messages(),
            "schemas": {
                "Event": _moved(schema),
                "EventsPage": page,
                "BusEvent": _bus_event(),
                **stream_schema.schemas(),
                **defined,
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The token of `POST /api/v1/auth/token`.",
                }
            },
        },
    }


def _moved(schema: Any) -> Any:
    """A schema whose references lead to the components of the document."""
    match schema:
        case {"$ref": str(reference), **rest}:
            return {"$ref": COMPONENTS + reference.rpartition("/")[2], **rest}
        case dict():
            return {name: _moved(part) for name, part in schema.items()}
        case list():
            return [_moved(part) for part in schema]
    return schema


def _servers() -> dict[str, Any]:
    region = {"default": "us-east-1", "description": "The AWS region."}
    return {
        "bus": {
            "host": "events.{region}.amazonaws.com",
            "protocol": "eventbridge",
            "description": "The EventBridge bus, for consumers in the AWS account.",
            "variables": {"region": region},
        },
        "api": {
            "host": "{api_id}.execute-api.{region}.amazonaws.com",
            "pathname": "/{stage}",
            "protocol": "https",
            "description": "The API of clients.",
            "variables": {
                "api_id": {"default": "api", "description": "The id of the deployed API."},
                "region": region,
                "stage": {"default": "dev", "description": "The deployment stage."},
            },
            "security": [{"$ref": "#/components/securitySchemes/bearer"}],
        },
        "stream": stream_schema.server(region),
    }


def _channels() -> dict[str, Any]:
    return {
        "bus": {
            "address": "trading-{stage}-events",
            "title": "Bus",
            "description": (
                "A consumer has a rule with a pattern on this bus, and a queue of its own. The "
                "pattern of a topic is in `x-event-pattern` of its operation."
            ),
            "servers": [{"$ref": "#/servers/bus"}],
            "parameters": {"stage": {"default": "dev", "description": "The deployment stage."}},
            "messages": {"event": {"$ref": "#/components/messages/event"}},
        },
        "feed": {
            "address": _FEED,
            "title": "Feed",
            "description": (
                "A client polls it with the `since` of the last answer. `wait` makes it a long "
                "poll: the answer comes with the next event, or after `wait` seconds."
            ),
            "servers": [{"$ref": "#/servers/api"}],
            "messages": {"page": {"$ref": "#/components/messages/page"}},
        },
        "stream": stream_schema.channel(),
    }


def _operations(feed: Mapping[str, Any]) -> dict[str, Any]:
    query = {"type": "object", "properties": _query(feed)}
    return {
        "publish": {
            "action": "send",
            "channel": {"$ref": "#/channels/bus"},
            "summary": "All events.",
            "messages": [{"$ref": "#/channels/bus/messages/event"}],
            "x-event-pattern": {"source": [SOURCE]},
        },
        **{
            f"publish-{topic}": {
                "action": "send",
                "channel": {"$ref": "#/channels/bus"},
                "summary": topic.sentence,
                "messages": [{"$ref": "#/channels/bus/messages/event"}],
                "x-event-pattern": topic_pattern(topic),
            }
            for topic in Topic
        },
        "follow": {
            "action": "send",
            "channel": {"$ref": "#/channels/feed"},
            "summary": "The events of the client's account after a sequence.",
            "messages": [{"$ref": "#/channels/feed/messages/page"}],
            "bindings": {"http": {"method": "GET", "query": query, "bindingVersion": "0.3.0"}},
        },
        **stream_schema.operations(),
    }


def topic_pattern(topic: Topic) -> dict[str, Any]:
    """The pattern of a rule for the events of a topic."""
    return {"source": [SOURCE], "detail": {"topics": [topic.value]}}


def _query(feed: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the query, as JSON Schemas."""
    return {
        parameter["name"]: _given(parameter["schema"])
        for parameter in feed["parameters"]
        if parameter.get("in") == "query"
    }


def _given(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a parameter that is there: not null."""
    *forms, _ = schema.get("anyOf", (schema, None))
    (form,) = forms
    described = {"description": schema["description"]} if "description" in schema else {}
    return {name: value for name, value in {**form, **described}.items() if name != "title"}


def _messages() -> dict[str, Any]:
    bus_event = {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": EXAMPLE["type"],
        "source": SOURCE,
        "account": "123456789012",
        "time": "2026-11-30T15:04:05Z",
        "region": "us-east-1",
        "resources": [],
        "detail": EXAMPLE,
    }
    page = {"items": [EXAMPLE], "since": EXAMPLE["sequence"], "is_delayed": False}
    return {
        "event": {
            "name": "event",
            "title": "Event on the bus",
            "summary": "`detail` is the event. Repetitions have the same `detail.id`.",
            "payload": {"$ref": f"{COMPONENTS}BusEvent"},
            "examples": [{"name": "executed", "payload": bus_event}],
        },
        "page": {
            "name": "page",
            "title": "Page of the feed",
            "summary": "Events in order, and where to go on.",
            "payload": {"$ref": f"{COMPONENTS}EventsPage"},
            "examples": [{"name": "executed", "payload": page}],
        },
        **stream_schema.messages(EXAMPLE),
    }


def _bus_event() -> dict[str, Any]:
    """The envelope of EventBridge."""
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "An event as EventBridge delivers it. A duplicate can have another `id`.",
        "properties": {
            "version": text,
            "id": text,
            "detail-type": {"type": "string", "enum": [each.value for each in EventType]},
            "source": {"type": "string", "const": SOURCE},
            "account": text,
            "time": {"type": "string", "format": "date-time"},
            "region": text,
            "resources": {"type": "array", "items": text},
            "detail": {"$ref": f"{COMPONENTS}Event"},
        },
        "required": ["id", "detail-type", "source", "time", "detail"],
    }
