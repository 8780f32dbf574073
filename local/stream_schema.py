"""The stream in the AsyncAPI document: its messages in both directions."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from infra.catalog.routes import STREAM_STAGE
from trading.adapters.faces.stream import Ping, Pong, Refused, Subscribe, Subscribed
from trading.adapters.http.problems import ProblemCode
from trading.adapters.messaging.sockets import Closing, EventsPushed
from trading.domain.connections import Ending

COMPONENTS = "#/components/schemas/"
SENT_BY_CLIENTS: Mapping[str, type[BaseModel]] = {"subscribe": Subscribe, "ping": Ping}
SENT_TO_CLIENTS: Mapping[str, type[BaseModel]] = {
    "subscribed": Subscribed,
    "events": EventsPushed,
    "pong": Pong,
    "closing": Closing,
    "error": Refused,
}
MESSAGES = {**SENT_BY_CLIENTS, **SENT_TO_CLIENTS}


def server(region: Mapping[str, Any]) -> dict[str, Any]:
    """The server of the stream."""
    return {
        "host": "{api_id}.execute-api.{region}.amazonaws.com",
        "pathname": f"/{STREAM_STAGE}",
        "protocol": "wss",
        "description": (
            "The stream. A browser, which cannot set the header, offers the subprotocols `trading` "
            "and `bearer.` with the token after it."
        ),
        "variables": {
            "api_id": {"default": "stream", "description": "The id of the deployed API."},
            "region": region,
        },
        "security": [{"$ref": "#/components/securitySchemes/bearer"}],
    }


def channel() -> dict[str, Any]:
    """The connection of a client."""
    return {
        "address": "/",
        "title": "Stream",
        "description": (
            "A connection carries the events of its client's account after the sequence of its "
            "subscription. It ends with its token, or after two hours."
        ),
        "servers": [{"$ref": "#/servers/stream"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in MESSAGES},
    }


def operations() -> dict[str, Any]:
    """The messages that a client may send, and those that it receives."""
    return {
        "ask": _operation("receive", "What a client sends.", SENT_BY_CLIENTS),
        "tell": _operation("send", "What a client is sent.", SENT_TO_CLIENTS),
    }


def _operation(action: str, summary: str, messages: Mapping[str, object]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/stream"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/stream/messages/{name}"} for name in messages],
    }


def messages(event: Mapping[str, Any]) -> dict[str, Any]:
    """Each message with an example. `event`: the event of the examples."""
    problem = {
        "type": "urn:trading:problem:validation-failed",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "The request does not have the required form.",
        "code": ProblemCode.VALIDATION_FAILED.value,
        "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "errors": [{"field": "since", "message": "Input should be a valid integer"}],
    }
    until = "2026-11-30T15:19:00.000000Z"
    examples: dict[str, dict[str, Any]] = {
        "subscribe": {"action": "subscribe", "id": "1", "topics": ["orders"], "since": 41},
        "ping": {"action": "ping"},
        "subscribed": {
            "type": "subscribed",
            "id": "1",
            "subscription": 1,
            "topics": ["orders"],
            "since": 41,
            "expires_at": until,
        },
        "events": {
            "type": "events",
            "subscription": 1,
            "items": [event],
            "since": event["sequence"],
        },
        "pong": {"type": "pong", "since": event["sequence"]},
        "closing": {
            "type": "closing",
            "code": Ending.TOKEN_EXPIRED.value,
            "detail": Ending.TOKEN_EXPIRED.sentence,
        },
        "error": {"type": "error", "id": "1", "problem": problem},
    }
    return {
        name: {
            "name": name,
            "title": model.__name__,
            "summary": " ".join((model.__doc__ or "").split()),
            "payload": {"$ref": COMPONENTS + model.__name__},
            "examples": [{"name": name, "payload": examples[name]}],
        }
        for name, model in MESSAGES.items()
    }


def schemas() -> dict[str, Any]:
    """The schemas of the messages, and of the types that only messages have."""
    found: dict[str, Any] = {}
    for name, model in MESSAGES.items():
        mode: Any = "validation" if name in SENT_BY_CLIENTS else "serialization"
        schema = model.model_json_schema(mode=mode, ref_template=f"{COMPONENTS}{{model}}")
        defined = schema.pop("$defs", {})
        found |= {each: part for each, part in defined.items() if each == Ending.__name__}
        found[model.__name__] = _tidy(schema)
    return found


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without the titles of fields, and with its description in one line."""
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
    schema["description"] = " ".join(schema.get("description", "").split())
    return schema
