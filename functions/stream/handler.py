"""The stream: connections of clients, and what they ask for over them."""

from datetime import UTC, datetime
from typing import Any

from functions.stream.settings import Settings
from trading.adapters.faces.events import SEES_ORDERS
from trading.adapters.faces.stream import (
    READS_ACCOUNTS,
    REQUEST,
    Ping,
    Pong,
    Refused,
    Subscribe,
    Subscribed,
)
from trading.adapters.http.principals import Principal
from trading.adapters.http.stream_gate import StreamGate
from trading.adapters.runtime import clock
from trading.adapters.runtime.settings import load
from trading.bootstrap.stream import stream_front
from trading.domain.connections import Connection

front = stream_front(load(Settings))


def connect(principal: Principal, connection_id: str) -> None:
    """Remember a connection."""
    connection = Connection(
        connection_id=connection_id,
        api_key=principal.api_key,
        generation=principal.generation,
        expires_at=_expiry(principal),
        sees_orders=SEES_ORDERS in principal.permissions,
    )
    front.stream.open(principal.client_id, connection)


def answer(
    principal: Principal, connection_id: str, request: Subscribe | Ping
) -> Subscribed | Pong:
    """Subscribe the connection, or say how far it has been told."""
    client_id = principal.client_id
    if isinstance(request, Ping):
        since = front.stream.told_until(client_id, connection_id)
        return Pong(id=request.id, since=since)
    after = front.stream.subscribe(client_id, connection_id, request.topics, request.since)
    return Subscribed(
        id=request.id,
        subscription=after.subscription,
        topics=after.topics,
        since=after.since or 0,
        expires_at=after.expires_at,
    )


def disconnect(principal: Principal, connection_id: str) -> None:
    """Forget a connection that was closed."""
    front.stream.close(principal.client_id, connection_id)


def refused(name: str | None, problem: dict[str, Any]) -> Refused:
    """The answer to a message that was refused."""
    return Refused(id=name, problem=problem)


def _expiry(principal: Principal) -> datetime:
    return datetime.fromtimestamp(principal.expires_at, UTC)


handler = StreamGate(
    throttle=front.throttle,
    now=clock.now,
    permission=READS_ACCOUNTS,
    parse=REQUEST.validate_python,
    connect=connect,
    answer=answer,
    disconnect=disconnect,
    refused=refused,
)
