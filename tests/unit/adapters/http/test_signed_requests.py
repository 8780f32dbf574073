"""Routes that need a signature: what is answered with one, without one, and with a wrong one."""

import json
import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.fakes.api_events import Context, header, principal, request
from tests.fakes.builders import NOW
from tests.fakes.signing import signed, with_headers
from trading.adapters.http.fields import PathId
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.http.signature_check import Signatures, SignedRequests
from trading.adapters.http.signed_requests import Required
from trading.adapters.identity import passwords
from trading.adapters.identity.request_signatures import verify
from trading.domain.clients.credentials import Credential, CredentialStatus
from trading.domain.clients.signed_requests import SignatureError
from trading.domain.values import Frozen

SECRET = "the secret of alice"
ALICE = principal("alice", "orders:write")
CREDENTIAL = Credential(
    api_key="key-alice",
    client_id="alice",
    secrets=(passwords.stored(SECRET),),
    permissions=("orders:write",),
)
DOWN = ClientError({"Error": {"Code": "InternalServerError"}}, "GetItem")
SLOW = ReadTimeoutError(endpoint_url="https://dynamodb")


class Amount(Frozen):
    amount: int


class Store:
    """The API keys, the nonces, and the profiles that want signatures."""

    def __init__(self) -> None:
        self.credentials = {"key-alice": CREDENTIAL}
        self.used: set[tuple[str, str]] = set()
        self.wants: set[str] = set()
        self.error: Exception | None = None
        self.reads = 0

    def credential(self, api_key: str) -> Credential | None:
        self.reads += 1
        if self.error:
            raise self.error
        return self.credentials.get(api_key)

    def use(self, api_key: str, nonce: str) -> None:
        if (api_key, nonce) in self.used:
            raise SignatureError("The nonce came before.")
        self.used.add((api_key, nonce))


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def app(store: Store) -> ApiResolver:
    check = SignedRequests(
        store.credential,
        Signatures(store.use, lambda: verify, lambda: NOW),
        lambda client_id: client_id in store.wants,
    )
    app = ApiResolver(signed=check, now=lambda: NOW)

    @app.post("/out/<place>", permission="orders:write", signature=Required.ALWAYS)
    def send_out(place: PathId, what: Amount) -> Response[dict[str, Any]]:
        return json_response({"place": place, "amount": what.amount}, HTTPStatus.OK)

    @app.delete("/orders", permission="orders:write", signature=Required.BY_PROFILE)
    def cancel(symbol: str = "") -> Response[dict[str, Any]]:
        return json_response({"canceled": symbol}, HTTPStatus.OK)

    @app.post("/plain", permission="orders:write")
    def plain() -> Response[dict[str, Any]]:
        return json_response({}, HTTPStatus.OK)

    return app


def out(body: object = None, **options: Any) -> dict[str, Any]:
    sent = {"amount": 5} if body is None else body
    return request("POST", "/out/bank", sent, **({"authorizer": ALICE} | options))


def cancel(**query: str) -> dict[str, Any]:
    event = request("DELETE", "/orders", authorizer=ALICE)
    several = {name: [value] for name, value in query.items()} or None
    return event | {
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": several,
    }


def ask(app: ApiResolver, event: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, Any]]:
    answer = app.resolve(event, Context())  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"]), answer


def test_a_signed_request_passes(app: ApiResolver) -> None:
    status, body, _ = ask(app, signed(out(), SECRET, NOW))
    assert (status, body) == (200, {"place": "bank", "amount": 5})


def test_without_a_signature_the_answer_says_how_to_sign(app: ApiResolver) -> None:
    status, body, answer = ask(app, out())
    assert (status, body["code"]) == (401, "SIGNATURE_REQUIRED")
    assert "RFC 9421" in body["detail"]
    assert header(answer, "Accept-Signature") == (
        'sig1=("@method" "@path" "@query" "authorization" "idempotency-key" "content-digest")'
        ';created;keyid="key-alice";alg="ed25519"'
    )


def test_a_request_is_good_once_and_can_be_signed_again(app: ApiResolver) -> None:
    first = signed(out(), SECRET, NOW, nonce="0123456789abcdef")
    assert ask(app, first)[0] == 200
    status, body, answer = ask(app, first)
    assert (status, body["code"]) == (401, "INVALID_SIGNATURE")
    assert "nonce" in body["detail"]
    assert header(answer, "Accept-Signature")
    assert ask(app, signed(out(), SECRET, NOW))[0] == 200


def test_a_nonce_is_not_used_up_by_a_request_that_is_not_authentic(
    app: ApiResolver, store: Store
) -> None:
    good = signed(out(), SECRET, NOW, nonce="0123456789abcdef")
    for bad in (
        signed(out(), "another secret", NOW, nonce="0123456789abcdef"),
        good | {"body": '{"amount": 6}'},
        good | {"path": "/out/moon"},
    ):
        assert ask(app, bad)[1]["code"] == "INVALID_SIGNATURE"
    assert not store.used
    assert ask(app, good)[0] == 200


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (signed(out(), SECRET, NOW) | {"body": '{"amount": 50}'}, "(?i)digest"),
        (signed(out(), SECRET, NOW) | {"body": ""}, "(?i)digest"),
        (signed(out(), SECRET, NOW) | {"path": "/out/moon"}, "does not fit"),
        (
            signed(out(), SECRET, NOW)
            | {
                "queryStringParameters": {"a": "1"},
                "multiValueQueryStringParameters": {"a": ["1"]},
            },
            "does not fit",
        ),
        (signed(out(), SECRET, NOW - timedelta(seconds=301)), "too old"),
        (signed(out(), SECRET, NOW + timedelta(seconds=31)), "future"),
        (signed(out(), SECRET, NOW, api_key="key-bob"), "keyid"),
        (signed(out(), "the secret of bob", NOW), "another secret"),
    ],
    ids=["body", "no body", "path", "query", "late", "early", "key", "secret"],
)
def test_every_change_of_a_signed_request_is_refused_with_its_reason(
    app: ApiResolver, event: dict[str, Any], told: str
) -> None:
    status, body, _ = ask(app, event)
    assert (status, body["code"]) == (401, "INVALID_SIGNATURE")
    assert re.search(told, body["detail"]), body["detail"]


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "Signature-Input"])
def test_every_covered_header_counts(app: ApiResolver, name: str) -> None:
    event = signed(out(), SECRET, NOW)
    changed = event["headers"] | {name: event["headers"][name].replace("e", "f", 1)}
    status, body, _ = ask(app, with_headers(event, changed))
    assert (status, body["code"]) == (401, "INVALID_SIGNATURE")


def test_one_half_of_a_signature_is_an_invalid_one(app: ApiResolver) -> None:
    event = signed(out(), SECRET, NOW)
    for missing in ("Signature", "Signature-Input"):
        headers = {name: value for name, value in event["headers"].items() if name != missing}
        assert ask(app, with_headers(event, headers))[1]["code"] == "INVALID_SIGNATURE"


@pytest.mark.parametrize(
    "stored", [None, CREDENTIAL.with_status(CredentialStatus.INACTIVE)], ids=["gone", "disabled"]
)
def test_a_key_that_is_not_active_signs_nothing(
    app: ApiResolver, store: Store, stored: Credential | None
) -> None:
    store.credentials = {"key-alice": stored} if stored else {}
    assert ask(app, signed(out(), SECRET, NOW))[1]["code"] == "INVALID_SIGNATURE"


@pytest.mark.parametrize("error", [DOWN, SLOW], ids=["fails", "hangs"])
def test_while_a_table_does_not_answer_nothing_passes(
    app: ApiResolver, store: Store, error: Exception
) -> None:
    store.error = error
    status, body, answer = ask(app, signed(out(), SECRET, NOW))
    assert (status, body["code"], header(answer, "Retry-After")) == (503, "UNAVAILABLE", "1")

    def fails(api_key: str, nonce: str) -> None:
        raise error

    store.error = None
    object.__setattr__(app._signed.signatures, "use_nonce", fails)
    assert ask(app, signed(out(), SECRET, NOW))[0] == 503


def test_the_permission_comes_before_the_signature(app: ApiResolver, store: Store) -> None:
    stranger = out(authorizer=principal("alice", "orders:read"))
    assert ask(app, stranger)[0] == 403
    assert ask(app, signed(stranger, SECRET, NOW))[0] == 403
    assert (store.reads, store.used) == (0, set())


def test_a_client_may_want_its_orders_signed(app: ApiResolver, store: Store) -> None:
    assert ask(app, cancel(symbol="KO"))[0] == 200
    assert store.reads == 0
    store.wants = {"alice"}
    assert ask(app, cancel(symbol="KO"))[1]["code"] == "SIGNATURE_REQUIRED"
    assert ask(app, signed(cancel(symbol="KO"), SECRET, NOW))[1] == {"canceled": "KO"}
    other = signed(cancel(symbol="KO"), SECRET, NOW) | {
        key: cancel()[key] for key in ("queryStringParameters", "multiValueQueryStringParameters")
    }
    assert ask(app, other)[1]["code"] == "INVALID_SIGNATURE"


def test_a_signature_that_comes_is_verified_also_where_none_is_needed(
    app: ApiResolver, store: Store
) -> None:
    late = signed(cancel(symbol="KO"), SECRET, NOW - timedelta(hours=1))
    assert ask(app, late)[1]["code"] == "INVALID_SIGNATURE"


def test_other_routes_read_no_signature(app: ApiResolver, store: Store) -> None:
    event = with_headers(request("POST", "/plain", authorizer=ALICE), {"Signature": "nonsense"})
    event["headers"]["Idempotency-Key"] = "key-1"
    event["multiValueHeaders"]["Idempotency-Key"] = ["key-1"]
    assert ask(app, event)[0] == 200
    assert store.reads == 0


def test_a_route_cannot_need_a_signature_that_nothing_checks() -> None:
    with pytest.raises(ValueError, match="signature"):
        ApiResolver().post("/out", permission="orders:write", signature=Required.ALWAYS)
