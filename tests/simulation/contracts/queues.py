"""One interface for the SQS backends that the suites compare."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.simulation.services.sqs import Sqs


@dataclass
class Backend:
    """An SQS, and a way to let its time pass."""

    client: Any
    wait: Callable[[float], object]
    create: Callable[..., str]

    def send(
        self,
        url: str,
        body: str,
        group: str = "G",
        deduplication_id: str | None = None,
        **more: Any,
    ) -> Any:
        return self.client.send_message(
            QueueUrl=url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication_id or str(uuid4()),
            **more,
        )

    def receive(self, url: str, most: int = 10, **more: Any) -> list[Any]:
        more = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"], **more}
        answer = self.client.receive_message(QueueUrl=url, MaxNumberOfMessages=most, **more)
        messages: list[Any] = answer.get("Messages", [])
        return messages

    def delete(self, url: str, message: Any) -> None:
        self.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def refused(self, operation: str, **params: Any) -> str:
        """The error code of a call that must fail."""
        with pytest.raises(ClientError) as refused:
            getattr(self.client, operation)(**params)
        return str(refused.value.response["Error"]["Code"])


class Simulated:
    """The simulated SQS and its clock."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.sqs = Sqs(lambda: self.now, random.Random(1))

    def wait(self, seconds: float) -> None:
        self.now += seconds


def create_queue(
    client: Any,
    name: str,
    *,
    visibility_timeout: int = 30,
    dead_letter_queue: str | None = None,
    max_receive_count: int | None = None,
    content_based_deduplication: bool = True,
    high_throughput: bool = True,
    delay_seconds: int = 0,
) -> str:
    """Do through the API what `Sqs.create_queue` does."""
    attributes = {"VisibilityTimeout": str(visibility_timeout), "DelaySeconds": str(delay_seconds)}
    if name.endswith(".fifo"):
        attributes |= {
            "FifoQueue": "true",
            "ContentBasedDeduplication": str(content_based_deduplication).lower(),
            "DeduplicationScope": "messageGroup" if high_throughput else "queue",
            "FifoThroughputLimit": "perMessageGroupId" if high_throughput else "perQueue",
        }
    if dead_letter_queue is not None:
        dead_letters = client.get_queue_url(QueueName=dead_letter_queue)["QueueUrl"]
        answer = client.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])
        policy = {
            "deadLetterTargetArn": answer["Attributes"]["QueueArn"],
            "maxReceiveCount": max_receive_count,
        }
        attributes["RedrivePolicy"] = json.dumps(policy)
    url: str = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def bodies(messages: list[Any]) -> list[str]:
    """The bodies of received messages."""
    return [message["Body"] for message in messages]
