"""From the streams of the tables to the bus.

A record that cannot be read goes to a dead-letter queue, so that it does not stop those behind it.
If the bus or that queue does not answer, the invocation fails, and Lambda repeats the batch until
it succeeds or the records are a day old.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trading.adapters.dynamodb.outbox import event_in, is_news
from trading.adapters.messaging.event_bus import EventBus
from trading.adapters.runtime.observability import count, logger, step
from trading.domain.events import Event
from trading.metrics import Metric

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


LONGEST_RECORD = 200_000
"""Characters of the longest record that goes into a message. SQS takes more."""


class EventPublisher:
    """The Lambda handler of the streams."""

    def __init__(self, bus: EventBus, sqs: SQSClient, dlq_url: str) -> None:
        self._bus = bus
        self._sqs = sqs
        self._dlq_url = dlq_url

    def __call__(self, event: Mapping[str, Any], _: object) -> None:
        """Publish the events in a batch of stream records."""
        with step("events published") as done:
            events: list[Event] = []
            unreadable: list[tuple[Mapping[str, Any], str]] = []
            for record in event["Records"]:
                change = record["dynamodb"]
                image, before = change.get("NewImage"), change.get("OldImage")
                if image is None or not is_news(image, before):
                    continue
                try:
                    events.append(event_in(image))
                except (ValueError, KeyError) as error:
                    unreadable.append((record, f"{type(error).__name__}: {error}"))
            # If the bus is down, the batch comes again, and so do its unreadable records.
            self._bus.publish(events)
            for record, reason in unreadable:
                self._move_to_dlq(record, reason)
            done.facts["events"] = len(events)

    def _move_to_dlq(self, record: Mapping[str, Any], reason: str) -> None:
        buried: dict[str, Any] = {
            "keys": record["dynamodb"].get("Keys"),
            "source": record.get("eventSourceARN"),
            "sequence_number": record["dynamodb"].get("SequenceNumber"),
        }
        # The stream forgets the record in a day. Whoever redrives the message needs it whole.
        if len(json.dumps(record)) <= LONGEST_RECORD:
            buried["record"] = record
        self._sqs.send_message(
            QueueUrl=self._dlq_url,
            MessageBody=json.dumps(buried),
            MessageAttributes={"reason": {"DataType": "String", "StringValue": reason[:1024]}},
        )
        logger.error("stream record without a readable event", reason=reason)
        count(Metric.EVENTS_BURIED)
