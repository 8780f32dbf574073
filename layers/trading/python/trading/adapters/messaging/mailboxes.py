"""The clients' mailboxes are SQS FIFO queues. The message group is the client id."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from trading.adapters.runtime.observability import logger
from trading.messages import ClearOrder, ExecutionMessage, Message, ReportReceived, SettleClient
from trading.usecases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

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
    return hashlib.sha256(said.encode()).hexdigest()


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

    def _send(self, queue_url: str, message: Message) -> None:
        body = message.model_dump_json()
        if isinstance(message, ReportReceived):
            deduplication_id = report_deduplication_id(
                message.report.exchange_id,
                message.report.execution_id,
                message.report.statement.model_dump_json(),
            )
        else:  # a repetition within the minute is a retry; a later one is intended
            minute = int(self.clock().timestamp()) // 60
            deduplication_id = hashlib.sha256(f"{minute}#{body}".encode()).hexdigest()
        self.client.send_message(
            QueueUrl=queue_url,
            MessageBody=body,
            MessageGroupId=message.client_id,
            MessageDeduplicationId=deduplication_id,
        )

    def settle(
        self, client_ids: Sequence[str], settlement_date: date, correlation_id: str
    ) -> Sequence[str]:
        """The port `SettlementMailboxes`. SQS takes or refuses each message of a batch by itself.

        SQS drops repetitions of a message for five minutes. After that, the worker finds nothing
        due.
        """
        pending = [
            SettleClient(
                client_id=client_id,
                correlation_id=correlation_id,
                settlement_date=settlement_date,
            )
            for client_id in client_ids
        ]
        for number in range(TRIES):
            if number:
                longest = FIRST_PAUSE_SECONDS * 2 ** (number - 1)
                time.sleep(random.uniform(0, longest))  # noqa: S311
            batches = [
                pending[start : start + BATCH_SIZE] for start in range(0, len(pending), BATCH_SIZE)
            ]
            pending = [message for batch in batches for message in self._refused(batch)]
            if not pending:
                return ()
        refused = [message.client_id for message in pending]
        logger.error("clients not asked to settle", client_ids=refused)
        return refused

    def _refused(self, batch: Sequence[SettleClient]) -> list[SettleClient]:
        """Send a batch. Return the messages that SQS did not take."""
        answer = self.client.send_message_batch(
            QueueUrl=self.settlement_queue_url,
            Entries=[
                {
                    "Id": str(number),
                    "MessageBody": (body := message.model_dump_json()),
                    "MessageGroupId": message.client_id,
                    "MessageDeduplicationId": hashlib.sha256(body.encode()).hexdigest(),
                }
                for number, message in enumerate(batch)
            ],
        )
        return [batch[int(entry["Id"])] for entry in answer.get("Failed", ())]
