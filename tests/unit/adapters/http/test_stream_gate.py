"""The front of the stream: which handshakes and messages pass, and what the others are answered."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.api_events import Context, principal
from tests.fakes.builders import NOW
from trading.adapters.faces.stream import (
    READS_ACCOUNTS,
    REQUEST,
    Ping,
    Pong,
    Refused,
    Subscribe,
    Subscribed,
)
from trading.adapters.http import stream_gate
from trading.adapters.http.principals import Principal
from trading.adapters.http.stream_gate import MAX_MESSAGE_CHARACTERS, StreamGate
from trading.adapters.http.throttle import Allowance
from trading.adapters.runtime.handshakes import offered_subprotocols
from trading.domain.events import Topic
from trading.metrics import Metric
from trading.usecases.accounts.follow_events import EventsExpiredError
from trading.usecases.ports import StaleError
from trading.usecases.streaming.connect import NotConnectedError

SECRET = "the secret is hunter2"
LATER = NOW + timedelta(minutes=15)
ALICE = principal(permissions=READS_ACCOUNTS) | {
    "generation": "3",
    "expires_at": str(int(LATER.timestamp())),
}
GRANTED = Allowance(True, 100, 99, 60, 60, generation=3)
FULL = Allowance(False, 100, 0, 60, 17)
SUBSCRIBED = {"action": "subscribe"}
MALFORMED, WRONG = (400, "MALFORMED_JSON"), (422, "VALIDATION_FAILED")


class Gate:
    """The gate over a use case that the test lets fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.allowance: Allowance | None = GRANTED
        self.counted: list[tuple[str, int]] = []
        self.metrics: list[Metric] = []
        self.fails: Exception | None = None
        self.connected: list[tuple[Principal, str]] = []
        self.disconnected: list[tuple[Principal, str]] = []
        self.messages: list[Subscribe | Ping] = []
        self.now = NOW
        monkeypatch.setattr(stream_gate, "count", self.metrics.append)
        self.gate = StreamGate(
            throttle=self,  # type: ignore[arg-type]
            now=lambda: self.now,
            permission=READS_ACCOUNTS,
            parse=REQUEST.validate_python,
            connect=self._connect,
            answer=self._answer,
            disconnect=lambda who, connection_id: self.disconnected.append((who, connection_id)),
            refused=lambda name, problem: Refused(id=name, problem=problem),
        )

    def take(self, api_key: str, generation: int) -> Allowance | None:
        self.counted.append((api_key, generation))
        return self.allowance

    def _connect(self, who: Principal, connection_id: str) -> None:
        if self.fails:
            raise self.fails
        self.connected.append((who, connection_id))

    def _answer(self, who: Principal, connection_id: str, asked: Any) -> Subscribed | Pong:
        assert (who.client_id, connection_id) == ("alice", "c1")
        self.messages.append(asked)
        if self.fails:
            raise self.fails
        if isinstance(asked, Ping):
            return Pong(id=asked.id, since=7)
        return Subscribed(
            id=asked.id,
            subscription=len(self.messages),
            topics=asked.topics,
            since=asked.since or 0,
            expires_at=LATER,
        )

    def __call__(
        self, kind: str, authorizer: dict[str, str] | None = None, **event: Any
    ) -> dict[str, Any]:
        context = {
            "eventType": kind,
            "requestId": "request-1",
            "connectionId": "c1",
            "authorizer": ALICE if authorizer is None else authorizer,
        }
        return self.gate({"requestContext": context, **event}, Context())  # type: ignore[arg-type]

    def handshake(
        self, authorizer: dict[str, str] | None = None, **headers: str
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers and body."""
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        answer = self("CONNECT", authorizer, headers=sent)
        return answer["statusCode"], answer["headers"], json.loads(answer.get("body", "{}"))

    def say(self, message: object, authorizer: dict[str, str] | None = None) -> dict[str, Any]:
        """The answer to a message. A text is sent as it is."""
        body = message if isinstance(message, str) else json.dumps(message)
        answer = self("MESSAGE", authorizer, body=body)
        assert answer["statusCode"] == 200
        read: dict[str, Any] = json.loads(answer["body"])
        return read

    def refusal(
        self, message: object, authorizer: dict[str, str] | None = None
    ) -> tuple[int, str, dict[str, Any]]:
        """Status and code of the problem that a message is answered, and the answer."""
        answer = self.say(message, authorizer)
        assert answer["type"] == "error"
        assert answer["problem"]["request_id"] == "request-1"
        return answer["problem"]["status"], answer["problem"]["code"], answer


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


# --- the handshake


def test_a_handshake_opens_a_connection_and_counts_as_a_request(gate: Gate) -> None:
    assert gate.handshake() == (200, {}, {})
    [(who, connection_id)] = gate.connected
    assert (who.client_id, who.generation, connection_id) == ("alice", 3, "c1")
    assert gate.counted == [("key-alice", 3)]


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ("trading", True),
        ("trading, bearer.abc", True),
        ("bearer.abc,trading", True),
        ("bearer.abc", False),
        ("trading2, x-trading", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("name", ["Sec_WebSocket_Protocol", "sec_websocket_protocol"])
def test_the_subprotocol_is_answered_only_if_it_was_offered(
    gate: Gate, name: str, offered: str, answered: bool
) -> None:
    """A browser closes a connection whose answer names a subprotocol that it did not offer."""
    status, headers, _ = gate.handshake(**{name: offered})
    assert status == 200
    assert headers == ({"Sec-WebSocket-Protocol": "trading"} if answered else {})


def test_without_headers_no_subprotocol_is_offered() -> None:
    opens = {"requestContext": {"eventType": "CONNECT"}}
    assert "trading" not in offered_subprotocols({})
    assert "trading" not in offered_subprotocols({**opens, "headers": None})
    offers = {"headers": {"sec-websocket-protocol": " a ,b"}}
    assert offered_subprotocols(opens | offers) == ("a", "b")
    assert offered_subprotocols(offers) == ()


REFUSED_CALLERS = [
    ({"permissions": "orders:read orders:write"}, GRANTED, 403, "FORBIDDEN"),
    ({"permissions": ""}, GRANTED, 403, "FORBIDDEN"),
    ({}, FULL, 429, "RATE_LIMITED"),
    ({"generation": "2"}, GRANTED, 401, "UNAUTHENTICATED"),
    ({"expires_at": str(int(NOW.timestamp()))}, GRANTED, 401, "UNAUTHENTICATED"),
]


@pytest.mark.parametrize(("claims", "allowance", "status", "code"), REFUSED_CALLERS)
def test_a_refused_handshake_opens_nothing(
    gate: Gate, claims: dict[str, str], allowance: Allowance, status: int, code: str
) -> None:
    gate.allowance = allowance
    answered, headers, problem = gate.handshake(ALICE | claims, Sec_WebSocket_Protocol="trading")
    assert (answered, problem["status"], problem["code"]) == (status, status, code)
    assert headers["Content-Type"] == "application/problem+json"
    assert headers.get("Retry-After") == ("17" if status == 429 else None)
    assert headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
    assert "Sec-WebSocket-Protocol" not in headers
    assert gate.connected == []


def test_an_expired_token_does_not_count_as_a_request(gate: Gate) -> None:
    gate.handshake(ALICE | {"expires_at": str(int(NOW.timestamp()))})
    assert gate.counted == []


def test_a_handshake_without_authorizer_is_refused(gate: Gate) -> None:
    assert gate.handshake({})[0] == 401


def test_when_requests_cannot_be_counted_they_pass(gate: Gate) -> None:
    gate.allowance = None
    assert gate.handshake()[0] == 200
    assert gate.say({"action": "ping"})["type"] == "pong"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StaleError(), 409, "CONCURRENT_UPDATE"),
        (RuntimeError(SECRET), 500, "INTERNAL"),
        (KeyError(SECRET), 500, "INTERNAL"),
    ],
)
def test_a_handshake_that_fails_is_answered(
    gate: Gate, error: Exception, status: int, code: str
) -> None:
    gate.fails = error
    answered, _, problem = gate.handshake()
    assert (answered, problem["code"]) == (status, code)
    assert SECRET not in json.dumps(problem)
    assert gate.metrics == ([Metric.UNEXPECTED_ERROR] if status == 500 else [])


# --- messages


def test_messages_are_answered_under_their_id(gate: Gate) -> None:
    asked = {"action": "subscribe", "id": "1", "topics": ["orders", "trades"], "since": 4}
    assert gate.say(asked) == {
        "type": "subscribed",
        "id": "1",
        "subscription": 1,
        "topics": ["orders", "trades"],
        "since": 4,
        "expires_at": "2026-11-23T15:15:00.000000Z",
    }
    assert gate.say({"action": "ping", "id": "2"}) == {"type": "pong", "id": "2", "since": 7}
    assert "id" not in gate.say({"action": "ping"})
    assert gate.messages == [
        Subscribe(action="subscribe", id="1", topics=(Topic.ORDERS, Topic.TRADES), since=4),
        Ping(action="ping", id="2"),
        Ping(action="ping"),
    ]
    assert gate.counted == [("key-alice", 3)] * 3


@pytest.mark.parametrize(
    ("body", "status_and_code"),
    [
        ("", MALFORMED),
        ("ping", MALFORMED),
        ('{"action": "ping"', MALFORMED),
        ('{"action": "ping"} {}', MALFORMED),
        ('{"action": "subscribe", "since": NaN}', MALFORMED),
        ('{"action": "ping", "action": "subscribe"}', MALFORMED),
        ('{"action": "ping", "id": "\\ud800"}', MALFORMED),
        ('{"action": "\\ud800"}', MALFORMED),
        ("[" * MAX_MESSAGE_CHARACTERS, MALFORMED),
        ('{"a":' * (MAX_MESSAGE_CHARACTERS // 5), MALFORMED),
        ("[" * 2000 + "]" * 2000, MALFORMED),
        ('{"action": ' + "[" * 900 + "]" * 900 + "}", WRONG),
        ('{"action": "subscribe", "topics": ' + "[" * 900 + "]" * 900 + "}", WRONG),
        ('{"action": "subscribe", "since": ' + "9" * 4000 + "}", WRONG),
        ('{"action": "subscribe", "since": 1' + "0" * 12 + "}", WRONG),
        ('{"action": "subscribe", "since": 1e999}', MALFORMED),
    ],
)
def test_no_text_breaks_the_gate(gate: Gate, body: str, status_and_code: tuple[int, str]) -> None:
    """JSON is read as over HTTP. The connection stays open."""
    status, code, _ = gate.refusal(body)
    assert (status, code) == status_and_code
    assert gate.messages == []
    assert gate.metrics == []


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_a_message_that_is_too_long_is_refused(gate: Gate, character: str) -> None:
    empty = len(json.dumps({"action": "ping", "x": ""}))
    longest = {"action": "ping", "x": character * (MAX_MESSAGE_CHARACTERS - empty)}
    text = json.dumps(longest, ensure_ascii=False)
    assert len(text) == MAX_MESSAGE_CHARACTERS
    assert gate.refusal(text)[:2] == WRONG
    assert gate.refusal(text + " ")[:2] == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (None, "action"),
        ("7", "action"),
        ([], "action"),
        ([{"action": "ping"}], "action"),
        ({}, "action"),
        ({"action": "unsubscribe"}, "action"),
        ({"action": None}, "action"),
        ({"action": ["ping"]}, "action"),
        ({"action": "PING"}, "action"),
        ({"action": "ping", "since": 4}, "since"),
        ({"action": "ping", "id": 5}, "id"),
        ({"action": "ping", "id": "x" * 65}, "id"),
        ({**SUBSCRIBED, "sinse": 4}, "sinse"),
        ({**SUBSCRIBED, "topics": ["weather"]}, "topics.0"),
        ({**SUBSCRIBED, "topics": ["orders", "ORDERS"]}, "topics.1"),
        ({**SUBSCRIBED, "topics": "orders"}, "topics"),
        ({**SUBSCRIBED, "topics": None}, "topics"),
        ({**SUBSCRIBED, "topics": [*Topic, "orders"]}, "topics"),
        ({**SUBSCRIBED, "action ": "ping"}, "action "),
        ({"action": "ping", "subscribe": 1}, "subscribe"),
        ({"action": "ping", "ping": 1}, "ping"),
        ({**SUBSCRIBED, "subscribe.since": 1}, "subscribe.since"),
        ({**SUBSCRIBED, "since": -1}, "since"),
        ({**SUBSCRIBED, "since": 10**12}, "since"),
        ({**SUBSCRIBED, "since": 1.5}, "since"),
        ({**SUBSCRIBED, "since": "abc"}, "since"),
    ],
)
def test_a_message_of_another_form_is_refused_with_its_field(
    gate: Gate, message: Any, field: str
) -> None:
    named = {**message, "id": message.get("id", "m-1")} if isinstance(message, dict) else message
    status, code, answer = gate.refusal(json.dumps(named))
    assert (status, code) == WRONG
    [error] = answer["problem"]["errors"]
    assert error["field"] == field
    if isinstance(named, dict) and isinstance(named["id"], str):
        assert answer["id"] == named["id"]
    assert gate.messages == []


def test_each_field_at_fault_is_named(gate: Gate) -> None:
    wrong = {**SUBSCRIBED, "since": -1, "topics": ["weather", "orders", "news"], "x": 1, "id": 5}
    _, _, answer = gate.refusal(wrong)
    named = {each["field"] for each in answer["problem"]["errors"]}
    assert named == {"since", "topics.0", "topics.2", "x", "id"}


def test_all_topics_can_be_named(gate: Gate) -> None:
    assert gate.say({**SUBSCRIBED, "topics": list(Topic)})["topics"] == list(Topic)


@pytest.mark.parametrize("since", [True, "5", False, [5]])
def test_a_since_that_is_no_number_is_refused(gate: Gate, since: object) -> None:
    assert gate.refusal({**SUBSCRIBED, "since": since})[:2] == WRONG


@pytest.mark.parametrize("since", [0, 10**12 - 1, None])
def test_every_sequence_can_be_named(gate: Gate, since: int | None) -> None:
    assert gate.say({**SUBSCRIBED, "since": since})["since"] == (since or 0)


@pytest.mark.parametrize(("claims", "allowance", "status", "code"), REFUSED_CALLERS[2:])
def test_a_message_of_a_refused_caller_is_answered_and_not_read(
    gate: Gate, claims: dict[str, str], allowance: Allowance, status: int, code: str
) -> None:
    gate.allowance = allowance
    assert gate.refusal({"action": "ping"}, ALICE | claims)[:2] == (status, code)
    assert gate.refusal("no JSON", ALICE | claims)[:2] == (status, code)
    assert gate.messages == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (EventsExpiredError("They are not kept.", field="since"), 410, "EVENTS_EXPIRED"),
        (NotConnectedError(), 410, "NOT_CONNECTED"),
        (StaleError(), 409, "CONCURRENT_UPDATE"),
    ],
)
def test_a_refusal_of_the_domain_is_answered_under_its_id(
    gate: Gate, error: Exception, status: int, code: str
) -> None:
    gate.fails = error
    answered, refused, answer = gate.refusal({**SUBSCRIBED, "id": "m-1"})
    assert (answered, refused, answer["id"]) == (status, code, "m-1")
    assert str(error) == answer["problem"]["detail"]
    assert gate.metrics == []


@pytest.mark.parametrize("error", [RuntimeError(SECRET), ValueError(SECRET), KeyError(SECRET)])
def test_an_unexpected_error_is_counted_and_keeps_its_text(gate: Gate, error: Exception) -> None:
    gate.fails = error
    status, code, answer = gate.refusal({"action": "ping", "id": "m-1"})
    assert (status, code, answer["id"]) == (500, "INTERNAL", "m-1")
    assert SECRET not in json.dumps(answer)
    assert gate.metrics == [Metric.UNEXPECTED_ERROR]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@given(
    st.text(max_size=60)
    | st.fixed_dictionaries(
        {},
        optional={
            "action": st.sampled_from(["ping", "subscribe"]) | JSON,
            "id": JSON,
            "topics": st.lists(st.sampled_from(Topic), max_size=3) | JSON,
            "since": JSON,
        },
    ).map(json.dumps)
)
def test_whatever_is_sent_gets_an_answer(body: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        gate = Gate(patch)
        assert gate.say(body)["type"] in ("error", "pong", "subscribed")
        assert gate.metrics == []


# --- the end of a connection


@pytest.mark.parametrize("claims", [{}, {"expires_at": "1"}, {"generation": "0"}])
def test_the_end_of_a_connection_is_noted_whatever_its_token_is_worth(
    gate: Gate, claims: dict[str, str]
) -> None:
    gate.allowance = FULL
    assert gate("DISCONNECT", ALICE | claims) == {"statusCode": 200}
    [(who, connection_id)] = gate.disconnected
    assert (who.client_id, connection_id) == ("alice", "c1")
    assert gate.counted == []
