"""The state of a run's orders from the tables, cheap enough to read during the run."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from local.aws_client import aws_client
from tests.load import tables
from trading.domain import identifiers
from workstation.local_system import STAGE, LocalSystem

DLQ = "-dlq"


@dataclass(frozen=True)
class Standing:
    """Counts of the run's orders. `resting` counts DAY limit orders that rest at an exchange.
    `under_way` counts the orders that somebody still works on.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    filled: int = 0
    cleared: int = 0
    resting: int = 0
    under_way: int = 0

    @property
    def orders(self) -> int:
        """The number of all orders."""
        return sum(self.statuses.values())

    @property
    def at_rest(self) -> int:
        """The number of orders from which nothing more is expected."""
        return self.orders - self.resting - self.under_way


def look(system: LocalSystem, prefix: str) -> Standing:
    """Count the orders of the clients whose ids begin with the prefix."""
    statuses: Counter[str] = Counter()
    filled = cleared = resting = under_way = 0
    condition = "#item = :order AND begins_with(client_id, :prefix)"
    projection = "#status, cleared_at, attention_at, order_type, time_in_force"
    for order in tables.scan(system, "Orders", prefix, condition, projection, order="ORDER"):
        statuses[order["status"]] += 1
        filled += order["status"] in ("FILLED", "CLEARING", "CLEARED", "SETTLING", "SETTLED")
        cleared += "cleared_at" in order
        if "attention_at" in order:
            rests = (order["order_type"], order["time_in_force"]) == ("limit", "DAY")
            if rests and order["status"] in ("ROUTING", "PARTIALLY_FILLED"):
                resting += 1
            else:
                under_way += 1
    return Standing(statuses, filled, cleared, resting, under_way)


def messages(system: LocalSystem) -> dict[str, int]:
    """The number of messages in each queue that is not empty, visible or not, by queue name."""
    sqs = aws_client(system, "sqs")
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    found = {}
    for url in sqs.list_queues(QueueNamePrefix=f"trading-{STAGE}-").get("QueueUrls", []):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(counts))[
            "Attributes"
        ]
        if waiting := sum(int(attributes[name]) for name in counts):
            found[url.rpartition("/")[2].removeprefix(f"trading-{STAGE}-")] = waiting
    return found


@dataclass(frozen=True)
class DeadLetter:
    """A dead-lettered message. `order_id` is the order that it names, if any."""

    queue: str
    body: str
    reason: str

    @property
    def order_id(self) -> str | None:
        """The order that the message, or the event of the invocation, is about."""
        content = self._content()
        if "order_id" in content:
            return str(content["order_id"])
        client_order_id = content.get("client_order_id") or content.get("report", {}).get(
            "client_order_id"
        )
        return identifiers.parent_order_id(client_order_id) if client_order_id else None

    @property
    def is_periodic(self) -> bool:
        """Whether it is a scheduled invocation that concerns no order."""
        return self.queue in ("invocations-dlq", "schedules-dlq") and self.order_id is None

    def _content(self) -> dict[str, Any]:
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        content = content.get("requestPayload", content) if isinstance(content, dict) else {}
        return content if isinstance(content, dict) else {}


def dead_letters(system: LocalSystem) -> list[DeadLetter]:
    """Everything in the dead-letter queues. The messages stay there."""
    return [
        letter for queue in messages(system) if DLQ in queue for letter in _letters(system, queue)
    ]


def _letters(system: LocalSystem, queue: str) -> Iterator[DeadLetter]:
    sqs = aws_client(system, "sqs")
    url = sqs.get_queue_url(QueueName=f"trading-{STAGE}-{queue}")["QueueUrl"]
    received = []
    while batch := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=60
    ).get("Messages"):
        received += batch
    for message in received:
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
        reason = message.get("MessageAttributes", {}).get("reason", {}).get("StringValue", "")
        yield DeadLetter(queue, message["Body"], reason)
