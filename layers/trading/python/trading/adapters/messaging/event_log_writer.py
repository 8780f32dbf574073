"""From the queue of the bus to the log of the accounts' events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trading.adapters.dynamodb.event_log import EventKey, WritableEventLog
from trading.adapters.messaging.event_queue import Check, EventQueue, Wake, parse
from trading.adapters.runtime.observability import count, logger, step
from trading.domain.events import Event
from trading.metrics import Metric
from trading.usecases.ports import Clock, Pushes

CHECK_AFTER_SECONDS = 240
"""An event is missing if it has not arrived this long after its successor."""


class EventLogWriter:
    """The Lambda handler of the queue.

    A message that cannot be read stays in the queue until SQS moves it to the dead-letter queue.
    """

    def __init__(
        self, log: WritableEventLog, queue: EventQueue, pushes: Pushes, clock: Clock
    ) -> None:
        self._log = log
        self._queue = queue
        self._pushes = pushes
        self._clock = clock

    def __call__(self, event: Mapping[str, Any], _: object) -> dict[str, Any]:
        """SQS event in, batch item failures out."""
        with step("events logged") as done:
            failed: set[str] = set()
            keys: dict[str, EventKey] = {}
            events: list[Event] = []
            others: list[Check | Wake] = []
            for record in event["Records"]:
                try:
                    message = parse(record["body"])
                    if isinstance(message, Event):
                        events.append(message)
                        keys[record["messageId"]] = (message.aggregate.id, message.sequence)
                    else:
                        others.append(message)
                except (ValueError, TypeError):
                    logger.exception("message of the bus without a readable event")
                    failed.add(record["messageId"])
            left = self._log.write(events)
            for message in others:
                self._follow(message)
            self._tell_of(set(keys.values()) - left)
            failed |= {message for message, key in keys.items() if key in left}
            done.facts["events"] = len(events)
        return {"batchItemFailures": [{"itemIdentifier": each} for each in sorted(failed)]}

    def _tell_of(self, written: set[EventKey]) -> None:
        """Have the events pushed to clients that are connected. Check later whether a predecessor
        has come that the log does not have.
        """
        before = {(client_id, sequence - 1) for client_id, sequence in written} - written
        found = self._log.look(before, {client_id for client_id, _ in written})
        for client_id in sorted(found.connected):
            self._pushes.soon(client_id)
        for client_id, sequence in sorted(found.missing):
            check = Check(client_id=client_id, sequence=sequence)
            self._queue.send(check, CHECK_AFTER_SECONDS)

    def _follow(self, message: Check | Wake) -> None:
        """Do what a message of our own asks for."""
        if isinstance(message, Check):
            self._check(message)
        elif message.delay(self._clock()):
            self._pushes.at(message.client_id, message.wake_at)
        else:
            self._pushes.soon(message.client_id)

    def _check(self, asked: Check) -> None:
        """Count an event that is still missing. An event that has expired is not missing."""
        key = (asked.client_id, asked.sequence)
        if not self._log.look([key], ()).missing:
            return
        if asked.sequence == 1 or self._log.before(*key) is not None:
            logger.error("event missing in the log", client_id=key[0], sequence=key[1])
            count(Metric.EVENTS_MISSING)
