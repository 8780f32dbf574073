"""Event source mappings.

They poll queues, have functions handle the messages, and delete the handled ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tests.simulation.engine import Engine, Outcome
from tests.simulation.faults import Faults
from tests.simulation.lambdas import Lambda
from tests.simulation.retries import check_pauses
from tests.simulation.services.sqs import Sqs

BATCH_SIZE = 10


class EventSources:
    """The mappings of queues, by URL, to functions.

    visibility_timeout: of each queue, in seconds. delays_retries: whether the functions say
    themselves when a failed message comes again.
    """

    def __init__(
        self,
        engine: Engine,
        random: Random,
        faults: Faults,
        sqs: Sqs,
        lambdas: Lambda,
        functions: Mapping[str, str],
        visibility_timeout: Mapping[str, float],
        *,
        delays_retries: bool = True,
    ) -> None:
        self._engine = engine
        self._random = random
        self._faults = faults
        self._sqs = sqs
        self._lambdas = lambdas
        self._functions = functions
        self._visibility_timeout = visibility_timeout
        self._delays_retries = delays_retries
        self._polled_at: dict[str, float] = {}

    def poll_soon(self, queue_url: str) -> None:
        """Poll soon, because there may be a message."""
        if queue_url in self._functions:
            self._poll_at(queue_url, self._engine.now + self._random.uniform(0.001, 0.05))

    def poll_when_visible(self, queue_url: str) -> None:
        """Poll again when hidden messages become visible."""
        visible_at = self._sqs.next_visible_at(queue_url)
        if visible_at is not None and queue_url in self._functions:
            self._poll_at(queue_url, max(visible_at, self._engine.now + 0.001))

    def _poll_at(self, queue_url: str, time: float) -> None:
        planned = self._polled_at.get(queue_url)
        if planned is not None and self._engine.now <= planned <= time:
            return
        self._polled_at[queue_url] = time
        self._engine.at(time, lambda: self._poll(queue_url, time))

    def _poll(self, queue_url: str, planned: float) -> None:
        if self._polled_at.get(queue_url) != planned:
            return
        del self._polled_at[queue_url]
        function = self._functions[queue_url]
        received = self._sqs.call(
            "ReceiveMessage",
            {
                "QueueUrl": queue_url,
                "MaxNumberOfMessages": self._random.randint(1, BATCH_SIZE),
                "MessageSystemAttributeNames": ["All"],
                "MessageAttributeNames": ["All"],
            },
        ).get("Messages", [])
        if not received:
            self.poll_when_visible(queue_url)
            return
        visible_again = self._engine.now + self._visibility_timeout[queue_url]
        records = [_record(message) for message in received]
        first = received[0]["Attributes"]
        key = f"{received[0]['MessageId']} x{len(received)} r{first['ApproximateReceiveCount']}"
        self._lambdas.invoke(
            function,
            {"Records": records},
            key,
            lambda outcome: self._handled(queue_url, received, outcome, visible_again),
        )
        self.poll_soon(queue_url)

    def _handled(
        self, queue_url: str, received: list[dict[str, Any]], outcome: Outcome, untouched: float
    ) -> None:
        """Delete the handled messages, unless a fault loses the deletion. The others come again by
        themselves.
        """
        failed = {message["MessageId"] for message in received}
        if outcome.value is not None:
            failed = {failure["itemIdentifier"] for failure in outcome.value["batchItemFailures"]}
            if self._delays_retries:
                self._check_pauses(
                    queue_url, [m for m in received if m["MessageId"] in failed], untouched
                )
        for message in received:
            if message["MessageId"] in failed or self._faults.happens("redelivered", self._random):
                continue
            self._sqs.call(
                "DeleteMessage", {"QueueUrl": queue_url, "ReceiptHandle": message["ReceiptHandle"]}
            )
        self.poll_soon(queue_url)

    def _check_pauses(
        self, queue_url: str, failed: Sequence[dict[str, Any]], untouched: float
    ) -> None:
        """Check the pauses of the messages that are still this worker's.

        The answer to its change of the visibility can get lost. While it repeats the change, the
        message can come to another worker. From then on the other receive decides.
        """
        if failed:
            tried = {
                m["MessageId"]: int(m["Attributes"]["ApproximateReceiveCount"]) for m in failed
            }
            visible_at = {
                m.message_id: m.visible_at
                for m in self._sqs.messages(queue_url)
                if m.receives == tried.get(m.message_id)
            }
            check_pauses(failed, visible_at, untouched, self._engine.now)


def _record(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:queue.fifo",
        "awsRegion": "us-east-1",
    }
