"""The command that follows the events of an account."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli import events as command
from local.event_schema import EXAMPLE
from tests.integration.cli.conftest import Terminal
from tests.integration.cli.gateway import problem
from tests.integration.trading.books import NAMES, put
from trading.adapters.dynamodb.event_log import DIGITS
from trading.adapters.dynamodb.event_text import packed
from trading.domain.events import Event

TABLE = NAMES.clients.replace("clients", "events")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def event(sequence: int, **changes: Any) -> Event:
    return Event.model_validate(
        {**EXAMPLE, "id": f"account/alice/{sequence}", "sequence": sequence, **changes},
        strict=False,
    )


class Log:
    """The log of events of alice, as the function `event_log` writes it. Her account stands at the
    last one.
    """

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self._last = 0

    def write(self, events: Iterable[Event]) -> None:
        for each in events:
            item = {
                "client_id": each.aggregate.id,
                "sequence": f"{each.sequence:0{DIGITS}d}",
                "event": packed(each),
                "expires_at": int((each.time + timedelta(days=7)).timestamp()),
            }
            put(self._dynamodb, TABLE, item)
            self._last = max(self._last, each.sequence)
        self._dynamodb.update_item(
            TableName=NAMES.accounts,
            Key={"client_id": {"S": "alice"}, "item": {"S": "CASH"}},
            UpdateExpression="SET version = :sequence",
            ExpressionAttributeValues={":sequence": {"N": str(self._last)}},
        )


@pytest.fixture
def log(terminal: Terminal) -> Log:
    return Log(terminal.gateway.system.dynamodb)


def sequences(out: str) -> list[int]:
    """The sequences of the printed lines."""
    return [int(line.split()[0]) for line in out.splitlines()]


def test_an_event_is_one_line_with_what_is_essential(terminal: Terminal, log: Log) -> None:
    log.write([event(1)])
    code, out, err = terminal.run("events", "--since", "0")
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    assert re.fullmatch(
        r" +1  2026-11-30 15:04:05Z  order\.executed +fill buy 10 KO @ 61\.20; "
        r"ord_\w+: buy 10 KO market DAY FILLED 10/10; 9387\.70 USD available",
        line,
    ), line


def test_all_events_are_printed_in_order_over_several_pages(
    terminal: Terminal, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PAGE", 2)
    log.write([event(number) for number in (3, 1, 5, 2, 4)])
    assert sequences(terminal.run("events", "--since", "0")[1]) == [1, 2, 3, 4, 5]
    assert sequences(terminal.run("events", "--since", "3")[1]) == [4, 5]
    assert terminal.run("events", "--since", "5") == (0, "", "")


def test_a_topic_leaves_out_others_also_over_a_page_without_any(
    terminal: Terminal, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PAGE", 1)
    balance = {"type": "deposit.booked", "topics": ["balance"]}
    log.write([event(1), event(2, **balance), event(3, **balance), event(4)])
    assert sequences(terminal.run("events", "--since", "0", "--topic", "trades")[1]) == [1, 4]
    assert terminal.run("events", "--since", "0", "--topic", "gossip")[0] == 2


def test_a_gap_ends_the_list_and_is_told(terminal: Terminal, log: Log) -> None:
    log.write([event(1), event(3)])
    code, out, err = terminal.run("events", "--since", "0")
    assert (code, sequences(out)) == (0, [1])
    assert err == "Event 2 has not arrived yet, although later ones have.\n"


def test_without_a_sequence_the_command_says_where_the_account_stands(terminal: Terminal) -> None:
    version = terminal.gateway.system.books.account("alice").version
    assert terminal.run("events") == (0, f"The account is at sequence {version}.\n", "")
    assert terminal.ask("events") == {"items": [], "since": version, "is_delayed": False}


def test_with_json_a_line_is_an_event_of_the_api(terminal: Terminal, log: Log) -> None:
    log.write([event(1), event(2)])
    code, out, err = terminal.run("events", "--since", "0", "--json")
    assert (code, err) == (0, "")
    assert [json.loads(line)["id"] for line in out.splitlines()] == [
        "account/alice/1",
        "account/alice/2",
    ]


def test_events_that_have_expired_end_the_command(terminal: Terminal, log: Log) -> None:
    log.write([event(7, time=LONG_AGO)])
    assert terminal.refused("events", "--since", "3", status=7)["code"] == "EVENTS_EXPIRED"


class Interruptions:
    """Pauses of the command, in place of which something happens; at the end, Ctrl-C."""

    def __init__(self, *happens: Any) -> None:
        self.left = list(happens)

    def __call__(self, _: float) -> None:
        if not self.left:
            raise KeyboardInterrupt
        self.left.pop(0)()


def test_following_outlasts_failures_and_misses_nothing(
    terminal: Terminal, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write([event(1)])
    gateway = terminal.gateway
    answers = iter(
        [
            problem(504, "TIMEOUT"),
            problem(429, "TOO_MANY_REQUESTS"),
            problem(500, "UNEXPECTED"),
        ]
    )

    def fail_then_go_on() -> None:
        log.write([event(2), event(3)])

    pauses = Interruptions(*[lambda: None] * 2, fail_then_go_on)
    followed = command.followed

    def until_failures_are_over(*arguments: Any, **named: Any) -> Iterator[dict[str, Any]]:
        for number, each in enumerate(followed(*arguments, sleep=pauses, **named), start=1):
            yield each
            if number == 1:
                gateway.instead = list(answers)
            if number == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(command, "followed", until_failures_are_over)
    code, out, err = terminal.run("events", "--since", "0", "--follow", patience=0)
    assert (code, sequences(out)) == (0, [1, 2, 3])
    for said in ("504 TIMEOUT", "429 TOO_MANY_REQUESTS", "500 UNEXPECTED"):
        assert said in err
    waits = [request.path for request in gateway.seen if "/api/v1/events" in request.path]
    assert waits[0].endswith("?since=0&limit=100&wait=20")
    assert [path for path in waits if "since=1&" in path] == waits[1:]


def test_a_failure_that_does_not_pass_ends_following(terminal: Terminal) -> None:
    terminal.run("login")
    terminal.gateway.instead = [problem(403, "FORBIDDEN")]
    code, out, err = terminal.run("events", "--since", "0", "--follow")
    assert (code, out) == (5, "")
    assert "403 FORBIDDEN" in err
