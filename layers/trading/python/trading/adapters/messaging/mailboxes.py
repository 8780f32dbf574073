"""The clients' mailboxes are SQS FIFO queues. The message group is the client id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trading.messages import ClearOrder, ExecutionMessage, Message, ReportReceived, SettleClient
from trading.usecases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


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
