"""Events are put on the bus at least once, and what the bus refuses is put again."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.fakes.events import FakeEventBridge, make_event
from trading.adapters.messaging import event_bus
from trading.adapters.messaging.event_bus import (
    BATCH_BYTES,
    BATCH_SIZE,
    FIRST_PAUSE_SECONDS,
    TRIES,
    EventBus,
    EventsRefusedError,
)
from trading.domain.events import Event

INTERNAL = "InternalFailure"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, each as long as it may be."""
    found: list[float] = []
    monkeypatch.setattr(event_bus.time, "sleep", found.append)
    monkeypatch.setattr(event_bus.random, "uniform", lambda _, longest: longest)
    return found


def take_all(_: int, __: Sequence[Any]) -> Mapping[int, str]:
    return {}


def sequences(request: Sequence[Mapping[str, Any]]) -> list[int]:
    return [json.loads(entry["Detail"])["sequence"] for entry in request]


def test_an_entry_is_the_event_with_its_type_source_and_time(pauses: list[float]) -> None:
    bridge = FakeEventBridge(take_all)
    event = make_event(7)
    EventBus(bridge, "events").publish([event])
    [[entry]] = bridge.requests
    detail = entry.pop("Detail")
    assert entry == {
        "EventBusName": "events",
        "Source": "trading",
        "DetailType": "account.changed",
        "Time": event.time,
    }
    assert Event.model_validate_json(detail) == event
    assert pauses == []


def test_without_events_there_is_no_request() -> None:
    bridge = FakeEventBridge(take_all)
    EventBus(bridge, "events").publish([])
    assert bridge.requests == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [(BATCH_SIZE, [10]), (BATCH_SIZE + 1, [10, 1]), (25, [10, 10, 5])],
)
def test_a_request_has_at_most_ten_events(number: int, expected: list[int]) -> None:
    bridge = FakeEventBridge(take_all)
    EventBus(bridge, "events").publish([make_event(n) for n in range(1, number + 1)])
    assert [len(request) for request in bridge.requests] == expected
    assert [n for request in bridge.requests for n in sequences(request)] == list(
        range(1, number + 1)
    )


def test_a_request_has_at_most_the_bytes_that_the_bus_takes() -> None:
    bridge = FakeEventBridge(take_all)
    third = BATCH_BYTES // 3
    EventBus(bridge, "events").publish([make_event(n, size=third) for n in range(1, 6)])
    assert [sequences(request) for request in bridge.requests] == [[1, 2], [3, 4], [5]]
    for request in bridge.requests:
        assert sum(len(entry["Detail"].encode()) for entry in request) <= BATCH_BYTES


def test_an_event_that_fills_a_request_travels_alone() -> None:
    bridge = FakeEventBridge(take_all)
    events = [make_event(1), make_event(2, size=BATCH_BYTES), make_event(3)]
    EventBus(bridge, "events").publish(events)
    assert [sequences(request) for request in bridge.requests] == [[1], [2], [3]]


def test_only_refused_events_are_put_again(pauses: list[float]) -> None:
    def conduct(number: int, _: Sequence[Any]) -> Mapping[int, str]:
        return {1: INTERNAL, 3: "ThrottlingException"} if number == 1 else {}

    bridge = FakeEventBridge(conduct)
    EventBus(bridge, "events").publish([make_event(n) for n in range(1, 6)])
    assert [sequences(request) for request in bridge.requests] == [[1, 2, 3, 4, 5], [2, 4]]
    assert len(bridge.taken) == len(set(bridge.taken)) == 5
    assert pauses == [FIRST_PAUSE_SECONDS]


def test_a_refused_batch_does_not_keep_the_next_one_back(pauses: list[float]) -> None:
    def conduct(number: int, entries: Sequence[Any]) -> Mapping[int, str]:
        return dict.fromkeys(range(len(entries)), INTERNAL) if number == 1 else {}

    bridge = FakeEventBridge(conduct)
    EventBus(bridge, "events").publish([make_event(n) for n in range(1, 16)])
    assert [len(request) for request in bridge.requests] == [10, 5, 10]
    assert len(set(bridge.taken)) == 15


def test_after_the_last_try_the_refusal_is_an_error(pauses: list[float]) -> None:
    def conduct(_: int, entries: Sequence[Any]) -> Mapping[int, str]:
        return {
            number: INTERNAL for number, e in enumerate(entries) if '"sequence":2' in e["Detail"]
        }

    bridge = FakeEventBridge(conduct)
    with pytest.raises(EventsRefusedError, match=r"^1 events were refused"):
        EventBus(bridge, "events").publish([make_event(n) for n in (1, 2, 3)])
    assert len(bridge.requests) == TRIES
    assert [sequences(request) for request in bridge.requests[1:]] == [[2]] * (TRIES - 1)
    assert pauses == [FIRST_PAUSE_SECONDS * 2**n for n in range(TRIES - 1)]


def test_all_refused_is_an_error(pauses: list[float]) -> None:
    bridge = FakeEventBridge(lambda _, entries: dict.fromkeys(range(len(entries)), INTERNAL))
    with pytest.raises(EventsRefusedError, match=r"^2 events were refused"):
        EventBus(bridge, "events").publish([make_event(1), make_event(2)])
    assert bridge.taken == []


def test_when_an_answer_is_lost_the_events_come_again_with_the_same_ids() -> None:
    class Lost(FakeEventBridge):
        def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
            answer = super().put_events(Entries=Entries)
            if len(self.requests) == 1:
                raise ConnectionError("no answer")
            return answer

    bridge = Lost(take_all)
    bus = EventBus(bridge, "events")
    events = [make_event(1), make_event(2)]
    with pytest.raises(ConnectionError):
        bus.publish(events)
    bus.publish(events)
    ids = [json.loads(detail)["id"] for detail in bridge.taken]
    assert ids == ["account/alice/1", "account/alice/2"] * 2
