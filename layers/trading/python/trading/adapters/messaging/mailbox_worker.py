"""How a function empties the clients' mailboxes.

Messages of one client are handled in order. A message that cannot succeed does not stop those
behind it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from trading.adapters.runtime.deadlines import invocation_deadline
from trading.adapters.runtime.observability import count, logger, step
from trading.domain.deadline import Deadline, OutOfTimeError
from trading.domain.errors import PERMANENT, is_transient
from trading.messages import Message
from trading.metrics import Metric

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_TRIES = 8
"""After so many tries (about four minutes) the worker moves a message to the DLQ.

SQS counts messages that wait behind a failing one of their group as received with it. So a group
gives up one message an invocation: the next one gets a try of its own. For the same reason, and for
messages that kill the worker, the queue's own limit is higher.
"""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 2, 90
"""A failed message comes again after a pause that doubles, not after the queue's long visibility
timeout.
"""
ENOUGH_TIME_MS = 10_000
"""A worker begins a message, or a predecessor of its order, only if this much time is left.

It is enough for the slowest case: quotes, a submit and its fence at an exchange that hangs.
"""

REDRIVEN = "redriven"
"""The attribute of a message that an operator has sent back from the DLQ."""

AnyMessage = TypeVar("AnyMessage", bound=Message)


class MailboxWorker(Generic[AnyMessage]):
    """Handles batches of a FIFO queue.

    - A message that can never succeed is unreadable, or a rule refuses it. It goes to the DLQ at
      once, with the reason, and its group goes on.
    - After OutOfTimeError a message comes again at once.
    - After any other error a message comes again after a pause, up to MAX_TRIES times.

    A message that comes again takes along all that follow it in its group. `handle` learns whether
    another worker may have begun the message. `give_up` rejects or flags the order of a message
    that goes to the DLQ.
    """

    def __init__(
        self,
        parse: Callable[[str], AnyMessage],
        handle: Callable[[AnyMessage, LambdaContext, bool], None],
        give_up: Callable[[AnyMessage, str], None],
        sqs: SQSClient,
        queue_url: str,
        dlq_url: str,
    ) -> None:
        self._parse = parse
        self._handle = handle
        self._give_up = give_up
        self._sqs = sqs
        self._queue_url = queue_url
        self._dlq_url = dlq_url
        self._processor = SqsFifoPartialProcessor(skip_group_on_error=True)
        self._processor.raise_on_entire_batch_failure = False

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> Any:
        """The Lambda handler: SQS event in, batch item failures out."""
        logger.append_keys(function_request_id=context.aws_request_id)
        self._given_up: set[str] = set()
        self._out_of_time: set[str | None] = set()
        response = process_partial_response(
            event=event,
            record_handler=lambda record: self._handle_record(record, context),
            processor=self._processor,
            context=context,
        )
        failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        if failed:
            self._delay_retries(
                [SQSRecord(record) for record in event["Records"] if record["messageId"] in failed]
            )
        return response

    def _delay_retries(self, failed: list[SQSRecord]) -> None:
        """Set when the failed messages come again.

        All messages of a group get the same pause, because SQS withholds the whole group while one
        of its messages is invisible. A group that only lacked time comes again at once.
        """
        receives: dict[str | None, int] = {}
        for record in failed:
            group = record.attributes.message_group_id
            receives[group] = max(
                int(record.attributes.approximate_receive_count), receives.get(group, 1)
            )
        pauses = {
            group: 0 if group in self._out_of_time else _pause(times)
            for group, times in receives.items()
        }
        entries: Any = [
            {
                "Id": str(number),
                "ReceiptHandle": record.receipt_handle,
                "VisibilityTimeout": pauses[record.attributes.message_group_id],
            }
            for number, record in enumerate(failed)
        ]
        try:
            answer = self._sqs.change_message_visibility_batch(
                QueueUrl=self._queue_url, Entries=entries
            )
        except (ClientError, BotoCoreError):
            logger.warning(
                "failed messages come again only after the visibility timeout", exc_info=True
            )
            return
        if answer.get("Failed"):
            logger.warning("some failed messages come again only after the visibility timeout")

    def _handle_record(self, record: SQSRecord, context: LambdaContext) -> None:
        if message_deadline(context).is_over:
            self._out_of_time.add(record.attributes.message_group_id)
            raise OutOfTimeError
        try:
            message = self._parse(record.body)
        except ValidationError as error:
            self._move_to_dlq(
                record,
                None,
                f"unreadable: {error.error_count()} errors, first: {error.errors()[0]['msg']}",
            )
            return
        with logger.append_context_keys(message_id=record.message_id, **message.facts()):
            try:
                with step("message"):
                    self._handle(message, context, _begun_before(record))
            except OutOfTimeError:
                self._out_of_time.add(record.attributes.message_group_id)
                raise
            except PERMANENT as error:
                if is_transient(error):
                    self._retry_or_give_up(record, message, error)
                else:
                    logger.exception("message cannot succeed")
                    self._move_to_dlq(record, message, f"{type(error).__name__}: {error}")
            except Exception as error:
                self._retry_or_give_up(record, message, error)

    def _retry_or_give_up(self, record: SQSRecord, message: AnyMessage, error: Exception) -> None:
        receives = int(record.attributes.approximate_receive_count)
        logger.exception("message failed", extra={"receives": receives})
        count(Metric.MESSAGES_FAILED)
        if receives < MAX_TRIES or message.client_id in self._given_up:
            raise error
        self._given_up.add(message.client_id)
        self._move_to_dlq(
            record, message, f"{type(error).__name__} after {receives} tries: {error}"
        )

    def _move_to_dlq(self, record: SQSRecord, message: AnyMessage | None, reason: str) -> None:
        if message is not None:
            self._give_up_order(message, reason)
        self._sqs.send_message(
            QueueUrl=self._dlq_url,
            MessageBody=record.body,
            MessageGroupId=record.attributes.message_group_id or "unknown",
            MessageDeduplicationId=record.message_id,
            MessageAttributes={"reason": {"DataType": "String", "StringValue": reason[:1024]}},
        )
        logger.error("message moved to the dead-letter queue", extra={"reason": reason})
        count(Metric.MESSAGES_BURIED)

    def _give_up_order(self, message: AnyMessage, reason: str) -> None:
        try:
            self._give_up(message, reason)
        except Exception:
            logger.exception("order neither rejected nor flagged")
            count(Metric.ORDERS_NOT_MARKED)


def message_deadline(context: LambdaContext) -> Deadline:
    """The deadline for beginning another message, or another order."""
    return invocation_deadline(context, timedelta(milliseconds=ENOUGH_TIME_MS))


def _begun_before(record: SQSRecord) -> bool:
    """Whether another worker may have begun the message, perhaps before it went to the DLQ."""
    redriven = REDRIVEN in record.raw_event.get("messageAttributes", {})
    return redriven or int(record.attributes.approximate_receive_count) > 1


def _pause(receives: int) -> int:
    longest = min(FIRST_PAUSE_SECONDS * 2 ** (receives - 1), LONGEST_PAUSE_SECONDS)
    return round(random.uniform(longest / 2, longest))  # noqa: S311
