"""The client of the stream: every event once and in order, over connections that end."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.cli.stream_server import Script, StreamServer, Talk
from workstation import stream
from workstation.stream import EventStream, StreamRefusedError

pytestmark = pytest.mark.timeout(60)
SOON, LONG = 0.3, 10.0
"""Seconds: for what does not come, and for what does."""


@pytest.fixture
def server() -> Iterator[StreamServer]:
    server = StreamServer()
    yield server
    server.close()


class Client:
    """A client that does not pause. `asked`: whether each token was to be a new one."""

    def __init__(self, url: str, since: int | None = 41, topics: tuple[str, ...] = ()) -> None:
        self.asked: list[bool] = []
        self.notes: list[str] = []
        self.pauses: list[float] = []
        self.events = EventStream(
            url, self._token, topics, since, self.notes.append, self.pauses.append
        )

    def _token(self, anew: bool) -> str:
        self.asked.append(anew)
        return f"token-{len(self.asked)}"

    def take(self, seconds: float = LONG) -> list[int]:
        """The sequences of the events that come next."""
        return [event["sequence"] for event in self.events.take(seconds)]


@pytest.fixture
def client(server: StreamServer) -> Iterator[Client]:
    client = Client(server.url)
    yield client
    client.events.close()


def event(sequence: int) -> dict[str, Any]:
    return {"sequence": sequence}


def telling(*sequences: int, then: Script = Talk.wait) -> Script:
    """A connection that tells events, each in a message, and goes on with something else."""

    def script(talk: Talk) -> None:
        talk.answer(since=41)
        for sequence in sequences:
            talk.tell(event(sequence))
        then(talk)

    return script


def closing(code: str) -> Script:
    return telling(then=lambda talk: talk.close(code))


def refusing(status: int, code: str) -> Script:
    def script(talk: Talk) -> None:
        talk.hear()
        talk.refuse(status, code)
        talk.wait()

    return script


def test_the_client_subscribes_and_takes_events_message_by_message(server: StreamServer) -> None:
    server.script = [telling(42, 43)]
    client = Client(server.url, topics=("orders", "trades"))
    assert (client.take(), client.events.since) == ([42], 42)
    assert (client.take(), client.events.since) == ([43], 43)
    assert client.take(SOON) == []
    assert server.tokens == ["token-1"]
    assert server.said == [[{"action": "subscribe", "topics": ["orders", "trades"], "since": 41}]]
    assert (client.asked, client.events.connections, client.notes) == ([False], 1, [])
    client.events.close()


def test_without_a_sequence_the_client_begins_where_the_answer_says(server: StreamServer) -> None:
    server.script = [telling(then=Talk.abort), telling(42)]
    client = Client(server.url, since=None)
    assert client.take() == [42]
    assert server.said == [
        [{"action": "subscribe", "topics": []}],
        [{"action": "subscribe", "topics": [], "since": 41}],
    ]
    client.events.close()


@pytest.mark.parametrize("since", [None, 41])
def test_events_may_come_before_the_answer(server: StreamServer, since: int | None) -> None:
    def script(talk: Talk) -> None:
        talk.hear()
        talk.tell(event(42), event(43))
        talk.say(type="subscribed", subscription=1, topics=[], since=41)
        talk.tell(event(43), event(44))

    server.script = [script]
    client = Client(server.url, since=since)
    assert client.take() == [42, 43]
    assert client.take() == [44]
    client.events.close()


def test_events_that_come_again_are_dropped(server: StreamServer, client: Client) -> None:
    def script(talk: Talk) -> None:
        talk.answer(since=41)
        talk.tell(event(42), event(43))
        talk.tell(event(40), event(41), event(42))
        talk.tell(event(43), event(45), since=46)
        talk.tell(event(45))
        talk.tell(event(48))
        talk.wait()

    server.script = [script]
    assert client.take() == [42, 43]
    assert (client.take(), client.events.since) == ([45], 46)
    assert (client.take(), client.events.since) == ([48], 48)


@pytest.mark.parametrize("end", [Talk.abort, lambda _: None])
def test_after_a_break_the_client_goes_on_where_it_was(
    server: StreamServer, client: Client, end: Script
) -> None:
    """However the connection ends, the next one gets what the client has not seen."""
    server.script = [telling(42, then=end), telling(then=end), telling(42, 43)]
    assert client.take() == [42]
    assert client.take() == [43]
    assert [said[0]["since"] for said in server.said] == [41, 42, 42]
    assert (client.events.connections, client.asked) == (3, [False] * 3)
    assert len(client.notes) == len(client.pauses) == 2


def test_a_closed_client_connects_again(server: StreamServer, client: Client) -> None:
    server.script = [telling(42), telling(43)]
    assert client.take() == [42]
    client.events.close()
    client.events.close()
    assert client.take() == [43]
    assert (client.events.connections, client.pauses) == (2, [])


def test_a_token_that_is_refused_is_replaced_once(server: StreamServer, client: Client) -> None:
    server.script = [(401, None), telling(42, then=Talk.abort), (401, None), telling(43)]
    assert client.take() == [42]
    assert client.take() == [43]
    assert client.asked == [False, True, False, True]
    assert server.tokens == [f"token-{number}" for number in range(1, 5)]


def test_a_new_token_that_is_refused_too_ends_the_stream(
    server: StreamServer, client: Client
) -> None:
    server.script = [(401, None), (401, {"code": "UNAUTHENTICATED", "detail": "Who are you?"})]
    with pytest.raises(StreamRefusedError, match=r"Who are you\?") as refused:
        client.take()
    assert (refused.value.status, refused.value.problem["code"]) == (401, "UNAUTHENTICATED")
    assert client.asked == [False, True]


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        ({"code": "FORBIDDEN", "detail": "This needs a permission."}, "FORBIDDEN"),
        ({"message": "Forbidden"}, "FORBIDDEN"),
        (None, "FORBIDDEN"),
    ],
)
def test_a_client_without_permission_is_refused(
    server: StreamServer, client: Client, problem: dict[str, Any] | None, code: str
) -> None:
    server.script = [(403, problem)]
    with pytest.raises(StreamRefusedError) as refused:
        client.take()
    assert (refused.value.status, refused.value.problem["code"]) == (403, code)
    assert str(refused.value)
    assert client.events.connections == 0


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_handshake_that_fails_for_a_while_is_repeated(
    server: StreamServer, client: Client, status: int
) -> None:
    server.script = [(status, None), (status, None), telling(42)]
    assert client.take() == [42]
    assert client.asked == [False] * 3
    assert len(client.notes) == len(client.pauses) == 2


@pytest.mark.parametrize("code", ["TOKEN_EXPIRED", "TOKEN_ENDED"])
def test_when_its_token_has_ended_the_client_logs_in_again(
    server: StreamServer, client: Client, code: str
) -> None:
    server.script = [closing(code), telling(42)]
    assert client.take() == [42]
    assert client.asked == [False, True]
    assert client.notes == [f"It ends: {code}."]


@pytest.mark.parametrize("code", ["TOO_MANY_CONNECTIONS", "UNREACHABLE", "ANOTHER_ONE"])
def test_a_connection_that_is_closed_for_another_reason_is_replaced(
    server: StreamServer, client: Client, code: str
) -> None:
    server.script = [closing(code), telling(42)]
    assert client.take() == [42]
    assert client.asked == [False, False]
    assert client.notes == [f"It ends: {code}."]


def test_events_that_are_not_kept_any_more_end_the_stream(
    server: StreamServer, client: Client
) -> None:
    server.script = [telling(42, then=lambda talk: talk.close("EVENTS_EXPIRED"))]
    assert client.take() == [42]
    with pytest.raises(StreamRefusedError) as refused:
        client.take()
    assert (refused.value.status, refused.value.problem["code"]) == (410, "EVENTS_EXPIRED")
    assert client.events.since == 42


@pytest.mark.parametrize(
    ("status", "code", "asked"),
    [
        (401, "UNAUTHENTICATED", True),
        (410, "NOT_CONNECTED", False),
        (429, "RATE_LIMITED", False),
        (500, "INTERNAL", False),
        (503, "SHUTTING_DOWN", False),
    ],
)
def test_a_refused_message_is_sent_again_over_another_connection_if_that_may_help(
    server: StreamServer, client: Client, status: int, code: str, asked: bool
) -> None:
    server.script = [refusing(status, code), telling(42)]
    assert client.take() == [42]
    assert client.asked == [False, asked]
    assert client.notes == [f"No: {code}."]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (410, "EVENTS_EXPIRED"),
        (422, "VALIDATION_FAILED"),
        (413, "BODY_TOO_LARGE"),
        (403, "FORBIDDEN"),
    ],
)
def test_a_refusal_that_would_come_again_ends_the_stream(
    server: StreamServer, client: Client, status: int, code: str
) -> None:
    server.script = [refusing(status, code)]
    with pytest.raises(StreamRefusedError) as refused:
        client.take()
    assert (refused.value.status, refused.value.problem["code"]) == (status, code)


# --- silence


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence that counts soon."""
    monkeypatch.setattr(stream, "PING_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(stream, "ANSWER_SECONDS", 0.2)


@pytest.mark.usefixtures("short")
def test_after_a_silence_the_client_asks_and_stays(server: StreamServer, client: Client) -> None:
    def script(talk: Talk) -> None:
        talk.answer(since=41)
        for _ in range(3):
            assert talk.hear() == {"action": "ping"}
            talk.say(type="pong", since=41)
        talk.tell(event(42))
        talk.wait()

    server.script = [script]
    assert client.take() == [42]
    assert (client.events.connections, client.notes) == (1, [])


@pytest.mark.usefixtures("short")
def test_an_event_answers_a_ping_as_well(server: StreamServer, client: Client) -> None:
    def script(talk: Talk) -> None:
        talk.answer(since=41)
        talk.hear()
        talk.tell(event(42))
        talk.hear()
        talk.say(type="pong", since=42)
        talk.wait()

    server.script = [script]
    assert client.take() == [42]
    assert client.take(0.3) == []
    assert (client.events.connections, client.notes) == (1, [])


@pytest.mark.usefixtures("short")
def test_who_does_not_answer_is_dead(server: StreamServer, client: Client) -> None:
    server.script = [telling(), telling(42)]
    assert client.take() == [42]
    assert client.notes == ["The stream does not answer."]
    assert server.said[0][1:] == [{"action": "ping"}]


@pytest.mark.usefixtures("short")
def test_who_is_not_connected_finds_out_by_a_ping(server: StreamServer, client: Client) -> None:
    """For example because the connection was given up while the client was out of reach."""

    def script(talk: Talk) -> None:
        talk.answer(since=41)
        talk.hear()
        talk.refuse(410, "NOT_CONNECTED")
        talk.wait()

    server.script = [script, telling(42)]
    assert client.take() == [42]
    assert client.notes == ["No: NOT_CONNECTED."]


@pytest.mark.usefixtures("short")
def test_silence_counts_over_short_takes(server: StreamServer, client: Client) -> None:
    """As those of a list that is refreshed every two seconds."""
    server.script = [telling(), telling(42)]
    deadline = time.monotonic() + LONG
    found: list[int] = []
    while not found and time.monotonic() < deadline:
        found = client.take(0.05)
    assert found == [42]
    assert server.said[0][1:] == [{"action": "ping"}]
    assert client.notes == ["The stream does not answer."]


# --- pauses


@pytest.mark.parametrize("failures", [0, 5000])
def test_without_a_server_nothing_comes_until_the_time_is_over(
    server: StreamServer, failures: int
) -> None:
    """However long it is away: after 1,024 failures, their pause is no number any more."""
    client = Client(server.url)
    client.events._failures = failures
    server.close()
    assert client.take(SOON) == []
    assert client.notes
    assert all("ended" in note for note in client.notes)


def fails(count: int) -> list[Script | tuple[int, None]]:
    return [(503, None)] * count


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses as long as chance can make them."""
    monkeypatch.setattr(stream.random, "uniform", lambda _, most: most)


@pytest.mark.usefixtures("longest")
def test_pauses_get_longer_up_to_a_limit_and_begin_anew(
    server: StreamServer, client: Client
) -> None:
    server.script = [*fails(9), telling(42, then=Talk.abort), telling(43)]
    assert client.take(3600) == [42]
    assert client.pauses == [0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
    assert client.take(3600) == [43]
    assert client.pauses[9:] == [0.4]


def test_pauses_differ_from_client_to_client(server: StreamServer) -> None:
    clients = [Client(server.url) for _ in range(5)]
    for client in clients:
        server.script = [*fails(1), telling(42)]
        assert client.take() == [42]
        assert 0.2 <= client.pauses[0] <= 0.4
        client.events.close()
    assert len({client.pauses[0] for client in clients}) == 5


def test_a_pause_is_not_longer_than_the_time_that_is_left(
    server: StreamServer, client: Client
) -> None:
    server.script = list(fails(9))
    client.events._failures = 8
    client.take(SOON)
    assert max(client.pauses) <= SOON


@pytest.mark.usefixtures("longest")
@pytest.mark.parametrize(
    "step",
    [
        closing("TOO_MANY_CONNECTIONS"),
        refusing(429, "RATE_LIMITED"),
        refusing(500, "INTERNAL"),
    ],
)
def test_pauses_get_longer_also_if_connections_open_and_fail_then(
    server: StreamServer, client: Client, step: Script
) -> None:
    """Eleven clients of one account would end one another without a pause, and a client over its
    rate limit would stay there.
    """
    server.script = [step, step, step, telling(42)]
    assert client.take(3600) == [42]
    assert client.pauses == [0.4, 0.8, 1.6]


@pytest.mark.usefixtures("short")
def test_an_answer_of_the_gateway_itself_is_no_subscription(
    server: StreamServer, client: Client
) -> None:
    """If the function does not answer, API Gateway says so in its own form."""

    def script(talk: Talk) -> None:
        talk.hear()
        talk.say(message="Internal server error", connectionId="c1", requestId="r1")
        while talk.hear():
            talk.say(type="pong")

    server.script = [script, telling(42)]
    assert client.take(2) == [42]
    assert client.events.connections == 2
