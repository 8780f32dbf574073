"""Requests that fail, are slow or are answered late: what is tried again, for how long, and what
the user is told.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from cli.api import Api
from cli.failures import Exit, Failure
from cli.tokens import Token, TokenCache
from workstation.profiles import Profile

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
PROFILE = Profile(url="https://api.example.com/dev", api_key="key-alice", api_secret="secret")
Step = httpx.Response | httpx.TransportError


class Line:
    """A scripted connection: one step for each request. It remembers what was sent and how long the
    client waited.
    """

    def __init__(self, directory: Path, *steps: Step, patience: float = 30) -> None:
        self.steps = list(steps)
        self.sent: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.notes: list[str] = []
        tokens = TokenCache(directory, lambda: NOW)
        tokens.save(PROFILE, Token(jwt_token="kept", expiration=NOW.replace(hour=16)))
        self.api = Api(
            PROFILE,
            tokens,
            lambda _: "asked",
            lambda: "123456",
            self.notes.append,
            patience,
            transport=httpx.MockTransport(self._step),
            sleep=self.pauses.append,
        )

    def _step(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture
def line(tmp_path: Path) -> Callable[..., Line]:
    return lambda *steps, **options: Line(tmp_path, *steps, **options)


def problem(status: int, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"status": status, "code": "CODE", "detail": "So it is.", "request_id": "r-1"}
    return httpx.Response(status, json=body, headers=named)


def ok() -> httpx.Response:
    return httpx.Response(200, json={"fine": "yes"})


def test_the_client_pauses_as_long_as_the_api_asks(line: Callable[..., Line]) -> None:
    at = line(problem(429, Retry_After="7"), problem(503, Retry_After="2"), ok())
    assert at.api.get("/x") == {"fine": "yes"}
    assert at.pauses == [7, 2]
    assert at.notes == ["429 CODE; trying again in 7 s", "503 CODE; trying again in 2 s"]


def test_a_pause_longer_than_the_patience_is_not_begun(line: Callable[..., Line]) -> None:
    at = line(problem(429, Retry_After="31"))
    with pytest.raises(Failure) as failure:
        at.api.get("/x")
    assert (failure.value.status, at.pauses) == (Exit.RATE_LIMITED, [])


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut off"),
    ],
)
def test_a_request_without_an_answer_is_sent_again_unchanged(
    line: Callable[..., Line], error: Step
) -> None:
    at = line(error, problem(504), ok())
    at.api.change("POST", "/x", "k-1", {"a": 1, "b": None})
    assert [request.headers["Idempotency-Key"] for request in at.sent] == ["k-1"] * 3
    assert {request.read() for request in at.sent} == {b'{"a":1}'}
    assert all(0.5 <= pause <= 8 for pause in at.pauses)


def test_an_api_that_never_answers_is_reported_as_unreachable(line: Callable[..., Line]) -> None:
    at = line(*[httpx.ConnectError("refused")] * 100, patience=0)
    with pytest.raises(Failure) as failure:
        at.api.change("POST", "/x", "k-1", {})
    assert failure.value.status == Exit.UNREACHABLE
    assert failure.value.idempotency_key == "k-1"
    assert "--key k-1" in failure.value.lines[-1]


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [
        (400, Exit.REFUSED),
        (401, Exit.AUTHENTICATION),
        (403, Exit.AUTHENTICATION),
        (404, Exit.NOT_FOUND),
        (409, Exit.CONFLICT),
        (422, Exit.REFUSED),
        (500, Exit.SERVER_ERROR),
        (302, Exit.REFUSED),
    ],
)
def test_a_final_answer_is_not_requested_again(
    line: Callable[..., Line], status: int, exit_status: Exit
) -> None:
    at = line(problem(status), problem(status))
    with pytest.raises(Failure) as failure:
        at.api.get("/x")
    assert failure.value.status == exit_status
    assert failure.value.problem["request_id"] == "r-1"
    assert at.pauses == []


def test_an_answer_that_is_not_the_apis_is_shown_unchanged(line: Callable[..., Line]) -> None:
    proxy = httpx.Response(502, text="<h1>Bad gateway</h1>")
    with pytest.raises(Failure) as failure:
        line(proxy, patience=0).api.get("/x")
    assert (failure.value.status, failure.value.problem["status"]) == (Exit.SERVER_ERROR, 502)
    assert "<h1>Bad gateway</h1>" in failure.value.lines[0]
    with pytest.raises(Failure) as failure:
        line(httpx.Response(200, text="<h1>Hello</h1>")).api.get("/x")
    assert failure.value.status == Exit.SERVER_ERROR


def test_unset_parameters_are_not_sent(line: Callable[..., Line]) -> None:
    at = line(ok())
    at.api.get("/x", status=None, limit=50)
    assert str(at.sent[0].url) == "https://api.example.com/dev/x?limit=50"
    assert at.sent[0].headers["Authorization"] == "Bearer kept"
    assert "Idempotency-Key" not in at.sent[0].headers


def test_a_failed_log_in_leaves_no_doubt_about_the_command(line: Callable[..., Line]) -> None:
    at = line(problem(401), problem(403))
    with pytest.raises(Failure) as failure:
        at.api.change("POST", "/x", "k-1", {})
    assert at.sent[1].url.path == "/dev/api/v1/auth/token"
    assert failure.value.idempotency_key is None


def refused(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"status": status, "code": code, "detail": "So it is."})


STRONGER = {"jwt_token": "stronger", "expiration": "2026-11-23T16:00:00Z"}


def test_a_code_is_asked_for_when_the_api_wants_a_second_factor(line: Callable[..., Line]) -> None:
    """The stronger token is kept, and the same request is sent again under its key."""
    wanted = refused(403, "SECOND_FACTOR_REQUIRED")
    at = line(wanted, httpx.Response(200, json=STRONGER), ok(), ok())
    assert at.api.change("POST", "/api/v1/orders", "k-1", {"a": 1}) == {"fine": "yes"}
    assert at.api.change("POST", "/api/v1/orders", "k-2", {"a": 2}) == {"fine": "yes"}
    paths = [request.url.path.removeprefix("/dev") for request in at.sent]
    assert paths == ["/api/v1/orders", "/api/v1/auth/step-up", *["/api/v1/orders"] * 2]
    assert at.sent[1].read() == b'{"code":"123456"}'
    tokens = [request.headers["Authorization"] for request in at.sent]
    assert tokens == ["Bearer kept", "Bearer kept", *["Bearer stronger"] * 2]
    assert [at.sent[each].headers["Idempotency-Key"] for each in (0, 2)] == ["k-1", "k-1"]


def test_a_wrong_code_is_told_and_not_asked_for_again(line: Callable[..., Line]) -> None:
    at = line(refused(403, "SECOND_FACTOR_REQUIRED"), refused(401, "INVALID_CODE"))
    with pytest.raises(Failure) as failure:
        at.api.change("POST", "/api/v1/orders", "k-1", {"a": 1})
    assert failure.value.problem["code"] == "INVALID_CODE"
    assert len(at.sent) == 2
