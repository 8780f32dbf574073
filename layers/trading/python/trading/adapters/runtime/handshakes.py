"""The handshake of a WebSocket, as API Gateway shows it to functions."""

from collections.abc import Mapping
from typing import Any

OPENS = "CONNECT"
"""The type of the event with which a connection opens."""


def offered_subprotocols(event: Mapping[str, Any]) -> tuple[str, ...]:
    """The subprotocols that the client offers. None if the event is no handshake."""
    if (event.get("requestContext") or {}).get("eventType") != OPENS:
        return ()
    headers: Mapping[str, str] = event.get("headers") or {}
    offered = (text for name, text in headers.items() if name.lower() == "sec-websocket-protocol")
    return tuple(part.strip() for part in next(offered, "").split(","))
