"""The dead-letter queues: look without taking, redrive, discard."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from ops.audit import AuditLog
from ops.target import Target
from trading.adapters.messaging.mailbox_worker import REDRIVEN
from trading.adapters.runtime import clock
from trading.domain import identifiers

HOLD_SECONDS = 60
"""A received message is hidden from others for this long if we die before giving it back."""
LONG_POLL_SECONDS = 1
"""A short poll asks only some of the servers of a queue."""
BODY_KEPT = 90_000
"""Characters that the audit log keeps: an item is limited. Our messages have a hundredth."""
FORGOTTEN = "DDBStreamBatchInfo"
"""A key of Lambda's message about stream records that it gave up: their positions in the stream."""
RECEIVED_TOO_OFTEN = "received too often: it killed its worker, or waited behind one that did"


class DeadLetterQueue(StrEnum):
    """A dead-letter queue. Of the three FIFO queues, ten messages of a client can be seen."""

    EXECUTION = "execution"
    CLEARING = "clearing"
    SETTLEMENT = "settlement"
    INVOCATIONS = "invocations"
    SCHEDULES = "schedules"
    EVENTS = "events"

    @property
    def is_mailbox(self) -> bool:
        """Whether its messages come from clients' mailboxes."""
        return self in (
            DeadLetterQueue.EXECUTION,
            DeadLetterQueue.CLEARING,
            DeadLetterQueue.SETTLEMENT,
        )

    @property
    def queue_name(self) -> str:
        """The name of the queue, without the stage."""
        return f"{self}-dlq.fifo" if self.is_mailbox else f"{self}-dlq"


@dataclass(frozen=True)
class Letter:
    """A message in a dead-letter queue."""

    queue: DeadLetterQueue
    message_id: str
    receipt: str
    body: str
    group: str | None
    sent_at: datetime
    receives: int
    attributes: dict[str, str]

    @property
    def subject(self) -> str:
        """The name of the message in the audit log."""
        return f"{self.queue}/{self.message_id}"

    @property
    def reason(self) -> str:
        """Why the message is in the queue."""
        if self.queue is DeadLetterQueue.INVOCATIONS:
            record = self.content
            said, context = record.get("responsePayload") or {}, record.get("requestContext") or {}
            error = (
                f"{said['errorType']}: {said.get('errorMessage')}" if said.get("errorType") else ""
            )
            return error or str(context.get("condition", "unknown"))
        if self.queue is DeadLetterQueue.SCHEDULES:
            return (
                f"{self.attributes.get('ERROR_CODE', 'unknown')}: "
                f"{self.attributes.get('ERROR_MESSAGE', '')}"
            )
        if self.queue is DeadLetterQueue.EVENTS:
            return self._reason_of_event
        return self.attributes.get("reason", RECEIVED_TOO_OFTEN)

    @property
    def _reason_of_event(self) -> str:
        """From the publisher, the bus or Lambda. SQS itself gives none after too many receives."""
        if FORGOTTEN in self.content:
            condition = (self.content.get("requestContext") or {}).get("condition", "unknown")
            return f"the publisher gave up: {condition}"
        code = self.attributes.get("ERROR_CODE")
        if code:
            return f"{code}: {self.attributes.get('ERROR_MESSAGE', '')}"
        return self.attributes.get("reason", "the log of events could not handle it")

    @property
    def content(self) -> dict[str, Any]:
        """The body as an object, empty if it is not one."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def order_id(self) -> str | None:
        """The order that the message is about."""
        report = self.content.get("report")
        if isinstance(report, dict):
            return identifiers.parent_order_id(str(report.get("client_order_id")))
        order_id = self.content.get("order_id")
        return str(order_id) if order_id else None


class CannotRedriveError(Exception):
    """The message does not name what to repeat."""


@dataclass(frozen=True)
class Done:
    """The result of a redrive or discard. `left`: messages that arrived after it began."""

    handled: int
    left: int


@dataclass(frozen=True)
class DeadLetters:
    """The dead-letter queues of a deployment."""

    target: Target
    audit: AuditLog
    warn: Callable[[str], None]

    def depth(self, queue: DeadLetterQueue) -> int:
        """Return about how many messages the queue holds, with those that are in flight."""
        answer = self.target.sqs.get_queue_attributes(
            QueueUrl=self._url(queue),
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
        return sum(map(int, answer["Attributes"].values()))

    def peek(self, queue: DeadLetterQueue, limit: int) -> list[Letter]:
        """Return the messages that can be seen, and give them back at once.

        A receive counts against no limit in a dead-letter queue.
        """
        letters: list[Letter] = []
        with self._held(queue, letters):
            while len(letters) < limit:
                received, _ = self._receive(queue)
                if not received:
                    break
                letters += received
        return letters

    def redrive(self, queue: DeadLetterQueue, message_id: str | None, reason: str) -> Done:
        """Send one message or all back to their origin, in order; then delete them here.

        A crash between the two leaves both copies. The next redrive repeats the deduplication id,
        and each handler tolerates a second delivery. Raises CannotRedriveError.
        """
        return self._each(queue, message_id, reason, "redrive", REDRIVEN, self._send_back)

    def discard(self, queue: DeadLetterQueue, message_id: str | None, reason: str) -> Done:
        """Delete one message or all. The audit log keeps the bodies."""
        return self._each(
            queue, message_id, reason, "discard", "discarded", lambda letter, number: {}
        )

    def _each(
        self,
        queue: DeadLetterQueue,
        message_id: str | None,
        reason: str,
        action: str,
        past: str,
        act: Callable[[Letter, int], dict[str, str]],
    ) -> Done:
        handled, left = 0, 0
        held: list[Letter] = []
        began: datetime | None = None
        with self._held(queue, held):
            while not (message_id and handled):
                received, now = self._receive(queue)
                began = began or now
                held += received
                if not received:
                    break
                for letter in received:
                    if (
                        message_id is None and letter.sent_at >= began
                    ):  # what we sent back may be here again already
                        left += 1
                    elif message_id in (None, letter.message_id):
                        self._once(letter, reason, action, past, act)
                        held.remove(letter)
                        handled += 1
        return Done(handled, left)

    def _once(
        self,
        letter: Letter,
        reason: str,
        action: str,
        past: str,
        act: Callable[[Letter, int], dict[str, str]],
    ) -> None:
        before = [entry for entry in self.audit.of(letter.subject) if entry.action == REDRIVEN]
        facts = {
            "queue": str(letter.queue),
            "message_id": letter.message_id,
            "group": letter.group or "",
        }
        digest = hashlib.sha256(letter.body.encode()).hexdigest()
        kept = {
            "why_it_failed": letter.reason,
            "body_sha256": digest,
            "body": letter.body[:BODY_KEPT],
        }
        self.audit.record(letter.subject, action, reason, **facts, **kept)
        outcome = act(letter, len(before) + 1)
        self.target.sqs.delete_message(
            QueueUrl=self._url(letter.queue), ReceiptHandle=letter.receipt
        )
        self.audit.record(letter.subject, past, reason, **facts, **outcome)

    def _send_back(self, letter: Letter, number: int) -> dict[str, str]:
        deduplication_id = hashlib.sha256(f"{letter.message_id}#{number}".encode()).hexdigest()
        if letter.queue.is_mailbox:
            # A worker takes what is marked as begun before, whatever its receive count says.
            answer = self.target.sqs.send_message(
                QueueUrl=self.target.queue_url(f"{letter.queue}.fifo"),
                MessageBody=letter.body,
                MessageGroupId=letter.group or "unknown",
                MessageDeduplicationId=deduplication_id,
                MessageAttributes={
                    REDRIVEN: {"DataType": "String", "StringValue": letter.message_id}
                },
            )
            return {"sent_as": answer["MessageId"]}
        if letter.queue is DeadLetterQueue.EVENTS:
            return self._publish_again(letter)
        if letter.queue is DeadLetterQueue.INVOCATIONS:
            record = letter.content
            arn = (record.get("requestContext") or {}).get("functionArn")
            if not arn or "requestPayload" not in record:
                raise CannotRedriveError(f"{letter.message_id} names no function and no event")
            return self._invoke(arn, json.dumps(record["requestPayload"]))
        arn = letter.attributes.get("TARGET_ARN", "")
        if letter.attributes.get("IS_PAYLOAD_TRUNCATED", "false") != "false":
            raise CannotRedriveError(f"the input in {letter.message_id} is cut off")
        if ":function:" in arn:
            return self._invoke(arn, letter.body)
        if ":stateMachine:" in arn:
            return self._start(arn, f"redrive-{deduplication_id[:32]}", letter.body)
        raise CannotRedriveError(f"{letter.message_id} names no function and no workflow: {arn!r}")

    def _publish_again(self, letter: Letter) -> dict[str, str]:
        """Give a stream record to the publisher, and anything else to the queue of the log."""
        content = letter.content
        if FORGOTTEN in content or ("sequence_number" in content and "record" not in content):
            raise CannotRedriveError(f"{letter.message_id} does not hold the record itself")
        if "record" not in content:
            answer = self.target.sqs.send_message(
                QueueUrl=self.target.queue_url("events"), MessageBody=letter.body
            )
            return {"sent_as": answer["MessageId"]}
        function = self.target.called("event-publisher")
        # The publisher has no queue for failed invocations, so wait for its answer.
        done = self.target.functions.invoke(
            FunctionName=function, Payload=json.dumps({"Records": [content["record"]]})
        )
        if "FunctionError" in done:
            raise CannotRedriveError(f"{function} failed on {letter.message_id}: see its log")
        return {"invoked": function}

    def _invoke(self, arn: str, event: str) -> dict[str, str]:
        """Invoke asynchronously, with three tries. If all fail, the message comes back here."""
        self.target.functions.invoke(FunctionName=arn, InvocationType="Event", Payload=event)
        return {"invoked": arn}

    def _start(self, arn: str, name: str, given: str) -> dict[str, str]:
        client = self.target.stepfunctions
        try:
            client.start_execution(stateMachineArn=arn, name=name, input=given)
        except client.exceptions.ExecutionAlreadyExists:
            return {"started": f"{name}, before"}
        return {"started": name}

    def _url(self, queue: DeadLetterQueue) -> str:
        return self.target.queue_url(queue.queue_name)

    def _receive(self, queue: DeadLetterQueue) -> tuple[list[Letter], datetime]:
        """Receive up to ten messages. Return them and the queue's clock, to the second."""
        answer = self.target.sqs.receive_message(
            QueueUrl=self._url(queue),
            MaxNumberOfMessages=10,
            VisibilityTimeout=HOLD_SECONDS,
            WaitTimeSeconds=LONG_POLL_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = parsedate_to_datetime(date) if date else clock.now()
        return [_letter(queue, message) for message in answer.get("Messages", [])], now

    @contextmanager
    def _held(self, queue: DeadLetterQueue, letters: Sequence[Letter]) -> Iterator[None]:
        """Give back at the end what is in `letters`.

        The order does not matter: while one message is in flight, its group waits.
        """
        try:
            yield
        finally:
            for start in range(0, len(letters), 10):
                self._give_back(queue, letters[start : start + 10])

    def _give_back(self, queue: DeadLetterQueue, letters: Sequence[Letter]) -> None:
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
            for number, letter in enumerate(letters)
        ]
        answer = self.target.sqs.change_message_visibility_batch(
            QueueUrl=self._url(queue), Entries=entries
        )
        if answer.get("Failed"):
            self.warn(
                f"{len(answer['Failed'])} messages can be seen again only in {HOLD_SECONDS} s"
            )


def _letter(queue: DeadLetterQueue, message: Any) -> Letter:
    system = message["Attributes"]
    return Letter(
        queue=queue,
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        group=system.get("MessageGroupId"),
        sent_at=datetime.fromtimestamp(int(system["SentTimestamp"]) / 1000, UTC),
        receives=int(system["ApproximateReceiveCount"]),
        attributes={
            name: value["StringValue"]
            for name, value in message.get("MessageAttributes", {}).items()
            if "StringValue" in value
        },
    )
