"""The public API refuses bad requests with the right status and code, and shows no internals."""

from typing import Any

import httpx
import pytest

from local import seed
from local.api import TradingClient
from workstation.local_system import LocalSystem

ORDER = {
    "client_id": "alice",
    "stock_symbol": "KO",
    "quantity": 1,
    "order_type": "limit",
    "price": "65.00",
    "side": "buy",
    "time_in_force": "DAY",
}
PROBLEM_FIELDS = {"type", "title", "status", "detail", "code", "request_id"}


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that the answer is RFC 9457 problem details with this code, and return them."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["type"] == f"urn:trading:problem:{code.lower().replace('_', '-')}"
    assert problem.keys() >= PROBLEM_FIELDS
    of_http_api = answer.headers.get("apigw-requestid")
    assert problem["request_id"] == (of_http_api or answer.headers["x-amzn-requestid"])
    assert "Traceback" not in answer.text
    return problem


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quantity": 0}, "quantity"),
        ({"quantity": -5}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"price": "0"}, "price"),
        ({"price": "-1.00"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"price": "Infinity"}, "price"),
        ({"price": "1e400"}, "price"),
        ({"side": "hold"}, "side"),
        ({"order_type": "trailing_stop"}, "order_type"),
        ({"time_in_force": "SOMETIME"}, "time_in_force"),
        ({"stock_symbol": ""}, "stock_symbol"),
        ({"stock_symbol": "A" * 500}, "stock_symbol"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_malformed_order_is_refused_with_its_field(
    alice: TradingClient, key: str, changes: dict[str, Any], field: str
) -> None:
    problem = assert_problem(alice.place(ORDER | changes, key), 422, "VALIDATION_FAILED")
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stock_symbol": "NOPE"}, "UNKNOWN_SYMBOL"),
        ({"price": "65.001"}, "TICK_SIZE"),
        ({"price": "10.00"}, "PRICE_OUTSIDE_COLLAR"),
        ({"price": "100.00"}, "PRICE_OUTSIDE_COLLAR"),
        ({"quantity": 5_000_000}, "MAX_ORDER_QUANTITY"),
        ({"quantity": 500_000}, "MAX_ORDER_NOTIONAL"),
        ({"quantity": 100_000}, "DAILY_LIMIT_EXCEEDED"),
        ({"quantity": 7_000}, "INSUFFICIENT_FUNDS"),
        ({"side": "sell", "stock_symbol": "IBM", "price": "208.00"}, "INSUFFICIENT_SHARES"),
    ],
)
def test_an_order_that_no_rule_allows_is_kept_as_rejected(
    alice: TradingClient, key: str, changes: dict[str, Any], reason: str
) -> None:
    answer = alice.place(ORDER | changes, key)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "REJECTED"
    assert answer.json()["reason"]["code"] == reason
    shown = alice.order(answer.json()["order_id"]).json()
    assert [entry["status"] for entry in shown["status_history"]] == ["RECEIVED", "REJECTED"]


@pytest.mark.parametrize("missing", ["client_id", "stock_symbol", "quantity", "order_type", "side"])
def test_a_missing_field_is_named(alice: TradingClient, key: str, missing: str) -> None:
    order = {name: value for name, value in ORDER.items() if name != missing}
    problem = assert_problem(alice.place(order, key), 422, "VALIDATION_FAILED")
    assert missing in [error["field"] for error in problem["errors"]]


def test_a_market_order_with_a_price_is_refused(alice: TradingClient, key: str) -> None:
    assert_problem(alice.place(ORDER | {"order_type": "market"}, key), 422, "VALIDATION_FAILED")


def test_a_limit_order_without_a_price_is_refused(alice: TradingClient, key: str) -> None:
    order = {name: value for name, value in ORDER.items() if name != "price"}
    assert_problem(alice.place(order, key), 422, "VALIDATION_FAILED")


@pytest.mark.parametrize("body", ["", "{", "nonsense", '{"quantity": NaN}', b"\xff\xfe"])
def test_a_body_that_is_not_json_is_refused(
    alice: TradingClient, key: str, body: str | bytes
) -> None:
    answer = alice.post("/api/v1/orders", body, key)
    expected = (422, "VALIDATION_FAILED") if body == "" else (400, "MALFORMED_JSON")
    assert_problem(answer, *expected)


@pytest.mark.parametrize("body", [[], [ORDER], "order", 7, None])
def test_a_body_that_is_no_object_is_refused(alice: TradingClient, key: str, body: Any) -> None:
    assert_problem(
        alice.post("/api/v1/orders", httpx.Request("POST", "/", json=body).content, key),
        422,
        "VALIDATION_FAILED",
    )


def test_a_body_that_is_too_large_is_refused(alice: TradingClient, key: str) -> None:
    assert_problem(alice.place(ORDER | {"note": "x" * 20_000}, key), 413, "BODY_TOO_LARGE")


def test_an_order_without_idempotency_key_is_refused(alice: TradingClient) -> None:
    assert_problem(alice.post("/api/v1/orders", ORDER, None), 400, "IDEMPOTENCY_KEY_REQUIRED")


@pytest.mark.parametrize("bad_key", ["with blank", "x" * 129, "quote'"])
def test_a_malformed_idempotency_key_is_refused(alice: TradingClient, bad_key: str) -> None:
    assert_problem(alice.place(ORDER, bad_key), 400, "IDEMPOTENCY_KEY_INVALID")


def test_an_unknown_order_is_not_found(alice: TradingClient) -> None:
    assert_problem(alice.order("ord_00000000000000000000000000000000"), 404, "NOT_FOUND")


def test_an_unknown_path_is_not_found(api_url: str) -> None:
    assert_problem(httpx.get(f"{api_url}/api/v1/nothing", timeout=30), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer x", "Bearer a.b.c", "Basic YWxpY2U6eA==", "Bearer " + "x" * 5000],
)
def test_whatever_is_no_token_is_refused(api_url: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = httpx.get(f"{api_url}/api/v1/orders/any", headers=headers, timeout=30)
    assert_problem(answer, 401, "UNAUTHENTICATED")


def test_a_clients_token_does_not_open_the_internal_api(
    internal_url: str, alice: TradingClient, key: str
) -> None:
    token = alice.log_in(key)
    answer = httpx.post(
        f"{internal_url}/api/v1/execution/any",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key},
        timeout=30,
    )
    assert_problem(answer, 401, "UNAUTHENTICATED")


def test_wrong_key_and_wrong_secret_are_not_told_apart(
    api_url: str, system: LocalSystem, key: str
) -> None:
    known = seed.credentials(system)["carol"].api_key
    answers = [
        httpx.post(
            f"{api_url}/api/v1/auth/token",
            json={"api_key": api_key, "api_secret": "wrong"},
            headers={"Idempotency-Key": f"{key}-{number}"},
            timeout=30,
        )
        for number, api_key in enumerate((known, "nobody-0000"))
    ]
    problems = [assert_problem(answer, 401, "INVALID_CREDENTIALS") for answer in answers]
    for problem in problems:
        del problem["request_id"]
    assert problems[0] == problems[1]


def test_an_unsigned_callback_is_refused(callbacks_url: str, key: str) -> None:
    answer = httpx.post(
        f"{callbacks_url}/api/v1/exchange/callbacks",
        json={"exchange_id": "XNYS"},
        headers={"Idempotency-Key": key},
        timeout=30,
    )
    assert_problem(answer, 401, "INVALID_SIGNATURE")
