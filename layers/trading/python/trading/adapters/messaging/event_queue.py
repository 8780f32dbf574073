"""The queue between the bus and the log. It has events, and delayed messages of our own."""

from __future__ import annotations

import json
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING

from trading.domain.events import Event
from trading.domain.values import Frozen, Timestamp

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY_SECONDS = 900
"""The longest delay of a message in SQS."""


class Check(Frozen):
    """Asks for a check whether the log has the event."""

    client_id: str
    sequence: int


class Wake(Frozen):
    """Asks for a push to the connections of a client at this time."""

    client_id: str
    wake_at: Timestamp

    def delay(self, now: datetime) -> int:
        """Seconds from now until `wake_at`, rounded up; 0 if that time has passed."""
        return max(0, ceil((self.wake_at - now).total_seconds()))


class EventQueue:
    """Sends delayed messages."""

    def __init__(self, sqs: SQSClient, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def send(self, message: Check | Wake, delay_seconds: int) -> None:
        """Send a message with a delay, or with the longest delay of SQS if that is shorter."""
        self._sqs.send_message(
            QueueUrl=self._queue_url,
            MessageBody=message.model_dump_json(),
            DelaySeconds=min(delay_seconds, LONGEST_DELAY_SECONDS),
        )


def parse(body: str) -> Event | Check | Wake:
    """A message of the bus, or one of our own. Raises ValueError or TypeError."""
    read = json.loads(body)
    if "detail" in read:
        return Event.model_validate(read["detail"], strict=False)
    if "wake_at" in read:
        return Wake.model_validate(read)
    return Check.model_validate(read)
