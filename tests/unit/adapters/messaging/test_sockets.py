"""Messages to connections: divided by size, and what failed told apart."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.events import make_event
from tests.fakes.stream import make_connection
from trading.adapters.messaging import sockets
from trading.adapters.messaging.sockets import LONGEST_MESSAGE, ApiSockets
from trading.domain.connections import Ending
from trading.domain.events import Event
from trading.usecases.ports import SocketFailedError, SocketGoneError

API_LIMIT = 32 * 1024
"""Bytes that API Gateway takes in one frame."""
C1 = make_connection("c1").subscribed((), 0)


class FakeApi:
    """The management API of a WebSocket API. `fails`: how a call fails, by its operation."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.deleted: list[str] = []
        self.fails: dict[str, Exception] = {}

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803
        self._fail("post_to_connection")
        assert len(Data) <= API_LIMIT
        self.posted.append((ConnectionId, json.loads(Data)))

    def delete_connection(self, *, ConnectionId: str) -> None:  # noqa: N803
        self._fail("delete_connection")
        self.deleted.append(ConnectionId)

    def _fail(self, operation: str) -> None:
        if operation in self.fails:
            raise self.fails[operation]


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "PostToConnection")


GONE = refused("GoneException")
OTHERS = [
    refused("LimitExceededException"),
    refused("ForbiddenException"),
    refused("PayloadTooLargeException"),
    refused("InternalServerError"),
    EndpointConnectionError(endpoint_url="https://api"),
    ConnectTimeoutError(endpoint_url="https://api"),
]


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def told(api: FakeApi, events: list[Event], since: int) -> list[tuple[list[int], int]]:
    """The sequences and the `since` of each message."""
    ApiSockets(api).tell(C1, events, since)
    assert {connection_id for connection_id, _ in api.posted} <= {"c1"}
    assert {message["type"] for _, message in api.posted} <= {"events"}
    return [
        ([item["sequence"] for item in message["items"]], message["since"])
        for _, message in api.posted
    ]


def test_events_come_whole_in_one_message(api: FakeApi) -> None:
    events = [make_event(3), make_event(4)]
    assert told(api, events, 6) == [([3, 4], 6)]
    [(_, message)] = api.posted
    assert set(message) == {"type", "subscription", "items", "since"}
    assert [Event.model_validate(item, strict=False) for item in message["items"]] == events
    assert message["items"] == [event.model_dump(mode="json") for event in events]


def test_each_message_says_of_which_subscription_it_is(api: FakeApi) -> None:
    long = [make_event(n, size=LONGEST_MESSAGE) for n in (1, 2)]
    ApiSockets(api).tell(C1, long, 2)
    ApiSockets(api).tell(C1.subscribed((), 0), [make_event(1)], 2)
    assert [message["subscription"] for _, message in api.posted] == [1, 1, 2]


def test_as_many_events_as_fit_into_a_message_fit_into_a_frame(api: FakeApi) -> None:
    """With the envelope and what stands between the events. `FakeApi` checks the length."""
    smallest = len(make_event(1).model_dump_json())
    events = [make_event(n) for n in range(1, 3 * LONGEST_MESSAGE // smallest)]
    parts = told(api, events, len(events))
    assert [n for part, _ in parts for n in part] == [event.sequence for event in events]
    full = LONGEST_MESSAGE // smallest
    assert all(full - 3 <= len(part) <= full for part, _ in parts[:-1])


def test_a_message_that_would_be_too_long_is_divided(api: FakeApi) -> None:
    """Each part names its own last sequence. The last one also names what was left out."""
    size = LONGEST_MESSAGE // 2
    events = [make_event(n, size=size) for n in (2, 4)] + [make_event(5), make_event(6, size=size)]
    assert told(api, events, 9) == [([2], 2), ([4, 5], 5), ([6], 9)]


def test_bytes_count_and_not_characters(api: FakeApi) -> None:
    events = [make_event(n).but(correlation_id="é" * (LONGEST_MESSAGE // 5 * 2)) for n in (1, 2, 3)]
    assert told(api, events, 3) == [([1], 1), ([2], 2), ([3], 3)]


def test_an_event_that_is_longer_than_a_part_comes_alone(api: FakeApi) -> None:
    long = make_event(2, size=LONGEST_MESSAGE + 1)
    assert told(api, [make_event(1), long, make_event(3)], 3) == [([1], 1), ([2], 2), ([3], 3)]


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=12), st.integers(0, 5))
def test_parts_have_all_events_in_order_and_each_goes_on_at_its_end(
    sizes: list[int], skipped: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sockets, "LONGEST_MESSAGE", 4000)
        api = FakeApi()
        events = [make_event(2 * n, size=size) for n, size in enumerate(sizes, 1)]
        until = events[-1].sequence + skipped
        parts = told(api, events, until)
    assert [n for part, _ in parts for n in part] == [event.sequence for event in events]
    assert [since for _, since in parts] == [*(part[-1] for part, _ in parts[:-1]), until]
    lengths = [len(event.model_dump_json()) for event in events]
    assert all(
        sum(lengths[n // 2 - 1] for n in part) <= 4000 or len(part) == 1 for part, _ in parts
    )


def test_a_connection_is_closed_after_it_is_told_why(api: FakeApi) -> None:
    ApiSockets(api).close("c1", Ending.TOKEN_EXPIRED)
    assert api.posted == [
        (
            "c1",
            {
                "type": "closing",
                "code": "TOKEN_EXPIRED",
                "detail": "The token of the connection has expired. Log in again.",
            },
        )
    ]
    assert api.deleted == ["c1"]


CALLS: list[tuple[str, Callable[[ApiSockets], None]]] = [
    ("post_to_connection", lambda each: each.tell(C1, [make_event(1)], 1)),
    ("post_to_connection", lambda each: each.close("c1", Ending.TOKEN_ENDED)),
    ("delete_connection", lambda each: each.close("c1", Ending.TOKEN_ENDED)),
]


@pytest.mark.parametrize(("operation", "call"), CALLS)
def test_a_connection_that_is_gone_is_told_apart(
    api: FakeApi, operation: str, call: Callable[[ApiSockets], None]
) -> None:
    api.fails = {operation: GONE}
    with pytest.raises(SocketGoneError):
        call(ApiSockets(api))


@pytest.mark.parametrize(("operation", "call"), CALLS)
@pytest.mark.parametrize("error", OTHERS, ids=lambda error: str(error)[:40])
def test_anything_else_may_or_may_not_have_arrived(
    api: FakeApi, operation: str, call: Callable[[ApiSockets], None], error: Exception
) -> None:
    api.fails = {operation: error}
    with pytest.raises(SocketFailedError) as raised:
        call(ApiSockets(api))
    assert raised.value.__cause__ is error


def test_after_a_part_that_failed_no_later_one_is_sent(api: FakeApi) -> None:
    events = [make_event(n, size=LONGEST_MESSAGE) for n in (1, 2, 3)]
    post = api.post_to_connection

    def second_fails(**message: Any) -> None:
        if api.posted:
            raise refused("LimitExceededException")
        post(**message)

    api.post_to_connection = second_fails  # type: ignore[method-assign]
    with pytest.raises(SocketFailedError):
        ApiSockets(api).tell(C1, events, 3)
    assert [message["since"] for _, message in api.posted] == [1]


def test_an_error_of_our_own_is_not_hidden(api: FakeApi) -> None:
    api.fails = {"post_to_connection": KeyError("a bug")}
    with pytest.raises(KeyError):
        ApiSockets(api).tell(C1, [make_event(1)], 1)
