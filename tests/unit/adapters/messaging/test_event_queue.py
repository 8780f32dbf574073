"""The queue between the bus and the log: what is in it, and when it comes."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import NOW
from tests.fakes.events import FakeSqs, make_event
from trading.adapters.messaging.event_queue import (
    LONGEST_DELAY_SECONDS,
    Check,
    EventQueue,
    Wake,
    parse,
)


def wake(**after: float) -> Wake:
    return Wake(client_id="alice", wake_at=NOW + timedelta(**after))


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ({"seconds": -5}, 0),
        ({"seconds": 0}, 0),
        ({"microseconds": 1}, 1),
        ({"seconds": 1}, 1),
        ({"seconds": 1, "microseconds": 1}, 2),
        ({"hours": 1}, 3600),
    ],
)
def test_a_delay_is_rounded_up_so_that_nothing_comes_too_early(
    after: dict[str, float], seconds: int
) -> None:
    assert wake(**after).delay(NOW) == seconds


@given(st.timedeltas(timedelta(days=-1), timedelta(days=1)))
def test_after_its_delay_the_time_has_come_and_not_a_second_later(left: timedelta) -> None:
    message = Wake(client_id="alice", wake_at=NOW + left)
    comes = NOW + timedelta(seconds=message.delay(NOW))
    assert message.delay(comes) == 0
    assert comes - max(NOW, message.wake_at) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("asked", "sent"), [(0, 0), (240, 240), (899, 899), (900, 900), (901, 900), (86_400, 900)]
)
def test_nothing_is_delayed_for_longer_than_the_queue_can(asked: int, sent: int) -> None:
    sqs = FakeSqs()
    message = Check(client_id="alice", sequence=3)
    EventQueue(sqs, "queue").send(message, asked)  # type: ignore[arg-type]
    assert LONGEST_DELAY_SECONDS == 900
    assert sqs.sent == [
        {"QueueUrl": "queue", "MessageBody": message.model_dump_json(), "DelaySeconds": sent}
    ]


@pytest.mark.parametrize("message", [Check(client_id="alice", sequence=3), wake(seconds=90.25)])
def test_what_is_sent_is_read_again(message: Check | Wake) -> None:
    sqs = FakeSqs()
    EventQueue(sqs, "queue").send(message, 0)  # type: ignore[arg-type]
    assert parse(sqs.sent[0]["MessageBody"]) == message


def test_a_message_of_the_bus_is_its_event() -> None:
    event = make_event(7)
    detail = json.loads(event.model_dump_json())
    assert parse(json.dumps({"source": "trading", "detail": detail})) == event


def test_an_event_of_a_later_release_is_read() -> None:
    event = make_event(7)
    detail = json.loads(event.model_dump_json()) | {"wake_at": "later", "new": 1}
    assert parse(json.dumps({"detail": detail, "wake_at": "x"})) == event


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "7",
        "null",
        "[]",
        '["detail"]',
        '["wake_at"]',
        '"detail"',
        '"wake_at"',
        "{}",
        '{"detail": null}',
        '{"detail": {}}',
        '{"wake_at": null, "client_id": "alice"}',
        '{"wake_at": "tomorrow", "client_id": "alice"}',
        '{"wake_at": "2026-11-23T15:00:00", "client_id": "alice"}',
        '{"wake_at": "2026-11-23T15:00:00Z"}',
        '{"wake_at": "2026-11-23T15:00:00Z", "client_id": "alice", "more": 1}',
        '{"client_id": "alice"}',
        '{"client_id": "alice", "sequence": "x"}',
    ],
)
def test_anything_else_raises_what_the_writer_of_the_log_handles(body: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        parse(body)


def test_a_time_zone_does_not_matter() -> None:
    body = json.dumps({"client_id": "alice", "wake_at": "2026-11-23T16:00:00+01:00"})
    read = parse(body)
    assert isinstance(read, Wake)
    assert read.delay(datetime.fromisoformat("2026-11-23T14:59:00+00:00")) == 60
