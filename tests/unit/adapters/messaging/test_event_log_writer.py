"""From the queue of the bus to the log: events in any order, again, and never."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.builders import NOW
from tests.fakes.clock import Clock
from tests.fakes.events import FakeSqs, make_event
from trading.adapters.dynamodb.event_log import BATCH_SIZE, KEPT_FOR, TableEventLog
from trading.adapters.dynamodb.event_text import unpacked
from trading.adapters.dynamodb.transactions import OverloadedError
from trading.adapters.messaging import event_log_writer
from trading.adapters.messaging.event_log_writer import CHECK_AFTER_SECONDS, EventLogWriter
from trading.domain.events import Event
from trading.metrics import Metric

Key = tuple[str, str]


class FakeTable:
    """The table of the log. `refuses`: the sequences that a write or a read does not take."""

    def __init__(self) -> None:
        self.items: dict[Key, Mapping[str, Any]] = {}
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
        [(table, asked)] = RequestItems.items()
        unread = [key for key in asked["Keys"] if int(key["sequence"]["S"]) in self.unread]
        found = [key for key in asked["Keys"] if key not in unread and _key(key) in self.items]
        return {
            "Responses": {table: found},
            "UnprocessedKeys": {table: {"Keys": unread}} if unread else {},
        }

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


class Writing:
    """The handler over a table that the test disturbs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.table = FakeTable()
        self.sqs = FakeSqs()
        self.counted: list[Metric] = []
        monkeypatch.setattr(event_log_writer, "count", self.counted.append)
        self.clock = Clock()
        self.clock.now = NOW
        log = TableEventLog(self.table, "events", self.clock)  # type: ignore[arg-type]
        self.write = EventLogWriter(log, self.sqs, "queue")  # type: ignore[arg-type]

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
