"""The commands that are told what happens in the account: `stream`, and `orders --watch`."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from cli.api import Api
from cli.failures import Exit, Failure
from cli.profiles import own_file
from tests.integration.cli.conftest import Terminal
from tests.integration.cli.stream_server import StreamServer, Talk
from tests.integration.cli.test_event_stream import closing, refusing
from tests.integration.cli.test_events import event
from workstation import stream
from workstation.profiles import Profiles

pytestmark = pytest.mark.timeout(60)


def shown(sequence: int) -> dict[str, Any]:
    return event(sequence).model_dump(mode="json")


def presses_ctrl_c(talk: Talk) -> None:
    """The user ends the command when the client has done with what it was told, and pings."""
    assert talk.hear() == {"action": "ping"}
    os.kill(os.getpid(), signal.SIGINT)
    talk.wait()


def telling(*sequences: int, then: Any = presses_ctrl_c) -> Any:
    def script(talk: Talk) -> None:
        talk.answer(since=0)
        if sequences:
            talk.tell(*map(shown, sequences))
        then(talk)

    return script


@pytest.fixture
def server(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamServer]:
    """The stream of the profiles. Its clients do not pause, and ping soon.

    A process in the background of a shell ignores Ctrl-C, unless it says otherwise.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(stream, "PING_AFTER_SECONDS", 0.3)
    monkeypatch.setattr(stream, "FIRST_PAUSE_SECONDS", 0.01)
    server = StreamServer()
    known = Profiles.read(own_file())
    changed = {
        name: profile.model_copy(update={"stream_url": profile.stream_url and server.url})
        for name, profile in known.profiles.items()
    }
    Profiles(profiles=changed).write(own_file())
    yield server
    server.close()
    signal.signal(signal.SIGINT, before)


def sequences(out: str) -> list[int]:
    """The sequences of the printed lines."""
    return [int(line.split()[0]) for line in out.splitlines()]


# --- trading stream


def test_each_event_is_a_line_until_ctrl_c(terminal: Terminal, server: StreamServer) -> None:
    server.script = [telling(1, 2)]
    code, out, err = terminal.run("stream", "--since", "0")
    assert (code, err) == (0, "")
    assert sequences(out) == [1, 2]
    assert "order.executed" in out
    assert "fill buy 10 KO @ 61.20" in out
    assert server.said[0][0] == {"action": "subscribe", "topics": [], "since": 0}
    assert len(server.tokens) == 1
    assert server.tokens[0].count(".") == 2


def test_topics_are_asked_for_and_without_since_what_comes(
    terminal: Terminal, server: StreamServer
) -> None:
    server.script = [telling()]
    assert terminal.run("stream", "--topic", "orders", "--topic", "trades") == (0, "", "")
    assert server.said[0][0] == {"action": "subscribe", "topics": ["orders", "trades"]}
    assert terminal.run("stream", "--topic", "gossip")[0] == Exit.USAGE
    assert terminal.run("stream", "--since", "-1")[0] == Exit.USAGE


def test_with_json_a_line_is_an_event_and_nothing_else(
    terminal: Terminal, server: StreamServer
) -> None:
    server.script = [telling(1, then=Talk.abort), telling(1, 2)]
    code, out, err = terminal.run("stream", "--since", "0", "--json")
    assert (code, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == [shown(1), shown(2)]


def test_a_break_is_told_and_no_event_comes_twice(terminal: Terminal, server: StreamServer) -> None:
    server.script = [telling(1, then=Talk.abort), closing("UNREACHABLE"), telling(1, 2)]
    code, out, err = terminal.run("stream", "--since", "0")
    assert (code, sequences(out)) == (0, [1, 2])
    assert "The stream has ended" in err
    assert "It ends: UNREACHABLE." in err
    assert [said[0]["since"] for said in server.said] == [0, 1, 1]


@pytest.mark.parametrize("how", ["refused", "closed"])
def test_an_expired_token_is_replaced(terminal: Terminal, server: StreamServer, how: str) -> None:
    server.script = [(401, None) if how == "refused" else closing("TOKEN_EXPIRED"), telling(1)]
    terminal.run("login")
    logins = len(terminal.gateway.seen)
    assert terminal.run("stream", "--since", "0")[0] == 0
    assert len(terminal.gateway.seen) == logins + 1
    assert len(server.tokens) == 2


def test_the_stream_outlasts_an_api_that_cannot_make_a_new_token(
    terminal: Terminal, server: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `events --follow` does."""
    log_in = Api.log_in
    failures = [Failure.here(Exit.UNREACHABLE, "NO_ANSWER", "There is no answer.")] * 2

    def at_last(self: Api, key: str, code: str | None = None) -> Any:
        if failures:
            raise failures.pop()
        return log_in(self, key, code)

    terminal.run("login")
    monkeypatch.setattr(Api, "log_in", at_last)
    server.script = [closing("TOKEN_EXPIRED"), telling(1)]
    code, out, err = terminal.run("stream", "--since", "0")
    assert (code, sequences(out)) == (0, [1]), err


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        ((403, {"code": "FORBIDDEN", "detail": "No."}), Exit.AUTHENTICATION, "FORBIDDEN"),
        ((403, None), Exit.AUTHENTICATION, "FORBIDDEN"),
        (refusing(410, "EVENTS_EXPIRED"), Exit.CONFLICT, "EVENTS_EXPIRED"),
        (closing("EVENTS_EXPIRED"), Exit.CONFLICT, "EVENTS_EXPIRED"),
        (refusing(422, "VALIDATION_FAILED"), Exit.REFUSED, "VALIDATION_FAILED"),
    ],
)
def test_a_refusal_ends_the_command_with_its_status(
    terminal: Terminal, server: StreamServer, step: Any, status: Exit, code: str
) -> None:
    server.script = [step]
    assert terminal.refused("stream", "--since", "0", status=status)["code"] == code


def test_without_an_address_nothing_is_sent(terminal: Terminal, server: StreamServer) -> None:
    """Operators have none."""
    problem = terminal.refused("--profile", "local-admin", "stream", status=Exit.CONFIGURATION)
    assert problem["code"] == "NO_STREAM_URL"
    assert server.tokens == []


# --- trading orders --watch


def looks(terminal: Terminal) -> int:
    """How often the list was read."""
    return sum("/api/v1/orders?" in request.path for request in terminal.gateway.seen)


def test_the_list_is_read_again_when_an_event_comes(
    terminal: Terminal, server: StreamServer
) -> None:
    """Long before the interval is over."""
    order_id = terminal.ask("place", "buy", "10", "KO")["order_id"]

    def script(talk: Talk) -> None:
        talk.answer(since=0)
        talk.tell(shown(1))
        presses_ctrl_c(talk)

    server.script = [script]
    code, out, err = terminal.run("orders", "--watch", "--interval", "3600")
    assert (code, err) == (0, "")
    assert order_id in out
    assert server.said[0][0] == {"action": "subscribe", "topics": ["orders"]}
    assert looks(terminal) == 2


def test_without_events_the_list_is_read_after_the_interval(
    terminal: Terminal, server: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_AFTER_SECONDS", 60)

    def script(talk: Talk) -> None:
        talk.answer(since=0)
        while looks(terminal) < 3:
            talk.pause(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    server.script = [script]
    assert terminal.run("orders", "--watch", "--interval", "0.5", "--json")[0] == 0
    assert looks(terminal) >= 3


def test_a_stream_that_is_refused_leaves_the_interval(
    terminal: Terminal, server: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("cli.stream.time.sleep", sleep)
    server.script = [(403, None)] * 3
    code, _, err = terminal.run("orders", "--watch", "--interval", "7")
    assert (code, waits) == (0, [7, 7, 7])
    assert "The stream is refused" in err
    assert looks(terminal) == 3


def test_a_profile_without_a_stream_is_refreshed_by_the_clock(
    terminal: Terminal, server: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = Profiles.read(own_file()).profiles["local"]
    Profiles(profiles={"local": profile.model_copy(update={"stream_url": None})}).write(own_file())
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.stream.time.sleep", sleep)
    assert terminal.run("orders", "--watch")[0] == 0
    assert (waits, server.tokens) == ([2], [])
