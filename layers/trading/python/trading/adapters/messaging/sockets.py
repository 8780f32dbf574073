"""Messages to the connections of clients, through a WebSocket API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.runtime.observability import logger
from trading.domain.connections import Connection, Ending
from trading.domain.events import Event
from trading.domain.values import Frozen
from trading.usecases.ports import SocketFailedError, SocketGoneError

LONGEST_MESSAGE = 30_000
"""Bytes of the events in one message. API Gateway takes frames of at most 32 KB."""


class EventsPushed(Frozen):
    """Events, in order. After a reconnection, subscribe with the greatest `since` that you have
    received. Ignore each message of an earlier `subscription`. Ignore each event whose sequence is
    not greater than the last that you have seen.
    """

    type: Literal["events"] = "events"
    subscription: int
    items: tuple[Event, ...]
    since: int


class Closing(Frozen):
    """The last message before we close the connection. `code` says why."""

    type: Literal["closing"] = "closing"
    code: Ending
    detail: str


class ApiSockets:
    """The port `Sockets` over API Gateway's management API. `client`: a client of that API, whose
    type stubs are not among our packages.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def tell(self, connection: Connection, events: Sequence[Event], since: int) -> None:
        parts = list(_parts(events))
        for number, part in enumerate(parts, 1):
            until = since if number == len(parts) else part[-1].sequence
            message = EventsPushed(subscription=connection.subscription, items=part, since=until)
            self._send(connection.connection_id, message)

    def close(self, connection_id: str, why: Ending) -> None:
        self._send(connection_id, Closing(code=why, detail=why.sentence))
        self._call("delete_connection", ConnectionId=connection_id)

    def _send(self, connection_id: str, message: Frozen) -> None:
        text = message.model_dump_json()
        self._call("post_to_connection", ConnectionId=connection_id, Data=text.encode())

    def _call(self, operation: str, **parameters: Any) -> None:
        try:
            getattr(self._client, operation)(**parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] == "GoneException":
                raise SocketGoneError from error
            raise self._failed(operation, parameters["ConnectionId"]) from error
        except BotoCoreError as error:
            raise self._failed(operation, parameters["ConnectionId"]) from error

    @staticmethod
    def _failed(operation: str, connection_id: str) -> SocketFailedError:
        logger.warning("a connection was not reached", exc_info=True, connection_id=connection_id)
        return SocketFailedError(f"{operation} {connection_id}")


def _parts(events: Sequence[Event]) -> Iterator[tuple[Event, ...]]:
    """The events, split so that no message is too long. A single event is not split."""
    part: list[Event] = []
    size = 0
    for event in events:
        length = len(event.model_dump_json().encode())
        if part and size + length > LONGEST_MESSAGE:
            yield tuple(part)
            part, size = [], 0
        part.append(event)
        size += length
    if part:
        yield tuple(part)
