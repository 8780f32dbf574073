"""How the deployed system reads requests: strictly, by values, for programs and for browsers."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local import demo, seed
from local.api import TradingClient
from tests.system.test_bad_input import ORDER, assert_problem
from workstation.local_system import LocalSystem

ORDERS = "/api/v1/orders"
BY_CLIENT_ID = "/api/v1/orders:by_client_order_id"
RATE_LIMIT = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
JSON = {"Content-Type": "application/json"}
Send = Callable[..., httpx.Response]


@pytest.fixture
def send(api_url: str, alice: TradingClient) -> Iterator[Send]:
    """Sends a request as alice, under an idempotency key of its own unless one is given."""
    token = alice.log_in(str(uuid4()))
    with httpx.Client(base_url=api_url, timeout=30) as http:

        def send(method: str, path: str, headers: Any = (), **request: Any) -> httpx.Response:
            own = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
            return http.request(method, path, headers=own | dict(headers), **request)

        yield send


@pytest.fixture
def admin(internal_url: str, system: LocalSystem) -> Iterator[Send]:
    """Sends a request as the operators' service, whose token opens the internal API."""
    with TradingClient(internal_url, seed.credentials(system)[demo.SERVICE_ID]) as service:
        token = service.log_in(str(uuid4()))

        def send(method: str, url: str, headers: Any = (), **request: Any) -> httpx.Response:
            own = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
            return httpx.request(method, url, headers=own | dict(headers), timeout=30, **request)

        yield send


def fields(answer: httpx.Response, status: int = 422, code: str = "VALIDATION_FAILED") -> list[str]:
    return [error["field"] for error in assert_problem(answer, status, code)["errors"]]


def resting(alice: TradingClient, **changes: Any) -> str:
    """An order far from the market, under a key that is returned."""
    key = str(uuid4())
    answer = alice.place(ORDER | {"price": "60.00"} | changes, key)
    assert answer.json()["status"] == "VALIDATED", answer.text
    return key


def is_to_be_canceled(alice: TradingClient, key: str) -> bool:
    shown = alice.order(key).json()
    canceled = shown["current_status"] == "CANCELED"
    return bool(shown["cancel_requested"] or canceled)


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/api/v1/balance?currency=USD", "currency"),
        ("GET", "/api/v1/portfolio?a", "a"),
        ("GET", f"{ORDERS}?Symbol=KO", "Symbol"),
        ("GET", f"{ORDERS}?symbol=KO&symbol=V", "symbol"),
        ("GET", f"{ORDERS}?limit=1&limit=1", "limit"),
        ("GET", f"{ORDERS}?symbol=", "symbol"),
        ("GET", f"{ORDERS}/any?verbose=1", "verbose"),
        ("DELETE", f"{ORDERS}?symbols=KO", "symbols"),
        ("DELETE", f"{ORDERS}?status=RECEIVED", "status"),
        ("DELETE", f"{ORDERS}/any?force=true", "force"),
        ("POST", f"{ORDERS}?dry_run=true", "dry_run"),
    ],
)
def test_an_unknown_or_repeated_parameter_is_named(
    send: Send, method: str, path: str, field: str
) -> None:
    assert fields(send(method, path)) == [field]


def test_an_internal_route_refuses_an_unknown_parameter(internal_url: str, admin: Send) -> None:
    assert fields(admin("GET", f"{internal_url}/api/v1/admin/clients/alice?full=1")) == ["full"]
    answer = admin("POST", f"{internal_url}/api/v1/execution/any", json={}, headers=JSON)
    assert fields(answer) == ["body"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/balance"),
        ("DELETE", ORDERS),
        ("DELETE", f"{ORDERS}/any"),
        ("POST", "/api/v1/trade/any/cancel"),
    ],
)
@pytest.mark.parametrize("body", ["{}", '{"symbol": "KO"}'])
def test_a_body_where_none_belongs_is_refused(
    send: Send, method: str, path: str, body: str
) -> None:
    assert fields(send(method, path, JSON, content=body)) == ["body"]


def test_an_empty_cursor_is_refused(send: Send) -> None:
    assert fields(send("GET", f"{ORDERS}?cursor="), 400, "INVALID_CURSOR") == ["cursor"]


@pytest.mark.parametrize(
    "media_type",
    ["Application/JSON", "application/json; charset=UTF-8", 'application/json;charset="utf-8"'],
)
def test_json_has_many_spellings(send: Send, media_type: str) -> None:
    answer = send("POST", ORDERS, {"Content-Type": media_type}, content=json.dumps(ORDER))
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=iso-8859-1"},
        JSON | {"Content-Encoding": "gzip"},
    ],
)
def test_another_type_charset_or_coding_is_415(send: Send, headers: dict[str, str]) -> None:
    body = json.dumps(ORDER).encode()
    if "Content-Encoding" in headers:
        body = gzip.compress(body)
    assert_problem(send("POST", ORDERS, headers, content=body), 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(ORDER).replace('"quantity": 1', '"quantity": 1, "quantity": 7').encode(),
        b"\xef\xbb\xbf" + json.dumps(ORDER).encode(),
        json.dumps(ORDER).replace("KO", "K\u00f6").encode("latin-1"),
        json.dumps(ORDER).encode("utf-16"),
        json.dumps(ORDER).replace('"quantity": 1', '"quantity": 1e999').encode(),
    ],
    ids=["key twice", "byte order mark", "latin-1", "utf-16", "out of range"],
)
def test_a_body_with_two_meanings_or_none_is_400(send: Send, body: bytes) -> None:
    assert_problem(send("POST", ORDERS, JSON, content=body), 400, "MALFORMED_JSON")


def test_a_repetition_in_another_spelling_is_the_same_request(send: Send) -> None:
    key = str(uuid4())
    headers = JSON | {"Idempotency-Key": key}
    first = send("POST", ORDERS, headers, content=json.dumps(ORDER | {"price": "58.50"}))
    spelled = json.dumps(dict(reversed((ORDER | {"stop_price": None}).items())), indent=1)
    for price in ('"58.500"', "58.5", "5.850e1"):
        again = send("POST", ORDERS, headers, content=spelled.replace('"65.00"', price))
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Idempotency-Replayed"] == "true"
    other = send("POST", ORDERS, headers, content=json.dumps(ORDER | {"price": "58.51"}))
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")


def test_a_cursor_goes_on_under_another_spelling_of_its_filters(
    send: Send, alice: TradingClient
) -> None:
    for _ in range(2):
        alice.place(ORDER, str(uuid4()))
    page = send("GET", f"{ORDERS}?limit=1&from=2026-01-01T17:00:00%2B01:00").json()
    cursor = page["next_cursor"]
    same = send("GET", f"{ORDERS}?limit=2&from=2026-01-01T16:00:00.000Z&cursor={cursor}")
    assert same.status_code == 200, same.text
    other = send("GET", f"{ORDERS}?limit=2&from=2026-01-01T16:00:00.001Z&cursor={cursor}")
    assert_problem(other, 400, "INVALID_CURSOR")


def test_only_the_matching_orders_are_canceled(send: Send, alice: TradingClient) -> None:
    ko = resting(alice)
    sold = resting(alice, side="sell", stock_symbol="AAPL", price="240.00")
    other = resting(alice, stock_symbol="AAPL", price="210.00")
    key = {"Idempotency-Key": str(uuid4())}
    answer = send("DELETE", f"{ORDERS}?symbol=KO&side=buy", key)
    assert answer.status_code == 202, answer.text
    assert is_to_be_canceled(alice, ko)
    assert not is_to_be_canceled(alice, sold)
    assert not is_to_be_canceled(alice, other)
    assert_problem(send("DELETE", f"{ORDERS}?symbol=KO", key), 422, "IDEMPOTENCY_KEY_REUSED")
    again = send("DELETE", f"{ORDERS}?side=buy&symbol=KO", key)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (answer.json(), "true")
    assert send("DELETE", f"{ORDERS}?symbol=AAPL&side=sell").status_code == 202
    assert is_to_be_canceled(alice, sold)
    assert not is_to_be_canceled(alice, other)
    assert send("DELETE", ORDERS).status_code == 202
    assert is_to_be_canceled(alice, other)


def test_an_order_is_shown_and_canceled_by_its_client_order_id(
    send: Send, alice: TradingClient
) -> None:
    one, other = resting(alice), resting(alice)
    assert send("GET", f"{ORDERS}/{one}").json()["client_order_id"] == one
    canceled = send("DELETE", f"{ORDERS}/{one}")
    assert (canceled.status_code, canceled.json()["client_order_id"]) == (202, one)
    canceled = send("DELETE", f"{BY_CLIENT_ID}?client_order_id={other}")
    assert (canceled.status_code, canceled.json()["client_order_id"]) == (202, other)
    assert_problem(send("DELETE", f"{ORDERS}/{uuid4()}"), 404, "NOT_FOUND")
    assert_problem(send("DELETE", f"{BY_CLIENT_ID}?client_order_id={uuid4()}"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/balance", None, 200),
        ("GET", f"{ORDERS}/any", None, 404),
        ("GET", f"{ORDERS}?x=1", None, 422),
        ("POST", ORDERS, b"{", 400),
        ("POST", ORDERS, b" " * 20_000, 413),
        ("POST", ORDERS, json.dumps(ORDER | {"client_id": "bob"}).encode(), 403),
    ],
)
def test_every_answer_that_counted_states_the_rate_limit(
    send: Send, method: str, path: str, body: bytes | None, status: int
) -> None:
    answer = send(method, path, JSON, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers.keys() >= RATE_LIMIT


@pytest.mark.parametrize("path", ["/api/v1/balance", ORDERS, "/api/v1/trades", f"{ORDERS}/any"])
def test_head_is_answered_like_get_without_a_body(send: Send, path: str) -> None:
    got, head = send("GET", path), send("HEAD", path)
    assert head.status_code == got.status_code
    assert head.content == b""
    of_the_moment = {"date", "x-amzn-requestid", "x-correlation-id", "x-ratelimit-remaining"}
    of_the_moment |= {"x-ratelimit-reset", "x-amz-request-id", "etag", "content-length"}
    assert {k: v for k, v in head.headers.items() if k not in of_the_moment} == {
        k: v for k, v in got.headers.items() if k not in of_the_moment
    }
    assert head.headers.keys() == got.headers.keys()
    assert int(head.headers["content-length"]) > 0
    unchanged = send("HEAD", path, {"If-None-Match": got.headers.get("etag", '"none"')})
    assert unchanged.content == b""


def test_head_without_a_token_is_refused_without_a_body(api_url: str) -> None:
    answer = httpx.head(f"{api_url}/api/v1/balance", timeout=30)
    assert (answer.status_code, answer.content) == (401, b"")


def test_pages_of_the_local_system_may_call_it_and_no_others(
    send: Send, system: LocalSystem, api_url: str
) -> None:
    asking = {
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "authorization,idempotency-key",
    }
    for origin in (f"http://localhost:{system.port}", f"http://127.0.0.1:{system.port}"):
        preflight = httpx.options(f"{api_url}{ORDERS}", headers=asking | {"Origin": origin})
        assert preflight.status_code == 204, preflight.text
        assert preflight.headers["Access-Control-Allow-Origin"] == origin
        assert "DELETE" in preflight.headers["Access-Control-Allow-Methods"]
        allowed = preflight.headers["Access-Control-Allow-Headers"].lower().split(",")
        assert {"authorization", "idempotency-key", "content-type"} <= set(allowed)
        for answer in (
            send("GET", "/api/v1/balance", {"Origin": origin}),
            send("GET", "/api/v1/balance?x=1", {"Origin": origin}),
            httpx.get(f"{api_url}/api/v1/balance", headers={"Origin": origin}),
        ):
            assert answer.headers["Access-Control-Allow-Origin"] == origin, answer.status_code
            exposed = answer.headers["Access-Control-Expose-Headers"].lower()
            assert {"etag", "x-ratelimit-remaining", "x-amzn-requestid"} <= set(exposed.split(", "))
            assert "Origin" in answer.headers["Vary"]
    foreign = {"Origin": "https://elsewhere.example"}
    preflight = httpx.options(f"{api_url}{ORDERS}", headers=asking | foreign)
    assert preflight.headers["Access-Control-Allow-Origin"] != foreign["Origin"]
    answer = send("GET", "/api/v1/balance", foreign)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_api_of_exchanges_shares_nothing_with_pages(
    callbacks_url: str, system: LocalSystem
) -> None:
    headers = {
        "Origin": f"http://localhost:{system.port}",
        "Access-Control-Request-Method": "POST",
    }
    answer = httpx.options(f"{callbacks_url}/api/v1/exchange/callbacks", headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/exchange/callbacks"), ("POST", "/api/v1/orders"), ("POST", "/")],
)
def test_the_api_of_exchanges_has_no_other_routes(
    callbacks_url: str, method: str, path: str
) -> None:
    answer = httpx.request(method, f"{callbacks_url}{path}", json={})
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})
