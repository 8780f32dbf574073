"""The event bus, on EventBridge."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

from trading.adapters.runtime.observability import logger
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.events import Event

SOURCE = "trading"
BATCH_SIZE = 10
"""EventBridge takes at most so many events in one request."""
BATCH_BYTES = 200_000
"""Bytes of events in one request. EventBridge takes more, but counts a little more for each."""
TRIES = 4
FIRST_PAUSE_SECONDS = 0.2


class EventsRefusedError(DomainError):
    """The bus did not take all events. Those that it took come again, with the others."""

    code = ErrorCode.OVERLOADED
    kind = ErrorKind.UNAVAILABLE


class EventBus:
    """Puts events on the bus. `client`: of EventBridge, whose stubs are not among our packages."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def publish(self, events: Sequence[Event]) -> None:
        """Put all events on the bus, at least once. Raises EventsRefusedError."""
        pending = list(events)
        for number in range(TRIES):
            if not pending:
                return
            if number:
                longest = FIRST_PAUSE_SECONDS * 2 ** (number - 1)
                time.sleep(random.uniform(0, longest))  # noqa: S311
            pending = [event for batch in _batches(pending) for event in self._refused(batch)]
        if pending:
            logger.error("events refused by the bus", events=[event.id for event in pending])
            raise EventsRefusedError(f"{len(pending)} events were refused", retry_after_seconds=1)

    def _refused(self, batch: Sequence[tuple[Event, str]]) -> list[Event]:
        """Put a batch. Answers the events that EventBridge did not take."""
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._name,
                    "Source": SOURCE,
                    "DetailType": event.type,
                    "Time": event.time,
                    "Detail": detail,
                }
                for event, detail in batch
            ]
        )
        return [
            event
            for (event, _), entry in zip(batch, answer["Entries"], strict=True)
            if "ErrorCode" in entry
        ]


def _batches(events: Sequence[Event]) -> Iterator[list[tuple[Event, str]]]:
    batch: list[tuple[Event, str]] = []
    size = 0
    for event in events:
        detail = event.model_dump_json(exclude_none=True)
        length = len(detail.encode())
        if batch and (len(batch) == BATCH_SIZE or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((event, detail))
        size += length
    if batch:
        yield batch
