"""Clients connected to the stream of the deployed system: their connections break, and they see
every event once.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from local import seed
from local.api import TradingClient
from local.crash_points import CrashPoint, Moment
from tests.system.crashes import crashes
from tests.system.test_events import ORDER, check_told, standing
from tests.system.waiting import PATIENCE_SECONDS, wait_for
from trading.domain.connections import MOST_CONNECTIONS
from workstation.local_system import LocalSystem
from workstation.stream import EventStream

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("prompt_exchanges")]


@pytest.fixture
def url(system: LocalSystem) -> str:
    return seed.stream_address(system)


@contextmanager
def connected(
    url: str, token: str, subprotocols: Sequence[str] | None = None
) -> Iterator[ClientConnection]:
    """A connection, with the token in the header, or as a browser among the subprotocols."""
    headers = {} if subprotocols else {"Authorization": f"Bearer {token}"}
    with connect(
        url,
        additional_headers=headers,
        subprotocols=list(subprotocols or ()) or None,  # type: ignore[arg-type]
        open_timeout=PATIENCE_SECONDS,
    ) as socket:
        yield socket


def answer(socket: ClientConnection, message: object) -> dict[str, Any]:
    """Send a message, and return what comes next."""
    socket.send(message if isinstance(message, str) else json.dumps(message))
    return receive(socket)


def receive(socket: ClientConnection) -> dict[str, Any]:
    received: dict[str, Any] = json.loads(socket.recv(timeout=PATIENCE_SECONDS))
    return received


def subscribe(socket: ClientConnection, **wanted: Any) -> dict[str, Any]:
    subscribed = answer(socket, {"action": "subscribe", **wanted})
    assert subscribed["type"] == "subscribed", subscribed
    return subscribed


def followed_until_executed(
    stream: EventStream, order_id: str, breaks_after: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """The events up to the one with which the order is filled. The connection breaks after so many
    events.
    """
    events: list[dict[str, Any]] = []

    def look() -> bool | None:
        for event in stream.take(5):
            events.append(event)
            if len(events) in breaks_after:
                stream.close()
        return (
            any(
                order["order_id"] == order_id and order["status"] == "FILLED"
                for event in events
                for order in event["data"]["orders"]
            )
            or None
        )

    wait_for(look, f"the events of {order_id}")
    return events


def test_two_clients_whose_connections_break_see_every_event_once(
    url: str, clients: dict[str, TradingClient]
) -> None:
    names = ("alice", "bob")
    since = {name: standing(clients[name]) for name in names}
    streams = {name: EventStream(url, clients[name].token, since=since[name]) for name in names}
    for stream in streams.values():
        assert stream.take(1) == []
    orders = {
        name: clients[name]
        .place(ORDER | {"client_id": name}, str(uuid4()))
        .raise_for_status()
        .json()["order_id"]
        for name in names
    }
    for stream in streams.values():
        stream.close()
    for name, stream in streams.items():
        events = followed_until_executed(stream, orders[name], breaks_after=(1, 2))
        check_told(clients[name], since[name], orders[name], events)
        assert {event["client_id"] for event in events} == {name}
        assert stream.connections > 1
        stream.close()


def test_events_come_once_although_the_functions_of_the_stream_die(
    system: LocalSystem, url: str, alice: TradingClient
) -> None:
    since = standing(alice)
    stream = EventStream(url, alice.token, since=since)
    stream.take(1)
    with crashes(
        system,
        CrashPoint("push", Moment.AFTER, "PostToConnection"),
        CrashPoint("event-log", Moment.BEFORE, "Invoke"),
    ):
        order_id = alice.place(ORDER, str(uuid4())).raise_for_status().json()["order_id"]
        events = followed_until_executed(stream, order_id)
    check_told(alice, since, order_id, events)
    stream.close()


def test_history_comes_before_what_happens_now(url: str, alice: TradingClient) -> None:
    until = standing(alice)
    since = max(0, until - 2)
    with connected(url, alice.token(False)) as socket:
        subscribed = subscribe(socket, id="s1", since=since)
        assert (subscribed["id"], subscribed["subscription"], subscribed["since"]) == (
            "s1",
            1,
            since,
        )
        told = receive(socket)
        assert [event["sequence"] for event in told["items"]] == list(range(since + 1, until + 1))
        assert told["since"] == until
        assert answer(socket, {"action": "ping", "id": "p"}) == {
            "type": "pong",
            "id": "p",
            "since": until,
        }


def test_a_topic_leaves_out_other_events(url: str, alice: TradingClient) -> None:
    with connected(url, alice.token(False)) as socket:
        subscribe(socket, topics=["trades"])
        alice.place(ORDER, str(uuid4())).raise_for_status()
        assert receive(socket)["items"][0]["type"] == "order.executed"


def test_a_browser_has_its_token_among_the_subprotocols(url: str, alice: TradingClient) -> None:
    token = alice.token(False)
    with connected(url, token, ["trading", f"bearer.{token}"]) as socket:
        assert socket.subprotocol == "trading"
        assert answer(socket, {"action": "ping"}) == {"type": "pong"}


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_a_handshake_without_a_valid_token_is_refused(url: str, token: str) -> None:
    with pytest.raises(InvalidStatus) as refused, connected(url, token):
        pass
    assert refused.value.response.status_code == 401


def test_a_handshake_without_any_token_is_refused(url: str) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(url):
        pass
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        ("{", "MALFORMED_JSON", None),
        ('{"action": "ping", "action": "ping"}', "MALFORMED_JSON", "action"),
        ("[]", "VALIDATION_FAILED", "action"),
        ({"action": "shout"}, "VALIDATION_FAILED", "action"),
        ({"action": "subscribe", "topics": ["gossip"]}, "VALIDATION_FAILED", "topics.0"),
        ({"action": "subscribe", "since": -1}, "VALIDATION_FAILED", "since"),
        ({"action": "subscribe", "since": "5"}, "VALIDATION_FAILED", "since"),
        ({"action": "subscribe", "until": 5}, "VALIDATION_FAILED", "until"),
        ({"action": "subscribe", "since": 10**12 - 1}, "EVENTS_EXPIRED", "since"),
        ({"action": "ping", "id": "x" * 5000}, "BODY_TOO_LARGE", None),
    ],
)
def test_a_message_that_is_wrong_is_refused_and_the_connection_stays_open(
    url: str, alice: TradingClient, message: object, code: str, field: str | None
) -> None:
    with connected(url, alice.token(False)) as socket:
        refused = answer(socket, message)
        assert (refused["type"], refused["problem"]["code"]) == ("error", code), refused
        named = [error["field"] for error in refused["problem"].get("errors", ())]
        assert named == ([field] if field else [])
        assert answer(socket, {"action": "ping"}) == {"type": "pong"}


def test_the_eleventh_connection_ends_the_first(
    url: str, clients: dict[str, TradingClient]
) -> None:
    token = clients["carol"].token(False)
    with ExitStack() as stack:
        sockets = [stack.enter_context(connected(url, token)) for _ in range(MOST_CONNECTIONS + 1)]
        ended = receive(sockets[0])
        assert (ended["type"], ended["code"]) == ("closing", "TOO_MANY_CONNECTIONS")
        for socket in sockets[1:]:
            assert answer(socket, {"action": "ping"}) == {"type": "pong"}
