"""Requests over HTTP, through the routes and the proxy events of API Gateway: what a client writes
reaches the function, blank values and repetitions too.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.integration.cli.conftest import Terminal

Send = Callable[..., httpx.Response]
ORDERS = "/api/v1/orders"


@pytest.fixture
def send(terminal: Terminal) -> Iterator[Send]:
    """Sends a request as alice."""
    with httpx.Client(base_url=terminal.gateway.url("public"), timeout=60) as http:
        credentials = {"api_key": "key-alice", "api_secret": "secret of alice"}
        path = "/api/v1/auth/token"
        answer = http.post(path, json=credentials, headers={"Idempotency-Key": "log-in"})
        bearer = ("Authorization", f"Bearer {answer.json()['jwt_token']}")

        def send(method: str, path: str, *headers: tuple[str, str]) -> httpx.Response:
            return http.request(method, path, headers=[bearer, *headers])

        yield send


def problem_of(answer: httpx.Response) -> tuple[int, str, list[Any]]:
    problem = answer.json()
    return answer.status_code, problem["code"], [each["field"] for each in problem["errors"]]


def test_what_the_query_says_reaches_the_function(send: Send) -> None:
    for query, field in (
        ("symbol=", "symbol"),
        ("symbol=KO&symbol=V", "symbol"),
        ("verbose", "verbose"),
        ("Symbol=KO", "Symbol"),
    ):
        refused = 422, "VALIDATION_FAILED", [field]
        assert problem_of(send("GET", f"{ORDERS}?{query}")) == refused, query
        key = ("Idempotency-Key", "cancel-1")
        assert problem_of(send("DELETE", f"{ORDERS}?{query}", key)) == refused, query
    assert send("GET", f"{ORDERS}?symbol=KO&limit=1").json() == {"items": [], "next_cursor": None}


def test_a_header_that_is_there_twice_reaches_the_function(send: Send) -> None:
    keys = ("Idempotency-Key", "one"), ("Idempotency-Key", "two")
    answer = send("DELETE", ORDERS, *keys)
    assert problem_of(answer) == (400, "HEADER_REPEATED", ["idempotency-key"])


def test_head_is_answered_like_get_without_the_body(send: Send) -> None:
    shown, told = send("GET", "/api/v1/balance"), send("HEAD", "/api/v1/balance")
    assert (told.status_code, told.content) == (200, b"")
    assert told.headers["content-length"] == str(len(shown.content))
    assert send("HEAD", f"{ORDERS}?verbose=1").status_code == 422
