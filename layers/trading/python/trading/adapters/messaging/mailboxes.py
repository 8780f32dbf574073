"""The clients' mailboxes are SQS FIFO queues. The message group is the client id."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from trading.adapters.runtime.observability import logger
from trading.messages import ClearOrder, ExecutionMessage, Message, ReportReceived, SettleClient
from trading.usecases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Sent = TypeVar("Sent", bound=Message)
BATCH_SIZE = 10
"""SQS takes at most so many messages in one request."""
TRIES = 4
FIRST_PAUSE_SECONDS = 0.2


def report_deduplication_id(exchange_id: str, execution_id: str, statement: str) -> str:
    """SQS drops the same report for five minutes by this id. After that, booking ignores it.

    `statement`: what the report says. A report that says something else under the same execution id
    must reach the books, which record a break.
    """
    said = f"{exchange_id}#{execution_id}#{statement}"
    return _sha256(said)


@dataclass(frozen=True)
class SqsMailboxes:
    """The port `Mailboxes`. A function sets the URLs of those queues that it may send to."""

    client: SQSClient
    clock: Clock
    execution_queue_url: str = ""
    clearing_queue_url: str = ""
    settlement_queue_url: str = ""

    def execution(self, message: ExecutionMessage) -> None:
        self._send(self.execution_queue_url, message)

    def clearing(self, message: ClearOrder) -> None:
        self._send(self.clearing_queue_url, message)

    def settlement(self, message: SettleClient) -> None:
        self._send(self.settlement_queue_url, message)

    def executions(self, messages: Sequence[Sent]) -> Sequence[Sent]:
        """The port `MailboxBatches`, like the next one."""
        return self._send_all(self.execution_queue_url, messages, self._deduplication_id)

    def clearings(self, messages: Sequence[ClearOrder]) -> Sequence[ClearOrder]:
        return self._send_all(self.clearing_queue_url, messages, self._deduplication_id)

    def settle(
        self, client_ids: Sequence[str], settlement_date: date, correlation_id: str
    ) -> Sequence[str]:
        """The port `SettlementMailboxes`. SQS takes or refuses each message of a batch by itself.

        SQS drops repetitions of a message for five minutes. After that, the worker finds nothing
        due.
        """
        messages = [
            SettleClient(
                client_id=client_id,
                correlation_id=correlation_id,
                settlement_date=settlement_date,
            )
            for client_id in client_ids
        ]
        refused = self._send_all(self.settlement_queue_url, messages, _digest)
        if not refused:
            return ()
        clients = [message.client_id for message in refused]
        logger.error("clients not asked to settle", client_ids=clients)
        return clients

    def _send(self, queue_url: str, message: Message) -> None:
        self.client.send_message(
            QueueUrl=queue_url,
            MessageBody=message.model_dump_json(),
            MessageGroupId=message.client_id,
            MessageDeduplicationId=self._deduplication_id(message),
        )

    def _deduplication_id(self, message: Message) -> str:
        if isinstance(message, ReportReceived):
            return report_deduplication_id(
                message.report.exchange_id,
                message.report.execution_id,
                message.report.statement.model_dump_json(),
            )
        # A repetition within the minute is a retry; a later one is intended.
        minute = int(self.clock().timestamp()) // 60
        return _sha256(f"{minute}#{message.model_dump_json()}")

    def _send_all(
        self,
        queue_url: str,
        messages: Sequence[Sent],
        deduplication_id: Callable[[Sent], str],
    ) -> Sequence[Sent]:
        """Send in batches. Return the messages that SQS did not take in any try."""
        pending = list(messages)
        for number in range(TRIES):
            if number:
                longest = FIRST_PAUSE_SECONDS * 2 ** (number - 1)
                time.sleep(random.uniform(0, longest))  # noqa: S311
            batches = [
                pending[start : start + BATCH_SIZE] for start in range(0, len(pending), BATCH_SIZE)
            ]
            pending = [
                message
                for batch in batches
                for message in self._refused(queue_url, batch, deduplication_id)
            ]
            if not pending:
                return ()
        return pending

    def _refused(
        self, queue_url: str, batch: Sequence[Sent], deduplication_id: Callable[[Sent], str]
    ) -> list[Sent]:
        """Send a batch. Return the messages that SQS did not take."""
        answer = self.client.send_message_batch(
            QueueUrl=queue_url,
            Entries=[
                {
                    "Id": str(number),
                    "MessageBody": message.model_dump_json(),
                    "MessageGroupId": message.client_id,
                    "MessageDeduplicationId": deduplication_id(message),
                }
                for number, message in enumerate(batch)
            ],
        )
        return [batch[int(entry["Id"])] for entry in answer.get("Failed", ())]


def _digest(message: Message) -> str:
    return _sha256(message.model_dump_json())


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
