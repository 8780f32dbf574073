"""From the queue of the bus to the log of the accounts' events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trading.adapters.dynamodb.event_log import EventKey, TableEventLog
from trading.adapters.runtime.observability import count, logger, step
from trading.domain.events import Event
from trading.domain.values import Frozen
from trading.metrics import Metric

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

CHECK_AFTER_SECONDS = 240
"""An event is missing if it has not arrived this long after its successor."""


class Check(Frozen):
    """A message to ourselves: is the event there by now?"""

    client_id: str
    sequence: int


class EventLogWriter:
    """The Lambda handler of the queue.

    A message that cannot be read stays in the queue until SQS moves it to the dead-letter queue.
    """

    def __init__(self, log: TableEventLog, sqs: SQSClient, queue_url: str) -> None:
        self._log = log
        self._sqs = sqs
        self._queue_url = queue_url

    def __call__(self, event: Mapping[str, Any], _: object) -> dict[str, Any]:
        """SQS event in, batch item failures out."""
        with step("events logged") as done:
            failed: set[str] = set()
            keys: dict[str, EventKey] = {}
            events: list[Event] = []
            checks: list[Check] = []
            for record in event["Records"]:
                try:
                    message = _parse(record["body"])
                    if isinstance(message, Check):
                        checks.append(message)
                    else:
                        events.append(message)
                        keys[record["messageId"]] = (message.aggregate.id, message.sequence)
                except (ValueError, TypeError):
                    logger.exception("message of the bus without a readable event")
                    failed.add(record["messageId"])
            left = self._log.write(events)
            for check in checks:
                self._check(check)
            self._check_later(set(keys.values()) - left)
            failed |= {message for message, key in keys.items() if key in left}
            done.facts["events"] = len(events)
        return {"batchItemFailures": [{"itemIdentifier": each} for each in sorted(failed)]}

    def _check_later(self, written: set[EventKey]) -> None:
        """Send a delayed check for each predecessor that the log does not have."""
        before = {(client_id, sequence - 1) for client_id, sequence in written} - written
        for client_id, sequence in sorted(self._log.missing(before)):
            self._sqs.send_message(
                QueueUrl=self._queue_url,
                MessageBody=Check(client_id=client_id, sequence=sequence).model_dump_json(),
                DelaySeconds=CHECK_AFTER_SECONDS,
            )

    def _check(self, asked: Check) -> None:
        """Count an event that is still missing. An event that has expired is not missing."""
        key = (asked.client_id, asked.sequence)
        if not self._log.missing([key]):
            return
        if asked.sequence == 1 or self._log.before(*key) is not None:
            logger.error("event missing in the log", client_id=key[0], sequence=key[1])
            count(Metric.EVENTS_MISSING)


def _parse(body: str) -> Event | Check:
    """A message of the bus, or one of our own. Raises ValueError, TypeError."""
    read = json.loads(body)
    if "detail" in read:
        return Event.model_validate(read["detail"], strict=False)
    return Check.model_validate(read)
