"""Events of a WebSocket API, as its function gets them."""

from collections.abc import Mapping
from typing import Any

from infra.catalog.routes import STREAM_STAGE

ROUTES = {"CONNECT": "$connect", "DISCONNECT": "$disconnect", "MESSAGE": "$default"}


def websocket_event(
    event_type: str,
    connection_id: str,
    request_id: str,
    claims: Mapping[str, str],
    *,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An event. `claims`: what the authorizer found at the handshake."""
    event: dict[str, Any] = {
        "requestContext": {
            "routeKey": ROUTES[event_type],
            "eventType": event_type,
            "connectionId": connection_id,
            "requestId": request_id,
            "authorizer": {"principalId": claims["client_id"], **claims},
            "stage": STREAM_STAGE,
            "apiId": "stream",
        },
        "isBase64Encoded": False,
    }
    event |= {} if body is None else {"body": body}
    return event | ({"headers": dict(headers or {})} if event_type == "CONNECT" else {})
