"""Signed requests at the deployed system: each attack once."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local import demo, seed
from local.api import Credentials, TradingClient, patiently
from tests.system.signing import Signed
from tests.system.test_bad_input import assert_problem
from workstation.local_system import LocalSystem

ADMIN = "/api/v1/admin"


class Operator:
    """An operator at the internal API, who signs or not."""

    def __init__(self, http: httpx.Client, url: str, credentials: Credentials) -> None:
        self.http, self.url, self.credentials = http, url, credentials
        self.token = self.log_in()

    def log_in(self) -> str:
        with TradingClient(self.url, self.credentials) as client:
            return client.log_in(str(uuid4()))

    def request(self, method: str, path: str, **body: Any) -> httpx.Request:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(uuid4())}
        sent = body | {"reason": "a test"}
        return self.http.build_request(method, f"{self.url}{path}", json=sent, headers=headers)

    def withdrawal(self, client_id: str = "alice") -> httpx.Request:
        body = {"reference": f"ref-{uuid4().hex[:12]}", "amount": "0.01"}
        return self.request("POST", f"{ADMIN}/clients/{client_id}/withdrawals", **body)

    def signed(self, request: httpx.Request, **options: Any) -> httpx.Request:
        return next(Signed(self.credentials, **options).auth_flow(request))

    def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Wait while the key has sent too many: such a request uses no nonce."""
        return patiently(lambda: self.http.send(request))


@pytest.fixture(scope="module")
def operator(internal_url: str, system: LocalSystem) -> Iterator[Operator]:
    with httpx.Client(timeout=30) as http:
        yield Operator(http, internal_url, seed.credentials(system)[demo.SERVICE_ID])


def changed(request: httpx.Request, **changes: Any) -> httpx.Request:
    """The request with its signature, and with something else changed."""
    given = {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "content": request.read(),
    } | changes
    given["headers"].pop("content-length", None)
    return httpx.Request(**given)


def unsigned(operator: Operator, request: httpx.Request) -> httpx.Request:
    kept = ("authorization", "idempotency-key", "content-type")
    return changed(request, headers={name: request.headers[name] for name in kept})


def another_path(operator: Operator, request: httpx.Request) -> httpx.Request:
    return changed(request, url=str(request.url).replace("alice", "bob"))


def another_body(operator: Operator, request: httpx.Request) -> httpx.Request:
    return changed(request, content=request.read().replace(b"0.01", b"9.01"))


def another_query(operator: Operator, request: httpx.Request) -> httpx.Request:
    return changed(request, url=f"{request.url}?fast=true")


def another_token(operator: Operator, request: httpx.Request) -> httpx.Request:
    headers = dict(request.headers) | {"authorization": f"Bearer {operator.log_in()}"}
    return changed(request, headers=headers)


def another_key(operator: Operator, request: httpx.Request) -> httpx.Request:
    return changed(request, headers=dict(request.headers) | {"idempotency-key": str(uuid4())})


def late(operator: Operator, request: httpx.Request) -> httpx.Request:
    return operator.signed(changed(request), ahead=timedelta(seconds=-330))


def early(operator: Operator, request: httpx.Request) -> httpx.Request:
    return operator.signed(changed(request), ahead=timedelta(seconds=90))


def another_secret(operator: Operator, request: httpx.Request) -> httpx.Request:
    thief = operator.credentials.model_copy(update={"api_secret": "guessed"})
    return next(Signed(thief).auth_flow(changed(request)))


def another_api_key(operator: Operator, request: httpx.Request) -> httpx.Request:
    other = operator.credentials.model_copy(update={"api_key": "somebody-else"})
    return next(Signed(other).auth_flow(changed(request)))


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        (unsigned, "must be signed"),
        (another_path, "does not fit"),
        (another_body, "Content-Digest"),
        (another_query, "does not fit"),
        (another_token, "does not fit"),
        (another_key, "does not fit"),
        (late, "too old"),
        (early, "in the future"),
        (another_secret, "another secret"),
        (another_api_key, "keyid"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_attack_is_refused_with_its_reason_and_changes_nothing(
    operator: Operator,
    attack: Callable[[Operator, httpx.Request], httpx.Request],
    told: str,
) -> None:
    request = operator.signed(operator.withdrawal())
    answer = operator.send(attack(operator, request))
    code = "SIGNATURE_REQUIRED" if attack is unsigned else "INVALID_SIGNATURE"
    assert_problem(answer, HTTPStatus.UNAUTHORIZED, code)
    assert told in answer.json()["detail"]
    assert answer.headers["Accept-Signature"].startswith('sig1=("@method" "@path"')
    booked = operator.send(request)
    assert booked.status_code == HTTPStatus.CREATED
    assert "Idempotency-Replayed" not in booked.headers, "the attack has booked the withdrawal"


def test_a_request_is_good_once_and_its_repetition_is_signed_anew(operator: Operator) -> None:
    request = operator.signed(operator.withdrawal())
    assert operator.send(request).status_code == HTTPStatus.CREATED
    replayed = operator.send(request)
    assert_problem(replayed, HTTPStatus.UNAUTHORIZED, "INVALID_SIGNATURE")
    assert "nonce" in replayed.json()["detail"]
    again = operator.send(operator.signed(changed(request)))
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{ADMIN}/clients/alice/secret-rotation", {"api_key": "none"}),
        ("PUT", f"{ADMIN}/clients/nobody/signing", {"required": True}),
        ("POST", "/api/v1/settlement/trd_none", {}),
    ],
)
def test_the_other_sensitive_routes_need_a_signature(
    operator: Operator, method: str, path: str, body: dict[str, Any]
) -> None:
    request = operator.request(method, path, **body)
    if "settlement" in path:
        request = changed(request, content=b"")
    answer = operator.send(request)
    assert_problem(answer, HTTPStatus.UNAUTHORIZED, "SIGNATURE_REQUIRED")
    answer = operator.send(operator.signed(changed(request)))
    assert_problem(answer, HTTPStatus.NOT_FOUND, "NOT_FOUND")


def test_a_client_who_wants_it_signs_all_its_orders(operator: Operator, api_url: str) -> None:
    name = f"sig-{uuid4().hex[:12]}"
    profile = {
        "client_id": name,
        "name": "Signs",
        "daily_trading_limit": "1000.00",
        "settlement_account": name,
    }
    created = operator.send(operator.request("POST", f"{ADMIN}/clients", **profile))
    credentials = Credentials.model_validate(created.raise_for_status().json())
    setting = operator.request("PUT", f"{ADMIN}/clients/{name}/signing", required=True)
    assert operator.send(operator.signed(setting)).json()["signed_orders"] is True
    order = {
        "client_id": name,
        "stock_symbol": "KO",
        "quantity": 1,
        "order_type": "market",
        "side": "buy",
        "time_in_force": "DAY",
    }
    with TradingClient(api_url, credentials) as client, httpx.Client(timeout=30) as http:
        token = client.log_in(str(uuid4()))
        answer = client.place(order, str(uuid4()))
        assert_problem(answer, HTTPStatus.UNAUTHORIZED, "SIGNATURE_REQUIRED")
        answer = client.cancel("ord_none", str(uuid4()))
        assert_problem(answer, HTTPStatus.UNAUTHORIZED, "SIGNATURE_REQUIRED")
        for method, path, options in (
            ("POST", "/api/v1/orders", {"json": order}),
            ("DELETE", "/api/v1/orders", {"params": {"symbol": "KO", "side": "buy"}}),
        ):
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
            answer = http.request(
                method, api_url + path, headers=headers, auth=Signed(credentials), **options
            )
            assert answer.status_code in (HTTPStatus.CREATED, HTTPStatus.ACCEPTED), answer.text
