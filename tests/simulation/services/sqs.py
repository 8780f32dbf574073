"""SQS in memory: FIFO queues, and the standard queues that are used as DLQs.

They follow the API reference and the developer guide.
"""

import random
from collections.abc import Callable
from typing import Any

from tests.simulation.services import sqs_wire as wire
from tests.simulation.services.errors import ServiceError
from tests.simulation.services.sqs_batch import each, known, without_id
from tests.simulation.services.sqs_queue import Message, Order, Queue, QueuedMessage

REGION = "us-east-1"
MAX_MESSAGE_BYTES = 1_048_576
"""The limit also applies to a batch as a whole."""
MAX_BATCH, MAX_DELAY, MAX_VISIBILITY_TIMEOUT = 10, 900, 43_200
PURGE_PAUSE_SECONDS = 60
FIRST_SEQUENCE_NUMBER = 18_849_496_460_467_696_128
_SEND_ENTRY = frozenset(
    {
        "Id",
        "MessageBody",
        "MessageGroupId",
        "MessageDeduplicationId",
        "MessageAttributes",
        "DelaySeconds",
    }
)
_SEND = _SEND_ENTRY - {"Id"} | {"QueueUrl"}
_RECEIVE = frozenset(
    {
        "QueueUrl",
        "MaxNumberOfMessages",
        "VisibilityTimeout",
        "AttributeNames",
        "MessageSystemAttributeNames",
        "MessageAttributeNames",
        "WaitTimeSeconds",
    }
)
_DELETE = frozenset({"QueueUrl", "ReceiptHandle"})
_CHANGE = _DELETE | {"VisibilityTimeout"}
_DELETE_ENTRY, _CHANGE_ENTRY = _DELETE - {"QueueUrl"} | {"Id"}, _CHANGE - {"QueueUrl"} | {"Id"}
_ENTRIES, _ATTRIBUTES = (
    frozenset({"QueueUrl", "Entries"}),
    frozenset({"QueueUrl", "AttributeNames"}),
)
_URL, _NAME, _PREFIX = (
    frozenset({"QueueUrl"}),
    frozenset({"QueueName"}),
    frozenset({"QueueNamePrefix"}),
)


class Sqs:
    """Every queue of an account.

    `unprocessed` is called for each message of a batch: whether the service fails to take it.
    If `groups` is set, it chooses from which groups a receive takes, and in which order.
    """

    def __init__(self, now: Callable[[], float], random: random.Random) -> None:
        self.groups: Order | None = None
        self.unprocessed: Callable[[], bool] = lambda: False
        self._now = now
        self._random = random
        self._sequence = FIRST_SEQUENCE_NUMBER
        self._queues: dict[str, Queue] = {}
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "SendMessage": self._send_message,
            "SendMessageBatch": self._send_message_batch,
            "ReceiveMessage": self._receive_message,
            "DeleteMessage": self._delete_message,
            "DeleteMessageBatch": self._delete_message_batch,
            "ChangeMessageVisibility": self._change_message_visibility,
            "ChangeMessageVisibilityBatch": self._change_message_visibility_batch,
            "GetQueueAttributes": self._get_queue_attributes,
            "GetQueueUrl": self._get_queue_url,
            "ListQueues": self._list_queues,
            "PurgeQueue": self._purge_queue,
        }

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Perform an operation, with the answer that boto3 returns.

        Raises ServiceError. Raises NotImplementedError for anything that is not simulated.
        """
        handle = self._operations.get(operation)
        if handle is None:
            raise NotImplementedError(f"sqs {operation}")
        return handle(params)

    def create_queue(
        self,
        name: str,
        *,
        visibility_timeout: int = 30,
        dead_letter_queue: str | None = None,
        max_receive_count: int | None = None,
        content_based_deduplication: bool = True,
        high_throughput: bool = True,
        delay_seconds: int = 0,
        retention_seconds: int = 4 * 86_400,
        maximum_message_size: int = MAX_MESSAGE_BYTES,
    ) -> str:
        """Create a queue and return its URL.

        `dead_letter_queue` names an existing queue. With `high_throughput`, deduplication works
        within a message group.
        """
        url = f"https://sqs.{REGION}.amazonaws.com/{wire.ACCOUNT}/{name}"
        if url in self._queues or (dead_letter_queue is None) is not (max_receive_count is None):
            raise ValueError(f"queue {name}: exists already, or has half a redrive policy")
        dead_letters = None if dead_letter_queue is None else self._named(dead_letter_queue)
        self._queues[url] = queue = Queue(
            name,
            url,
            f"arn:aws:sqs:{REGION}:{wire.ACCOUNT}:{name}",
            self._now(),
            visibility_timeout=visibility_timeout,
            dead_letters=dead_letters,
            max_receive_count=max_receive_count,
            content_based_deduplication=content_based_deduplication,
            high_throughput=high_throughput,
            delay_seconds=delay_seconds,
            retention_seconds=retention_seconds,
            maximum_message_size=maximum_message_size,
        )
        if dead_letters is not None and dead_letters.fifo is not queue.fifo:
            raise ValueError(f"the dead-letter queue of {name} must be of its type")
        return url

    def messages(self, queue_url: str) -> list[QueuedMessage]:
        """For checkers: every message and its state."""
        queue, now = self._queue(queue_url), self._now()
        queue.expire(now)
        return queue.states(now)

    def next_visible_at(self, queue_url: str) -> float | None:
        """When a receive may find a message, or None if the queue is empty.

        The time may be in the past.
        """
        return self._queue(queue_url).next_available_at()

    def _send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        known(params, _SEND)
        return self._send(self._queue(params["QueueUrl"]), params)

    def _send_message_batch(self, params: dict[str, Any]) -> dict[str, Any]:
        queue, entries = self._batch(params)
        if sum(wire.size(entry) for entry in entries) > MAX_MESSAGE_BYTES:
            raise ServiceError(
                "BatchRequestTooLong",
                f"Batch requests cannot be longer than {MAX_MESSAGE_BYTES} bytes.",
            )

        def send(entry: dict[str, Any]) -> dict[str, Any]:
            if self.unprocessed():
                raise ServiceError("InternalError", "try again")
            return self._send(queue, entry)

        return each(entries, _SEND_ENTRY, send)

    def _send(self, queue: Queue, entry: dict[str, Any]) -> dict[str, Any]:
        now, body = self._now(), entry["MessageBody"]
        attributes = entry.get("MessageAttributes", {})
        wire.check_content(body, attributes)
        if wire.size(entry) > queue.maximum_message_size:
            raise wire.invalid(
                "One or more parameters are invalid. Reason: Message must be shorter than "
                f"{queue.maximum_message_size} bytes."
            )
        delay = entry.get("DelaySeconds", queue.delay_seconds)
        message_id = self._new_id()
        if queue.fifo:
            if entry.get("DelaySeconds"):
                raise wire.invalid(
                    f"Value {delay} for parameter DelaySeconds is invalid. Reason: The request "
                    "include parameter that is not valid for this queue type."
                )
            delay = queue.delay_seconds
            group, deduplication_id = wire.fifo_ids(entry, queue)
            if (first := queue.duplicate(group, deduplication_id, now)) is not None:
                return {
                    "MessageId": first.message_id,
                    "MD5OfMessageBody": wire.md5(body),
                    "SequenceNumber": first.sequence_number,
                }
        else:
            group, deduplication_id = message_id, None
            if "MessageDeduplicationId" in entry:
                raise wire.invalid(
                    "The request include parameter MessageDeduplicationId that is not valid for "
                    "this queue type."
                )
            if "MessageGroupId" in entry:
                raise NotImplementedError("message groups of a standard queue")
        if not 0 <= delay <= MAX_DELAY:
            raise wire.out_of_range("DelaySeconds", delay, MAX_DELAY)
        self._sequence += 256
        message = Message(
            message_id,
            body,
            wire.md5(body),
            group,
            deduplication_id,
            attributes,
            str(self._sequence),
            sent_at=now,
            visible_at=now + delay,
        )
        queue.put(message)
        answer = {"MessageId": message_id, "MD5OfMessageBody": message.md5}
        if queue.fifo:
            answer["SequenceNumber"] = message.sequence_number
        return answer

    def _receive_message(self, params: dict[str, Any]) -> dict[str, Any]:
        known(params, _RECEIVE)
        if params.get("WaitTimeSeconds"):
            raise NotImplementedError("sqs ReceiveMessage that waits")
        queue, now = self._queue(params["QueueUrl"]), self._now()
        wanted = params.get("MaxNumberOfMessages", 1)
        if not 1 <= wanted <= MAX_BATCH:
            raise wire.invalid(
                f"Value {wanted} for parameter MaxNumberOfMessages is invalid. Reason: Must be "
                "between 1 and 10, if provided."
            )
        timeout = params.get("VisibilityTimeout", queue.visibility_timeout)
        if not 0 <= timeout <= MAX_VISIBILITY_TIMEOUT:
            raise wire.out_of_range("VisibilityTimeout", timeout, MAX_VISIBILITY_TIMEOUT)
        system = {*params.get("MessageSystemAttributeNames", ()), *params.get("AttributeNames", ())}
        if unknown := system - wire.SYSTEM_ATTRIBUTES:
            raise NotImplementedError(f"message system attributes {sorted(unknown)}")
        names = params.get("MessageAttributeNames", ())
        taken = queue.take(wanted, now, now + timeout, self.groups, self._new_handle)
        received = [wire.received(message, system, names) for message in taken]
        return {"Messages": received} if received else {}

    def _delete_message(self, params: dict[str, Any]) -> dict[str, Any]:
        known(params, _DELETE)
        queue, handle = self._queue(params["QueueUrl"]), params["ReceiptHandle"]
        message = _of_receipt(queue, handle)
        if message.receipt_handle == handle and message.deleted:
            return {}  # a repeated delete has nothing left to delete
        expired = message.receipt_handle != handle or message.deleted
        if not queue.fifo:
            if not expired:
                queue.remove(message)
            # "If you use an old receipt handle, the request succeeds, but the message might not be
            # deleted."
            return {}
        if expired or message.visible_at <= self._now():
            raise wire.invalid(
                f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt "
                "handle has expired."
            )
        queue.remove(message)
        return {}

    def _delete_message_batch(self, params: dict[str, Any]) -> dict[str, Any]:
        queue, entries = self._batch(params)
        return each(
            entries,
            _DELETE_ENTRY,
            lambda entry: self._delete_message({"QueueUrl": queue.url, **without_id(entry)}),
        )

    def _change_message_visibility(self, params: dict[str, Any]) -> dict[str, Any]:
        known(params, _CHANGE)
        queue, handle, now = self._queue(params["QueueUrl"]), params["ReceiptHandle"], self._now()
        timeout = params["VisibilityTimeout"]
        if not 0 <= timeout <= MAX_VISIBILITY_TIMEOUT:
            raise wire.out_of_range("VisibilityTimeout", timeout, MAX_VISIBILITY_TIMEOUT)
        message = _of_receipt(queue, handle)
        if message.receipt_handle != handle or message.deleted or message.visible_at <= now:
            if queue.fifo or message.deleted:
                raise wire.invalid(
                    f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does "
                    "not exist or is not available for visibility timeout change."
                )
            raise ServiceError("MessageNotInflight", "The specified message isn't in flight.")
        queue.change_visibility(message, now + timeout)
        return {}

    def _change_message_visibility_batch(self, params: dict[str, Any]) -> dict[str, Any]:
        queue, entries = self._batch(params)
        return each(
            entries,
            _CHANGE_ENTRY,
            lambda entry: self._change_message_visibility(
                {"QueueUrl": queue.url, **without_id(entry)}
            ),
        )

    def _get_queue_attributes(self, params: dict[str, Any]) -> dict[str, Any]:
        known(params, _ATTRIBUTES)
        names = params.get("AttributeNames", ())
        attributes = wire.attributes(
            self._queue(params["QueueUrl"]), self.messages(params["QueueUrl"])
        )
        if "All" not in names:
            if unknown := [name for name in names if name not in attributes]:
                raise NotImplementedError(f"queue attributes {unknown}")
            attributes = {name: attributes[name] for name in names}
        return {"Attributes": attributes} if attributes else {}

    def _get_queue_url(self, params: dict[str, Any]) -> dict[str, Any]:
        known(params, _NAME)
        return {"QueueUrl": self._named(params["QueueName"]).url}

    def _list_queues(self, params: dict[str, Any]) -> dict[str, Any]:
        known(params, _PREFIX)
        prefix = params.get("QueueNamePrefix", "")
        urls = [queue.url for queue in self._queues.values() if queue.name.startswith(prefix)]
        return {"QueueUrls": urls} if urls else {}

    def _purge_queue(self, params: dict[str, Any]) -> dict[str, Any]:
        known(params, _URL)
        queue, now = self._queue(params["QueueUrl"]), self._now()
        if now - queue.purged_at < PURGE_PAUSE_SECONDS:
            raise ServiceError(
                "PurgeQueueInProgress",
                f"Only one PurgeQueue operation on {queue.name} is allowed every "
                f"{PURGE_PAUSE_SECONDS} seconds.",
            )
        queue.purged_at = now
        queue.purge()
        return {}

    def _queue(self, url: str) -> Queue:
        queue = self._queues.get(url)
        if queue is None:
            raise ServiceError("QueueDoesNotExist", "The specified queue does not exist.")
        return queue

    def _named(self, name: str) -> Queue:
        return self._queue(f"https://sqs.{REGION}.amazonaws.com/{wire.ACCOUNT}/{name}")

    def _batch(self, params: dict[str, Any]) -> tuple[Queue, list[dict[str, Any]]]:
        known(params, _ENTRIES)
        entries: list[dict[str, Any]] = params["Entries"]
        if not entries:
            raise ServiceError(
                "EmptyBatchRequest", "There should be at least one entry in the request."
            )
        if len(entries) > MAX_BATCH:
            raise ServiceError(
                "TooManyEntriesInBatchRequest",
                f"Maximum number of entries per request are {MAX_BATCH}.",
            )
        if len({entry["Id"] for entry in entries}) < len(entries):
            raise ServiceError(
                "BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.",
            )
        return self._queue(params["QueueUrl"]), entries

    def _new_id(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _new_handle(self) -> str:
        return f"AQEB{self._random.getrandbits(160):040x}"


def _of_receipt(queue: Queue, handle: str) -> Message:
    message = queue.receipts.get(handle)
    if message is None:
        raise ServiceError(
            "ReceiptHandleIsInvalid",
            f'The input receipt handle "{handle}" is not a valid receipt handle.',
        )
    return message
