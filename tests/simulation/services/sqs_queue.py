"""One SQS queue: its messages, and which of them can be received when.

A standard queue is a FIFO queue in which every message is a group of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DEDUPLICATION_SECONDS = 300

Order = Callable[[Sequence[str]], Sequence[str]]
"""Chooses from which of the available groups a receive takes, and in which order. SQS promises no
order across groups.
"""


@dataclass(slots=True, eq=False)
class Message:
    """A message.

    `visible_at` is the end of its delay or visibility time-out. `receipt_handle` is that of its
    latest receive.
    """

    message_id: str
    body: str
    md5: str
    group: str
    deduplication_id: str | None
    message_attributes: dict[str, Any]
    sequence_number: str
    sent_at: float
    visible_at: float
    receives: int = 0
    first_received_at: float = 0.0
    receipt_handle: str | None = None
    source_arn: str | None = None
    deleted: bool = False


@dataclass(slots=True)
class Group:
    """The messages of a group in the order in which they were sent.

    While a message is in flight, the group is closed to receives until `closed_until`.
    """

    messages: list[Message] = field(default_factory=list)
    closed_until: float = 0.0

    def available_at(self) -> float:
        """When a message can be received."""
        return max(self.closed_until, self.messages[0].visible_at)

    def reopen(self) -> None:
        """Open the group when the last message in flight comes back.

        The received messages are a prefix of the group.
        """
        self.closed_until = 0.0
        for message in self.messages:
            if message.receives == 0:
                return
            self.closed_until = max(self.closed_until, message.visible_at)


class QueuedMessage(NamedTuple):
    """What a checker sees of a message.

    `state` is available, delayed, in flight, or behind (a message of the group is in flight).
    """

    message_id: str
    group: str
    body: str
    receives: int
    state: str
    sent_at: float
    visible_at: float
    message_attributes: dict[str, Any]


class Queue:
    """A queue's messages by group, and the deduplication ids of the last five minutes."""

    def __init__(
        self,
        name: str,
        url: str,
        arn: str,
        created_at: float,
        *,
        visibility_timeout: int,
        dead_letters: "Queue | None",
        max_receive_count: int | None,
        content_based_deduplication: bool,
        high_throughput: bool,
        delay_seconds: int,
        retention_seconds: int,
        maximum_message_size: int,
    ) -> None:
        self.name, self.url, self.arn, self.created_at = name, url, arn, created_at
        self.fifo = name.endswith(".fifo")
        self.visibility_timeout = visibility_timeout
        self.dead_letters, self.max_receive_count = dead_letters, max_receive_count
        self.content_based_deduplication = content_based_deduplication
        self.high_throughput = high_throughput
        self.delay_seconds = delay_seconds
        self.retention_seconds = retention_seconds
        self.maximum_message_size = maximum_message_size
        self.purged_at = float("-inf")
        self.groups: dict[str, Group] = {}
        self.receipts: dict[str, Message] = {}
        self._sent: dict[tuple[str, str], tuple[float, Message]] = {}
        self._oldest_sent_at = float("inf")

    def duplicate(self, group: str, deduplication_id: str, now: float) -> Message | None:
        """The message of the last five minutes with this deduplication id, consumed or not."""
        sent = self._sent
        while sent:
            key = next(iter(sent))
            if now - sent[key][0] < DEDUPLICATION_SECONDS:
                break
            del sent[key]
        _, message = sent.get(self._scope(group, deduplication_id), (now, None))
        return message

    def put(self, message: Message) -> None:
        """Append a message to its group.

        A sent message also occupies its deduplication id. A message that was moved here does not.
        """
        group = self.groups.get(message.group)
        if group is None:
            group = self.groups[message.group] = Group()
        group.messages.append(message)
        self._oldest_sent_at = min(self._oldest_sent_at, message.sent_at)
        if message.deduplication_id is not None and message.source_arn is None:
            self._sent[self._scope(message.group, message.deduplication_id)] = (
                message.sent_at,
                message,
            )

    def take(
        self,
        wanted: int,
        now: float,
        visible_at: float,
        order: Order | None,
        new_handle: Callable[[], str],
    ) -> Iterator[Message]:
        """Receive messages in order, from each available group as many as wanted.

        A message that was received too often is moved to the DLQ instead.
        """
        self.expire(now)
        available: Sequence[str] = [
            name for name, group in self.groups.items() if group.available_at() <= now
        ]
        if order is not None and available:
            available = order(available)
        for name in available:
            if wanted == 0:
                return
            group = self.groups[name]
            messages, position = group.messages, 0
            while wanted and position < len(messages) and messages[position].visible_at <= now:
                message = messages[position]
                if (
                    self.max_receive_count is not None
                    and message.receives >= self.max_receive_count
                ):
                    del messages[position]
                    self._move_to_dead_letters(message, now)
                    continue
                position, wanted = position + 1, wanted - 1
                message.receives += 1
                message.first_received_at = message.first_received_at or now
                message.visible_at = group.closed_until = visible_at
                message.receipt_handle = new_handle()
                self.receipts[message.receipt_handle] = message
                yield message
            if not messages:
                del self.groups[name]

    def remove(self, message: Message) -> None:
        """Delete a message. Its group opens if no other message of it is in flight."""
        message.deleted = True
        group = self.groups[message.group]
        group.messages.remove(message)
        if group.messages:
            group.reopen()
        else:
            del self.groups[message.group]

    def change_visibility(self, message: Message, visible_at: float) -> None:
        """Set when a message comes back. Its group opens when all messages in flight are back."""
        message.visible_at = visible_at
        self.groups[message.group].reopen()

    def purge(self) -> None:
        """Delete all messages, even those in flight."""
        for message in self.all_messages():
            message.deleted = True
        self.groups.clear()

    def expire(self, now: float) -> None:
        """Delete messages that are older than the retention period."""
        limit = now - self.retention_seconds
        if self._oldest_sent_at > limit:
            return
        for message in [message for message in self.all_messages() if message.sent_at <= limit]:
            self.remove(message)
        self._oldest_sent_at = min(
            (message.sent_at for message in self.all_messages()), default=float("inf")
        )

    def all_messages(self) -> Iterable[Message]:
        """All messages group by group, in order within each group."""
        return [message for group in self.groups.values() for message in group.messages]

    def next_available_at(self) -> float | None:
        """When a message can be received, or None if the queue is empty.

        The time may be in the past.
        """
        return min((group.available_at() for group in self.groups.values()), default=None)

    def states(self, now: float) -> list[QueuedMessage]:
        """Every message and its state."""
        return [
            QueuedMessage(
                message.message_id,
                message.group,
                message.body,
                message.receives,
                _state(message, group, now),
                message.sent_at,
                message.visible_at,
                message.message_attributes,
            )
            for group in self.groups.values()
            for message in group.messages
        ]

    def _move_to_dead_letters(self, message: Message, now: float) -> None:
        """Move a message with its id, group, body, attributes and receive count.

        In a FIFO queue its sending time starts anew.
        """
        assert self.dead_letters is not None
        message.source_arn, message.receipt_handle = self.arn, None
        message.visible_at = now
        if self.fifo:
            message.sent_at = now
        self.dead_letters.put(message)

    def _scope(self, group: str, deduplication_id: str) -> tuple[str, str]:
        return (group if self.high_throughput else "", deduplication_id)


def _state(message: Message, group: Group, now: float) -> str:
    if message.visible_at > now:
        return "in flight" if message.receives else "delayed"
    return "behind" if group.closed_until > now else "available"
