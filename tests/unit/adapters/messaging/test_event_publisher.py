"""From stream records to the bus: each event once more than never, and no record stops others."""

import base64
import json
import zlib
from typing import Any

import pytest

from tests.fakes.builders import NOW, D, holding, make_order
from tests.fakes.events import FakeEventBridge, FakeSqs, images, make_event, record
from trading.adapters.dynamodb.event_text import MARK, SAMPLE
from trading.adapters.messaging import event_publisher
from trading.adapters.messaging.event_bus import EventBus
from trading.adapters.messaging.event_publisher import EventPublisher
from trading.domain.accounts.cash import Account
from trading.domain.ledger import Break, BreakCode
from trading.metrics import Metric


class Publishing:
    """The handler, with a bus and a dead-letter queue that record what they get."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bridge = FakeEventBridge(lambda *_: {})
        self.sqs = FakeSqs()
        self.counted: list[Metric] = []
        monkeypatch.setattr(event_publisher, "count", self.counted.append)
        bus = EventBus(self.bridge, "events")
        self.publish = EventPublisher(bus, self.sqs, "dlq")  # type: ignore[arg-type]

    def __call__(self, *records: dict[str, Any]) -> list[str]:
        """Handle a batch. Answers the ids of all events that the bus has by now."""
        self.publish({"Records": list(records)}, None)
        return [json.loads(detail)["id"] for detail in self.bridge.taken]


@pytest.fixture
def publishing(monkeypatch: pytest.MonkeyPatch) -> Publishing:
    return Publishing(monkeypatch)


def account(version: int = 0, **changes: Any) -> Account:
    return Account(client_id="alice", version=version, **changes)


def image(version: int = 0, **changes: Any) -> dict[str, Any]:
    """The item of an account as it is saved."""
    [saved] = images(account(version, **changes))
    return dict(saved)


def compressed(text: str) -> str:
    """A text in the short form of events."""
    made = zlib.compressobj(wbits=-15, zdict=SAMPLE)
    return MARK + base64.b85encode(made.compress(text.encode()) + made.flush()).decode()


def with_text(text: str) -> dict[str, Any]:
    """The item of an account with something else in place of its event."""
    return image() | {"event": {"S": text}}


def test_an_insert_and_a_change_each_bring_an_event(publishing: Publishing) -> None:
    first, second = image(0), image(1, available=D("5.00"))
    assert publishing(record(first), record(second, first)) == [
        "account/alice/1",
        "account/alice/2",
    ]
    assert publishing.sqs.sent == []


def test_of_a_transaction_only_the_item_with_the_event_is_published(
    publishing: Publishing,
) -> None:
    order = make_order()
    written = images(order, holding(order))
    assert len(written) == 2
    assert publishing(*map(record, written)) == ["account/alice/1"]
    [detail] = publishing.bridge.taken
    event = json.loads(detail)
    assert event["data"]["orders"][0]["order_id"] == order.order_id
    assert event["data"]["balance"]["available"] == str(holding(order).available)


def test_an_order_a_client_less_break_and_an_account_carry_events(publishing: Publishing) -> None:
    order = make_order().model_copy(update={"version": 3})
    broken = Break(
        trade_id="brk_1",
        client_id="",
        booked_at=NOW,
        code=BreakCode.UNKNOWN_ORDER,
        reason="no such order",
        evidence={"symbol": "AAPL"},
    )
    records = [record(item) for change in (order, broken) for item in images(change)]
    assert publishing(*records) == [f"order/{order.order_id}/4", "break/brk_1/1"]


def test_an_update_that_leaves_the_event_in_place_is_no_news(publishing: Publishing) -> None:
    before = image()
    after = before | {"attention_at": {"S": "2026-11-23T15:01:00Z"}}
    assert publishing(record(after, before)) == []


def test_two_events_of_one_moment_that_say_the_same_are_two(publishing: Publishing) -> None:
    first, second = image(0), image(1)
    assert publishing(record(first), record(second, first)) == [
        "account/alice/1",
        "account/alice/2",
    ]


def test_an_item_of_an_earlier_release_and_a_deleted_item_bring_nothing(
    publishing: Publishing,
) -> None:
    with_event = image()
    without = {name: value for name, value in with_event.items() if name != "event"}
    assert publishing(record(without), record(None, with_event)) == []
    assert publishing.sqs.sent == []
    assert publishing(record(image(1), without)) == ["account/alice/2"]


@pytest.mark.parametrize(
    "poison",
    [
        with_text("{"),
        with_text("1{"),
        with_text("2" + image()["event"]["S"][1:]),
        with_text(image()["event"]["S"][:-10]),
        with_text(compressed(make_event(1).model_dump_json().replace("account.changed", "new"))),
        image() | {"event": {"N": "1"}},
    ],
    ids=["no mark", "not compressed", "another form", "cut off", "unknown type", "a number"],
)
def test_a_record_that_cannot_be_read_is_buried_and_the_others_are_published(
    publishing: Publishing, poison: dict[str, Any]
) -> None:
    assert publishing(record(image(0)), record(poison), record(image(2))) == [
        "account/alice/1",
        "account/alice/3",
    ]
    [buried] = publishing.sqs.sent
    assert buried["QueueUrl"] == "dlq"
    assert json.loads(buried["MessageBody"]) == {
        "keys": record(poison)["dynamodb"]["Keys"],
        "source": "stream",
        "sequence_number": "100",
        "record": record(poison),
    }
    assert 0 < len(buried["MessageAttributes"]["reason"]["StringValue"]) <= 1024
    assert publishing.counted == [Metric.EVENTS_BURIED]


def test_when_the_dead_letter_queue_is_down_the_batch_fails(publishing: Publishing) -> None:
    """Otherwise the record would be lost. Lambda repeats the batch."""
    publishing.sqs.refuses = ConnectionError("down")
    with pytest.raises(ConnectionError):
        publishing(record(image(0)), record(image() | {"event": {"S": "{"}}))
    assert publishing.counted == []
    publishing.sqs.refuses = None
    assert publishing(record(image(0)))[-1:] == ["account/alice/1"]


def test_when_the_bus_is_down_the_batch_fails(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> dict[int, str]:
        raise ConnectionError("down")

    monkeypatch.setattr(publishing.bridge, "conduct", down)
    with pytest.raises(ConnectionError):
        publishing(record(image()))


def test_a_record_that_cannot_be_read_waits_for_the_bus(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each repetition of the batch would put it into the dead-letter queue again."""

    def down(*_: object) -> dict[int, str]:
        raise ConnectionError("down")

    records = (record(image()), record(with_text("{")))
    with monkeypatch.context() as outage:
        outage.setattr(publishing.bridge, "conduct", down)
        for _ in range(3):
            with pytest.raises(ConnectionError):
                publishing(*records)
    assert publishing.sqs.sent == []
    publishing(*records)
    assert len(publishing.sqs.sent) == 1


def test_a_batch_that_comes_again_brings_the_same_events(publishing: Publishing) -> None:
    publishing(record(image()))
    publishing(record(image()))
    assert publishing.bridge.taken[0] == publishing.bridge.taken[1]
