"""From the queue of the bus to the log: events in any order, again, and never."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes.builders import NOW
from tests.fakes.clock import Clock
from tests.fakes.events import FakeSqs, make_event
from trading.adapters.dynamodb.event_log import BATCH_SIZE, KEPT_FOR, WritableEventLog
from trading.adapters.dynamodb.event_text import unpacked
from trading.adapters.dynamodb.transactions import OverloadedError
from trading.adapters.messaging import event_log_writer
from trading.adapters.messaging.event_log_writer import CHECK_AFTER_SECONDS, EventLogWriter
from trading.adapters.messaging.event_queue import EventQueue, Wake
from trading.domain.events import Event
from trading.metrics import Metric

Key = tuple[str, str]


class FakeTable:
    """The table of the log, and that of connections. `refuses`: the sequences that a write or a
    read does not take. `open`: by client, how many connections its item has.
    """

    def __init__(self) -> None:
        self.items: dict[Key, Mapping[str, Any]] = {}
        self.open: dict[str, int] = {}
        self.refuses: set[int] = set()
        self.unread: set[int] = set()
        self.batches: list[int] = []

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        [(table, requests)] = RequestItems.items()
        keys = [_key(request["PutRequest"]["Item"]) for request in requests]
        assert len(set(keys)) == len(keys) <= 25, "DynamoDB refuses such a request"
        self.batches.append(len(keys))
        refused = []
        for key, request in zip(keys, requests, strict=True):
            if int(key[1]) in self.refuses:
                refused.append(request)
            else:
                self.items[key] = request["PutRequest"]["Item"]
        return {"UnprocessedItems": {table: refused} if refused else {}}

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        events = RequestItems.get("events", {}).get("Keys", [])
        unread = [key for key in events if int(key["sequence"]["S"]) in self.unread]
        found = [key for key in events if key not in unread and _key(key) in self.items]
        return {
            "Responses": {
                "events": found,
                "connections": self._connections(RequestItems.get("connections")),
            },
            "UnprocessedKeys": {"events": {"Keys": unread}} if unread else {},
        }

    def _connections(self, asked: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        if asked is None:
            return []
        assert asked["ConsistentRead"], "a client that has just subscribed would be overlooked"
        clients = [key["client_id"]["S"] for key in asked["Keys"]]
        return [
            {"client_id": {"S": each}, "open": {"L": [{"M": {}}] * self.open[each]}}
            for each in clients
            if each in self.open
        ]

    def query(self, **request: Any) -> dict[str, Any]:
        assert not request["ScanIndexForward"]
        values = request["ExpressionAttributeValues"]
        client, sequence = values[":client"]["S"], values[":sequence"]["S"]
        found = [key for key in self.items if key[0] == client and key[1] <= sequence]
        newest = sorted(found, reverse=True)[: request["Limit"]]
        return {"Items": [self.items[key] for key in newest]}

    @property
    def sequences(self) -> list[int]:
        return sorted(int(sequence) for _, sequence in self.items)


def _key(item: Mapping[str, Any]) -> Key:
    return item["client_id"]["S"], item["sequence"]["S"]


class PushesAsked:
    """The port `Pushes`, and what was in the log at each push. `refuses`: how a call fails."""

    def __init__(self, table: FakeTable) -> None:
        self.table = table
        self.soon_asked: list[tuple[str, list[int]]] = []
        self.later: list[tuple[str, datetime]] = []
        self.refuses: Exception | None = None

    def soon(self, client_id: str) -> None:
        if self.refuses:
            raise self.refuses
        self.soon_asked.append((client_id, self.table.sequences))

    def at(self, client_id: str, moment: datetime) -> None:
        self.later.append((client_id, moment))


class Writing:
    """The handler over a table that the test disturbs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.table = FakeTable()
        self.sqs = FakeSqs()
        self.counted: list[Metric] = []
        monkeypatch.setattr(event_log_writer, "count", self.counted.append)
        self.clock = Clock()
        self.clock.now = NOW
        self.pushes = PushesAsked(self.table)
        log = WritableEventLog(self.table, "events", "connections", self.clock)  # type: ignore[arg-type]
        queue = EventQueue(self.sqs, "queue")  # type: ignore[arg-type]
        self.write = EventLogWriter(log, queue, self.pushes, self.clock)

    def __call__(self, *bodies: str) -> list[str]:
        """Handle a batch, whose messages are named by their place. Answers those that failed."""
        records = [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]
        answer = self.write({"Records": records}, None)
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def checks(self) -> list[dict[str, Any]]:
        """The messages that the handler sent itself."""
        return [json.loads(message["MessageBody"]) for message in self.sqs.sent]


@pytest.fixture
def writing(monkeypatch: pytest.MonkeyPatch) -> Writing:
    return Writing(monkeypatch)


def message(event: Event) -> str:
    """A message as the rule of the bus puts it into the queue."""
    return json.dumps({"source": "trading", "detail": json.loads(event.model_dump_json())})


def check(sequence: int) -> str:
    return json.dumps({"client_id": "alice", "sequence": sequence})


def test_events_of_several_accounts_are_kept_whole_and_expire(writing: Writing) -> None:
    events = [make_event(1), make_event(2), make_event(1, "bob", NOW + timedelta(hours=1))]
    assert writing(*map(message, events)) == []
    for event in events:
        item = writing.table.items[str(event.client_id), f"{event.sequence:012d}"]
        assert unpacked(item["event"]["S"]) == event
        assert item["expires_at"] == {"N": str(int((event.time + KEPT_FOR).timestamp()))}
    assert writing.sqs.sent == []


def test_an_event_that_comes_twice_in_a_batch_is_written_once(writing: Writing) -> None:
    assert writing(message(make_event(1)), message(make_event(1))) == []
    assert writing.table.batches == [1]
    assert writing.table.sequences == [1]


def test_an_event_that_comes_again_changes_nothing(writing: Writing) -> None:
    writing(message(make_event(1)))
    before = dict(writing.table.items)
    assert writing(message(make_event(1))) == []
    assert writing.table.items == before


def test_a_larger_batch_is_written_in_parts_that_the_table_takes(writing: Writing) -> None:
    writing(*(message(make_event(n)) for n in range(1, BATCH_SIZE + 3)))
    assert writing.table.batches == [BATCH_SIZE, 2]


def test_what_the_table_did_not_take_comes_again(writing: Writing) -> None:
    writing.table.refuses = {2}
    assert writing(*(message(make_event(n)) for n in (1, 2, 3, 2))) == ["m1", "m3"]
    assert writing.table.sequences == [1, 3]
    writing.table.refuses = set()
    assert writing(message(make_event(2))) == []
    assert writing.table.sequences == [1, 2, 3]


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        "7",
        "{}",
        '{"detail": {}}',
        '{"detail": null}',
        '{"client_id": "alice"}',
        '{"client_id": "alice", "wake_at": "tomorrow"}',
        json.dumps({"detail": {**json.loads(make_event(1).model_dump_json()), "sequence": "?"}}),
    ],
)
def test_an_unreadable_message_fails_alone(writing: Writing, body: str) -> None:
    assert writing(message(make_event(1)), body, message(make_event(2))) == ["m1"]
    assert writing.table.sequences == [1, 2]


def test_a_missing_predecessor_is_asked_for_later_and_once_a_gap(writing: Writing) -> None:
    assert writing(*(message(make_event(n)) for n in (1, 4, 5))) == []
    assert writing.checks() == [{"client_id": "alice", "sequence": 3}]
    [sent] = writing.sqs.sent
    assert (sent["QueueUrl"], sent["DelaySeconds"]) == ("queue", CHECK_AFTER_SECONDS)
    assert writing.counted == []


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1)])
def test_events_of_one_batch_miss_nothing_whatever_their_order(
    writing: Writing, order: tuple[int, ...]
) -> None:
    writing(*(message(make_event(n)) for n in order))
    assert writing.sqs.sent == []


def test_the_first_event_of_an_account_has_no_predecessor(writing: Writing) -> None:
    writing(message(make_event(1)))
    assert writing.sqs.sent == []


def test_a_predecessor_that_the_table_did_not_take_is_no_gap_by_itself(writing: Writing) -> None:
    """Its message comes again. The check finds it, or counts it."""
    writing.table.refuses = {1}
    assert writing(message(make_event(1)), message(make_event(2))) == ["m0"]
    assert writing.checks() == [{"client_id": "alice", "sequence": 1}]
    assert writing.counted == []


def test_when_a_predecessor_cannot_be_read_the_batch_comes_again(writing: Writing) -> None:
    writing(message(make_event(1)))
    writing.table.unread = {1}
    for body in (message(make_event(2)), check(1)):
        with pytest.raises(OverloadedError):
            writing(body)
    writing.table.unread = set()
    assert writing(message(make_event(2)), check(1)) == []
    assert writing.checks() == []
    assert writing.counted == []


def test_a_gap_that_stays_is_counted_once(writing: Writing) -> None:
    writing(*(message(make_event(n)) for n in (1, 3)))
    [sent] = writing.sqs.sent
    assert writing(sent["MessageBody"]) == []
    assert writing.counted == [Metric.EVENTS_MISSING]
    assert len(writing.sqs.sent) == 1


def test_the_first_event_of_an_account_is_missed_too(writing: Writing) -> None:
    """Nothing was there before it that could have expired."""
    writing(message(make_event(2)))
    [sent] = writing.sqs.sent
    assert writing(sent["MessageBody"]) == []
    assert writing.counted == [Metric.EVENTS_MISSING]


def test_a_check_that_comes_with_its_event_finds_it(writing: Writing) -> None:
    writing(*(message(make_event(n)) for n in (1, 3)))
    [sent] = writing.sqs.sent
    assert writing(sent["MessageBody"], message(make_event(2))) == []
    assert writing.counted == []


def test_a_gap_that_was_filled_is_none(writing: Writing) -> None:
    writing(*(message(make_event(n)) for n in (1, 3)))
    [sent] = writing.sqs.sent
    writing(message(make_event(2)))
    assert writing(sent["MessageBody"]) == []
    assert writing.counted == []


def test_what_has_expired_is_not_counted(writing: Writing) -> None:
    """The log of a client who was silent for a week is empty, and begins with any sequence."""
    writing(message(make_event(41)))
    [sent] = writing.sqs.sent
    assert writing(sent["MessageBody"]) == []
    assert writing.counted == []


def test_an_expired_event_that_is_still_there_makes_no_gap(writing: Writing) -> None:
    """DynamoDB deletes expired items late and in any order: here the 40th before the 39th."""
    writing(message(make_event(39)))
    writing.clock.now = later = NOW + KEPT_FOR
    writing(message(make_event(41, time=later)))
    assert writing(check(40)) == []
    assert writing.counted == []
    writing.clock.now = later - timedelta(seconds=1)
    assert writing(check(40)) == []
    assert writing.counted == [Metric.EVENTS_MISSING]


def test_when_a_check_cannot_be_sent_the_batch_comes_again(writing: Writing) -> None:
    writing.sqs.refuses = ConnectionError("down")
    with pytest.raises(ConnectionError):
        writing(message(make_event(5)))
    writing.sqs.refuses = None
    assert writing(message(make_event(5))) == []
    assert writing.checks() == [{"client_id": "alice", "sequence": 4}]


# --- connected clients


def wake(client_id: str, **after: float) -> str:
    return Wake(client_id=client_id, wake_at=NOW + timedelta(**after)).model_dump_json()


def test_a_connected_client_gets_a_push_after_its_events_are_written(writing: Writing) -> None:
    writing.table.open = {"bob": 2}
    assert writing(*(message(make_event(n, "bob")) for n in (1, 2))) == []
    assert writing.pushes.soon_asked == [("bob", [1, 2])]


def test_who_is_not_connected_gets_none(writing: Writing) -> None:
    """`carol` had connections before. Her item stays for a while."""
    writing.table.open = {"carol": 0, "dave": 1}
    assert writing(message(make_event(1)), message(make_event(1, "carol"))) == []
    assert writing.pushes.soon_asked == []


def test_each_connected_client_of_a_batch_gets_one_push(writing: Writing) -> None:
    writing.table.open = {"alice": 1, "bob": 1}
    bodies = [message(make_event(n, who)) for n in (1, 2) for who in ("bob", "carol", "alice")]
    assert writing(*bodies) == []
    assert [who for who, _ in writing.pushes.soon_asked] == ["alice", "bob"]


def test_an_event_that_comes_again_is_pushed_again(writing: Writing) -> None:
    """The worker may have died between the write and the push."""
    writing.table.open = {"alice": 1}
    for _ in range(2):
        writing(message(make_event(1)))
    assert [who for who, _ in writing.pushes.soon_asked] == ["alice"] * 2


def test_what_the_table_did_not_take_is_no_reason_for_a_push(writing: Writing) -> None:
    writing.table.open = {"alice": 1}
    writing.table.refuses = {1}
    assert writing(message(make_event(1))) == ["m0"]
    assert writing.pushes.soon_asked == []


def test_a_push_does_not_wait_for_a_gap(writing: Writing) -> None:
    writing.table.open = {"alice": 1}
    writing(message(make_event(1)), message(make_event(3)))
    assert writing.checks() == [{"client_id": "alice", "sequence": 2}]
    assert writing.pushes.soon_asked == [("alice", [1, 3])]


def test_when_a_push_cannot_be_asked_for_the_batch_comes_again(writing: Writing) -> None:
    writing.table.open = {"alice": 1}
    writing.pushes.refuses = ConnectionError("down")
    for body in (message(make_event(1)), wake("alice", seconds=0)):
        with pytest.raises(ConnectionError):
            writing(body)


def test_a_wake_that_comes_too_early_is_delayed_again(writing: Writing) -> None:
    """The queue delays no message for longer than 15 minutes."""
    assert writing(wake("alice", seconds=0.5), wake("bob", hours=1)) == []
    assert writing.pushes.later == [
        ("alice", NOW + timedelta(seconds=0.5)),
        ("bob", NOW + timedelta(hours=1)),
    ]
    assert writing.pushes.soon_asked == []


@pytest.mark.parametrize("late", [0, 90])
def test_a_wake_that_is_due_is_a_push(writing: Writing, late: int) -> None:
    assert writing(wake("alice", seconds=-late)) == []
    assert writing.pushes.soon_asked == [("alice", [])]
    assert writing.pushes.later == []


def test_messages_of_all_kinds_come_in_one_batch(writing: Writing) -> None:
    writing.table.open = {"bob": 1}
    bodies = (wake("alice", seconds=-1), check(4), message(make_event(1, "bob")), "no JSON")
    assert writing(*bodies) == ["m3"]
    assert writing.pushes.soon_asked == [("alice", [1]), ("bob", [1])]
    assert writing.counted == []
