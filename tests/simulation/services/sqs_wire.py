"""What SQS accepts in a message, and the form of messages and queues in its answers."""

import hashlib
import re
from collections.abc import Collection
from typing import Any

from tests.simulation.services.errors import ServiceError
from tests.simulation.services.sqs_queue import Message, Queue, QueuedMessage

ACCOUNT = "000000000000"
SYSTEM_ATTRIBUTES = frozenset(
    {
        "All",
        "ApproximateFirstReceiveTimestamp",
        "ApproximateReceiveCount",
        "DeadLetterQueueSourceArn",
        "MessageDeduplicationId",
        "MessageGroupId",
        "SenderId",
        "SentTimestamp",
        "SequenceNumber",
    }
)
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def fifo_ids(entry: dict[str, Any], queue: Queue) -> tuple[str, str]:
    """The group and the deduplication id of a message sent to a FIFO queue."""
    group = entry.get("MessageGroupId")
    if not group:
        raise ServiceError(
            "MissingParameter", "The request must contain the parameter MessageGroupId."
        )
    _check_id("MessageGroupId", group)
    deduplication_id = entry.get("MessageDeduplicationId")
    if deduplication_id is None:
        if not queue.content_based_deduplication:
            raise invalid(
                "The queue should either have ContentBasedDeduplication enabled or "
                "MessageDeduplicationId provided explicitly"
            )
        return group, hashlib.sha256(entry["MessageBody"].encode()).hexdigest()
    _check_id("MessageDeduplicationId", deduplication_id)
    return group, deduplication_id


def _check_id(name: str, value: str) -> None:
    """Printable ASCII without the space is alphanumeric characters and punctuation."""
    if not (0 < len(value) <= 128 and value.isascii() and value.isprintable() and " " not in value):
        raise invalid(
            f"Value {value} for parameter {name} is invalid. Reason: {name} can only include "
            "alphanumeric and punctuation characters. 1 to 128 in length."
        )


def check_content(body: str, attributes: dict[str, Any]) -> None:
    if not body:
        raise ServiceError(
            "MissingParameter", "The request must contain the parameter MessageBody."
        )
    if not body.isprintable() and _FORBIDDEN.search(body):
        raise ServiceError(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are those of XML.",
        )
    if len(attributes) > 10:
        raise invalid("Number of message attributes exceeds the allowed maximum 10.")
    for name, attribute in attributes.items():
        if attribute["DataType"] not in ("String", "Number") or attribute.keys() - {
            "DataType",
            "StringValue",
        }:
            raise NotImplementedError(f"message attribute {name} of type {attribute['DataType']}")
        if not attribute.get("StringValue"):
            raise invalid(
                f"Message (user) attribute '{name}' must contain a non-empty value of type "
                "'String'."
            )


def size(entry: dict[str, Any]) -> int:
    """The number of bytes that count: the body, and the attributes' names, types and values."""
    body: str = entry["MessageBody"]
    total = len(body) if body.isascii() else len(body.encode("utf-8", "surrogatepass"))
    for name, attribute in entry.get("MessageAttributes", {}).items():
        total += sum(len(text.encode()) for text in (name, *attribute.values()))
    return total


def received(message: Message, system: set[str], names: Collection[str]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": message.md5,
        "Body": message.body,
    }
    if system:
        attributes = {
            "SenderId": ACCOUNT,
            "SentTimestamp": str(int(message.sent_at * 1000)),
            "ApproximateReceiveCount": str(message.receives),
            "ApproximateFirstReceiveTimestamp": str(int(message.first_received_at * 1000)),
        }
        if message.deduplication_id is not None:
            attributes["SequenceNumber"] = message.sequence_number
            attributes["MessageGroupId"] = message.group
            attributes["MessageDeduplicationId"] = message.deduplication_id
        if message.source_arn is not None:
            attributes["DeadLetterQueueSourceArn"] = message.source_arn
        if "All" not in system:
            attributes = {name: value for name, value in attributes.items() if name in system}
        answer["Attributes"] = attributes
    if names and message.message_attributes:
        asked = {
            name: value
            for name, value in message.message_attributes.items()
            if any(_asks_for(pattern, name) for pattern in names)
        }
        if asked:
            answer["MessageAttributes"] = asked
    return answer


def _asks_for(pattern: str, name: str) -> bool:
    return pattern in ("All", ".*", name) or (
        pattern.endswith(".*") and name.startswith(pattern[:-2])
    )


def attributes(queue: Queue, messages: list[QueuedMessage]) -> dict[str, str]:
    states = [message.state for message in messages]
    attributes = {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(states.count("available") + states.count("behind")),
        "ApproximateNumberOfMessagesNotVisible": str(states.count("in flight")),
        "ApproximateNumberOfMessagesDelayed": str(states.count("delayed")),
        "CreatedTimestamp": str(int(queue.created_at)),
        "VisibilityTimeout": str(queue.visibility_timeout),
        "MaximumMessageSize": str(queue.maximum_message_size),
        "MessageRetentionPeriod": str(queue.retention_seconds),
        "DelaySeconds": str(queue.delay_seconds),
        "ReceiveMessageWaitTimeSeconds": "0",
    }
    if queue.dead_letters is not None:
        attributes["RedrivePolicy"] = (
            f'{{"deadLetterTargetArn":"{queue.dead_letters.arn}","maxReceiveCount":{queue.max_receive_count}}}'
        )
    if queue.fifo:
        attributes["FifoQueue"] = "true"
        attributes["ContentBasedDeduplication"] = (
            "true" if queue.content_based_deduplication else "false"
        )
        attributes["DeduplicationScope"] = "messageGroup" if queue.high_throughput else "queue"
        attributes["FifoThroughputLimit"] = (
            "perMessageGroupId" if queue.high_throughput else "perQueue"
        )
    return attributes


def md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", message)


def out_of_range(name: str, value: int, most: int) -> ServiceError:
    return invalid(
        f"Value {value} for parameter {name} is invalid. Reason: Must be between 0 and {most}, if "
        "provided."
    )
