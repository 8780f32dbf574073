"""Watching shows changes until the user stops it."""

import json
from typing import Any

import pytest

from cli.failures import Exit, Failure
from cli.session import Session
from cli.watch import watch


def watched(looks: list[Any], *, as_json: bool) -> list[float]:
    """Watch these states, then press Ctrl-C. Answers the pauses."""
    pauses: list[float] = []

    def look() -> Any:
        if not looks:
            raise KeyboardInterrupt
        seen = looks.pop(0)
        if isinstance(seen, Exception):
            raise seen
        return seen

    watch(
        Session(None, 30).begin(as_json),
        2,
        look,
        lambda seen: f"orders: {seen['n']}",
        pauses.append,
    )
    return pauses


def test_a_pipe_gets_only_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert watched([{"n": 1}, {"n": 1}, {"n": 2}], as_json=False) == [2, 2, 2]
    assert capsys.readouterr().out.split("\n") == ["orders: 1", "orders: 2", ""]


def test_a_script_gets_a_line_of_json_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    watched([{"n": 1}, {"n": 1}, {"n": 2}], as_json=True)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"n": 1},
        {"n": 2},
    ]


def test_watching_continues_after_transient_errors_only(capsys: pytest.CaptureFixture[str]) -> None:
    limited = Failure.answered(429, {"code": "RATE_LIMITED", "detail": "Later."}, None)
    watched([{"n": 1}, limited, {"n": 1}, {"n": 2}], as_json=False)
    assert capsys.readouterr().out.split("\n") == ["orders: 1", "orders: 2", ""]
    refused = Failure.answered(403, {"code": "FORBIDDEN", "detail": "No."}, None)
    with pytest.raises(Failure) as failure:
        watched([{"n": 1}, refused], as_json=False)
    assert failure.value.status == Exit.AUTHENTICATION
