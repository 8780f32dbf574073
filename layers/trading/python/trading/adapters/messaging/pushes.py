"""Requests for pushes to connected clients: invocations of a function, now or later."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trading.adapters.messaging.event_queue import EventQueue, Wake
from trading.domain.values import Frozen
from trading.usecases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class PushRequest(Frozen):
    """The input of the function that pushes."""

    client_id: str


class FunctionPushes:
    """The port `Pushes`. The request for a later push is a delayed message in the events queue."""

    def __init__(
        self, client: LambdaClient, function: str, queue: EventQueue, clock: Clock
    ) -> None:
        self._client = client
        self._function = function
        self._queue = queue
        self._clock = clock

    def soon(self, client_id: str) -> None:
        self._client.invoke(
            FunctionName=self._function,
            InvocationType="Event",
            Payload=PushRequest(client_id=client_id).model_dump_json().encode(),
        )

    def at(self, client_id: str, moment: datetime) -> None:
        wake = Wake(client_id=client_id, wake_at=moment)
        self._queue.send(wake, wake.delay(self._clock()))
