import base64
import json
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any

import pytest
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import Field

from tests.fakes.api_events import Context, header, principal, request
from trading.adapters.http.fields import PathId
from trading.adapters.http.request_reading import Reading
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.http.throttle import WAITING_REQUESTS, Allowance
from trading.domain.errors import DomainError, ErrorKind
from trading.domain.values import Frozen, Money, Timestamp

ALICE = principal(permissions="orders:read orders:write") | {"generation": "3"}


class Order(Frozen):
    symbol: str = Field(max_length=5)
    quantity: int = Field(gt=0)
    price: Money | None = None


class Placed(Frozen):
    symbol: str
    price: Money
    at: Timestamp


class SoldError(DomainError):
    code = "INSUFFICIENT_SHARES"
    kind = ErrorKind.UNPROCESSABLE


class StubThrottle:
    def __init__(self, allowance: Allowance | None) -> None:
        self.allowance = allowance
        self.asked: list[tuple[str, int]] = []

    def take(self, api_key: str, generation: int) -> Allowance | None:
        self.asked.append((api_key, generation))
        return self.allowance


def build(throttle: Any = None, verify: Any = None) -> ApiResolver:
    app = ApiResolver(throttle, verify)

    @app.post("/api/v1/orders", permission="orders:write", status=HTTPStatus.CREATED)
    def place(order: Order) -> Response[Placed]:
        if order.symbol == "SOLD":
            raise SoldError(
                "Not that many shares.",
                field="quantity",
                details={"available": "3"},
                retry_after_seconds=7,
            )
        if order.symbol == "BUG":
            raise RuntimeError("the secret is hunter2")
        placed = Placed(
            symbol=order.symbol, price=Decimal("10.10"), at=datetime(2026, 1, 2, tzinfo=UTC)
        )
        return json_response(placed, HTTPStatus.CREATED, {"X-Who": app.principal.client_id})

    @app.get("/api/v1/orders/<order_id>", permission="orders:read")
    def show(order_id: PathId) -> Placed:
        return Placed(
            symbol=order_id[:5], price=Decimal("1.10"), at=datetime(2026, 1, 2, tzinfo=UTC)
        )

    @app.put("/api/v1/orders/<order_id>", permission="orders:write")
    def replace(order_id: PathId) -> dict[str, str]:
        return {"replaced": order_id, "under": app.idempotency_key}

    @app.get("/api/v1/broken", permission=None)
    def broken() -> Placed:
        return {"symbol": "X"}  # type: ignore[return-value]

    @app.post("/api/v1/open", permission=None)
    def open_to_all(order: Order) -> dict[str, str]:
        return {"key": app.idempotency_key, "correlation": app.correlation_id}

    return app


def ask(
    event: dict[str, Any], app: ApiResolver | None = None
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    answer = (app or build()).resolve(event, Context())  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"]), answer


def place(body: object = None, **options: Any) -> dict[str, Any]:
    return request(
        "POST",
        "/api/v1/orders",
        body or {"symbol": "ACME", "quantity": 1},
        authorizer=ALICE,
        **options,
    )


def test_a_response_has_money_as_text_and_times_in_utc() -> None:
    status, body, answer = ask(place())
    assert status == 201
    assert body == {"symbol": "ACME", "price": "10.10", "at": "2026-01-02T00:00:00.000000Z"}
    assert header(answer, "X-Who") == "alice"
    assert header(answer, "Cache-Control") == "no-store"
    assert header(answer, "X-Content-Type-Options") == "nosniff"


def test_a_put_passes_its_idempotency_key_on() -> None:
    event = request(
        "PUT", "/api/v1/orders/o-1", authorizer=ALICE, headers={"Idempotency-Key": "put-1"}
    )
    assert ask(event)[:2] == (200, {"replaced": "o-1", "under": "put-1"})
    event = request("PUT", "/api/v1/orders/o-1", authorizer=ALICE, headers={"Idempotency-Key": ""})
    assert (ask(event)[0], ask(event)[1]["code"]) == (400, "IDEMPOTENCY_KEY_REQUIRED")


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        (place({"symbol": "ACME", "quantity": 1, "colour": "red"}), 422, "VALIDATION_FAILED"),
        (place({"symbol": "ACME"}), 422, "VALIDATION_FAILED"),
        (place({"symbol": "ACME", "quantity": 1, "price": "1e5"}), 422, "VALIDATION_FAILED"),
        (place([{"symbol": "ACME", "quantity": 1}]), 422, "VALIDATION_FAILED"),
        (place(raw_body=""), 422, "VALIDATION_FAILED"),
        (place(raw_body="{"), 400, "MALFORMED_JSON"),
        (place(raw_body='{"symbol": "ACME", "quantity": NaN}'), 400, "MALFORMED_JSON"),
        (place(raw_body="[" * 9000), 400, "MALFORMED_JSON"),
        (place(raw_body="1" * 9000), 400, "MALFORMED_JSON"),
        (place(raw_body='"' + "é" * 8200 + '"'), 413, "BODY_TOO_LARGE"),
        (place(headers={"Content-Type": "text/plain"}), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (place(headers={"Content-Type": "application/jsonp"}), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (place(headers={"Content-Type": ""}), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (place(headers={"Idempotency-Key": ""}), 400, "IDEMPOTENCY_KEY_REQUIRED"),
        (place(headers={"Idempotency-Key": "with space"}), 400, "IDEMPOTENCY_KEY_INVALID"),
        (place(headers={"Idempotency-Key": "k" * 129}), 400, "IDEMPOTENCY_KEY_INVALID"),
        (place(headers={"Content-Encoding": "gzip"}), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (place({"symbol": "SOLD", "quantity": 4}), 422, "INSUFFICIENT_SHARES"),
        (place({"symbol": "BUG", "quantity": 4}), 500, "INTERNAL"),
        (
            request("POST", "/api/v1/orders", {"symbol": "ACME", "quantity": 1}),
            401,
            "UNAUTHENTICATED",
        ),
        (
            request("GET", "/api/v1/orders/o-1", authorizer=ALICE | {"permissions": "x"}),
            403,
            "FORBIDDEN",
        ),
        (request("GET", "/api/v1/orders/" + "o" * 129, authorizer=ALICE), 422, "VALIDATION_FAILED"),
        (request("GET", "/api/v1/nothing", authorizer=ALICE), 404, "NOT_FOUND"),
        (request("GET", "/api/v1/{odd}", authorizer=ALICE), 404, "NOT_FOUND"),
        (request("DELETE", "/api/v1/orders/o-1", authorizer=ALICE), 405, "METHOD_NOT_ALLOWED"),
        (request("GET", "/api/v1/broken"), 500, "INTERNAL"),
    ],
)
def test_every_error_is_a_problem_document(event: dict[str, Any], status: int, code: str) -> None:
    got, body, answer = ask(event)
    assert (got, body["code"]) == (status, code)
    assert body["type"] == "urn:trading:problem:" + code.lower().replace("_", "-")
    assert body["status"] == status
    assert body["request_id"] == "request-1"
    assert body["title"]
    assert body["detail"]
    assert header(answer, "Content-Type") == "application/problem+json"
    assert header(answer, "Cache-Control") == "no-store"


def test_a_validation_error_names_the_fields_and_repeats_no_value() -> None:
    _, body, answer = ask(
        place({"symbol": "TOOLONG", "quantity": 0, "price": "1_5", "colour": "chartreuse"})
    )
    assert {error["field"] for error in body["errors"]} == {"symbol", "quantity", "price", "colour"}
    assert {
        "field": "price",
        "message": "money is a plain decimal number, for instance 187.50",
    } in body["errors"]
    assert "chartreuse" not in answer["body"]


def test_the_number_of_validation_errors_in_a_response_is_bounded() -> None:
    _, body, _ = ask(place({"x" * 200 + str(n): 1 for n in range(50)}))
    assert len(body["errors"]) == 20
    assert max(len(error["field"]) for error in body["errors"]) <= 128


def test_a_domain_error_keeps_its_code_and_details() -> None:
    _, body, answer = ask(place({"symbol": "SOLD", "quantity": 4}))
    assert body["detail"] == "Not that many shares."
    assert body["errors"] == [{"field": "quantity", "message": "Not that many shares."}]
    assert body["details"] == {"available": "3"}
    assert header(answer, "Retry-After") == "7"


def test_an_unexpected_error_is_logged_and_its_text_is_not_sent(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, answer = ask(place({"symbol": "BUG", "quantity": 4}))
    assert "hunter2" not in answer["body"]
    assert "RuntimeError" not in answer["body"]
    assert "RuntimeError: the secret is hunter2" in caplog.text
    assert '"UnexpectedError"' in capsys.readouterr().out


def test_a_405_names_the_allowed_methods_and_a_401_the_scheme() -> None:
    assert header(ask(request("DELETE", "/api/v1/orders"))[2], "Allow") == "POST"
    of_one = ask(request("DELETE", "/api/v1/orders/o-1"))[2]
    assert header(of_one, "Allow") == "GET, HEAD, PUT"
    assert header(ask(request("GET", "/api/v1/orders/1"))[2], "WWW-Authenticate") == "Bearer"


@pytest.mark.parametrize(
    ("sent", "used"), [("abc-1.2:3_", "abc-1.2:3_"), ("a b", "request-1"), ("x" * 65, "request-1")]
)
def test_the_callers_correlation_id_is_used_if_it_is_safe(sent: str, used: str) -> None:
    event = request(
        "POST", "/api/v1/open", {"symbol": "A", "quantity": 1}, headers={"X-Correlation-Id": sent}
    )
    _, body, answer = ask(event)
    assert body == {"key": "key-1", "correlation": used}
    assert header(answer, "X-Correlation-Id") == used


def test_a_base64_body_is_decoded_and_a_malformed_one_is_refused() -> None:
    event = place()
    event |= {"body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
    assert ask(event)[0] == 201
    assert (
        ask(event | {"body": base64.b64encode(b"\xff\xfe").decode()})[1]["code"] == "MALFORMED_JSON"
    )


def test_the_rate_limit_is_counted_by_api_key_and_stated_in_headers() -> None:
    throttle = StubThrottle(Allowance(True, 100, 99, 1_700_000_010, 4))
    _, _, answer = ask(place(), build(throttle))
    assert throttle.asked == [("key-alice", 3)]
    assert header(answer, "X-RateLimit-Limit") == "100"
    assert header(answer, "X-RateLimit-Remaining") == "99"
    assert header(answer, "X-RateLimit-Reset") == "1700000010"


def test_a_request_over_the_rate_limit_is_told_when_to_retry() -> None:
    status, body, answer = ask(
        place(), build(StubThrottle(Allowance(False, 100, 0, 1_700_000_010, 4)))
    )
    assert (status, body["code"]) == (429, "RATE_LIMITED")
    assert header(answer, "Retry-After") == "4"
    assert header(answer, "X-RateLimit-Remaining") == "0"


def test_a_request_passes_when_the_rate_limit_cannot_be_counted() -> None:
    status, _, answer = ask(place(), build(StubThrottle(None)))
    assert status == 201
    assert header(answer, "X-RateLimit-Limit") is None


@pytest.mark.parametrize(
    ("allowance", "expected"),
    [
        (Allowance(True, 100, 100 - WAITING_REQUESTS, 1_700_000_010, 4), True),
        (Allowance(True, 100, 100 - WAITING_REQUESTS - 1, 1_700_000_010, 4), False),
        (None, True),
    ],
    ids=["the last that may", "the first that may not", "not counted"],
)
def test_only_the_first_requests_of_a_key_in_a_window_may_wait(
    allowance: Allowance | None, expected: bool
) -> None:
    app, said = ApiResolver(StubThrottle(allowance)), []  # type: ignore[arg-type]

    @app.get("/api/v1/events", permission="orders:read")
    def follow() -> dict[str, str]:
        said.append(app.may_wait)
        return {}

    assert ask(request("GET", "/api/v1/events", authorizer=ALICE), app)[0] == 200
    assert said == [expected]


def test_a_request_of_nobody_is_refused_before_its_body_is_read_or_counted() -> None:
    throttle = StubThrottle(None)
    event = request("POST", "/api/v1/orders", raw_body="{")
    assert ask(event, build(throttle))[1]["code"] == "UNAUTHENTICATED"
    assert throttle.asked == []


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (place(), 201),
        (place({"symbol": "ACME"}), 422),
        (place({"symbol": "SOLD", "quantity": 4}), 422),
        (place({"symbol": "BUG", "quantity": 4}), 500),
        (place(raw_body="{"), 400),
        (place(raw_body="x" * 20_000), 413),
        (place(headers={"Content-Type": "text/plain"}), 415),
        (place(headers={"Idempotency-Key": ""}), 400),
        (request("GET", "/api/v1/orders/o-1", authorizer=ALICE | {"permissions": "x"}), 403),
        (request("GET", "/api/v1/orders/o-1", authorizer=ALICE), 200),
        (request("HEAD", "/api/v1/orders/o-1", authorizer=ALICE), 200),
        (request("GET", '/api/v1/orders/o"1', authorizer=ALICE), 404),
        (request("GET", "/api/v1/nothing", authorizer=ALICE), 404),
        (request("DELETE", "/api/v1/orders/o-1", authorizer=ALICE), 405),
    ],
)
def test_every_answer_to_a_request_that_counted_states_the_rate_limit(
    event: dict[str, Any], status: int
) -> None:
    throttle = StubThrottle(Allowance(True, 100, 99, 1_700_000_010, 4))
    answer = build(throttle).resolve(event, Context())  # type: ignore[arg-type]
    assert answer["statusCode"] == status
    assert throttle.asked == [("key-alice", 3)]
    stated = [header(answer, f"X-RateLimit-{name}") for name in ("Limit", "Remaining", "Reset")]
    assert stated == ["100", "99", "1700000010"]


def test_a_token_that_has_expired_is_refused_at_a_path_without_a_route_too() -> None:
    expired = ALICE | {"expires_at": "1"}
    event = request("GET", '/api/v1/orders/o"1', authorizer=expired)
    status, problem, _ = ask(event, build(StubThrottle(None)))
    assert (status, problem["code"]) == (401, "UNAUTHENTICATED")


def test_a_signature_is_verified_over_the_raw_body_before_parsing() -> None:
    seen: list[bytes] = []

    def refuse(_: object, body: bytes) -> None:
        seen.append(body)
        raise SoldError("not authentic")

    event = request("POST", "/api/v1/open", raw_body="{not json")
    assert ask(event, build(verify=refuse))[1]["detail"] == "not authentic"
    assert seen == [b"{not json"]


def test_a_front_may_have_a_reading_of_its_own() -> None:
    reading = Reading(lambda text: {"text": text}, "[ -~]{1,3}", "three characters")
    app = ApiResolver(reading=reading)

    @app.post("/api/v1/orders", permission=None)
    def take(text: Annotated[str, Body(embed=True)]) -> dict[str, str]:
        return {"text": text, "under": app.idempotency_key}

    def ask(key: str) -> dict[str, Any]:
        event = request(
            "POST", "/api/v1/orders", raw_body="no JSON", headers={"Idempotency-Key": key}
        )
        answer = app.resolve(event, Context())  # type: ignore[arg-type]
        told: dict[str, Any] = json.loads(answer["body"])
        return told

    assert ask("=/=") == {"text": "no JSON", "under": "=/="}
    refused = ask("four")
    assert refused["code"] == "IDEMPOTENCY_KEY_INVALID"
    assert "three characters" in refused["detail"]
