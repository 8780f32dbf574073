"""A client protects its orders with a second factor, at the deployed system."""

from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import pyotp
import pytest

from local import demo, seed
from local.api import Credentials, patiently
from tests.system.signing import Signed
from tests.system.test_bad_input import assert_problem
from tests.system.test_signed_requests import ADMIN, Operator
from workstation.local_system import LocalSystem

FACTOR = "/api/v1/auth/second-factor"
LOG_IN = "/api/v1/auth/token"


def codes_of(totp: pyotp.TOTP) -> Iterator[str]:
    """New codes, each made when it is asked for. The second one may be of the next step, which is
    valid already. So no test waits for a code, and none is slow enough for a code to expire.
    """
    step = 0
    while True:
        step = max(step, totp.timecode(datetime.now(UTC)))
        yield totp.generate_otp(step)
        step += 1


class Client:
    """A client with cash and an authenticator."""

    def __init__(self, http: httpx.Client, url: str, credentials: Credentials) -> None:
        self.http, self.url, self.credentials = http, url, credentials
        self.codes: Iterator[str] = iter(())

    def send(self, method: str, path: str, token: str | None = None, **body: Any) -> httpx.Response:
        headers = {"Idempotency-Key": str(uuid4())}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        else:
            named = {"api_key", "api_secret"}
            body |= self.credentials.model_dump(include=named)
        url = f"{self.url}{path}"
        return patiently(lambda: self.http.request(method, url, json=body, headers=headers))

    def enrol(self, **body: Any) -> dict[str, Any]:
        answer = self.send("POST", FACTOR, **body)
        assert answer.status_code == HTTPStatus.CREATED, answer.text
        enrolled: dict[str, Any] = answer.json()
        self.codes = codes_of(pyotp.TOTP(enrolled["secret"]))
        confirmed = self.send("POST", f"{FACTOR}/confirmation", code=next(self.codes))
        assert confirmed.json()["status"] == "ACTIVE", confirmed.text
        return enrolled

    def place(self, token: str) -> httpx.Response:
        order = {"client_id": self.credentials.client_id, "stock_symbol": "KO", "quantity": 1}
        order |= {"order_type": "market", "side": "buy", "time_in_force": "DAY"}
        return self.send("POST", "/api/v1/orders", token, **order)


@pytest.fixture(scope="module")
def operator(internal_url: str, system: LocalSystem) -> Iterator[Operator]:
    with httpx.Client(timeout=30) as http:
        yield Operator(http, internal_url, seed.credentials(system)[demo.SERVICE_ID])


@pytest.fixture
def client(operator: Operator, api_url: str) -> Client:
    name = f"tfa-{uuid4().hex[:12]}"
    profile = {
        "client_id": name,
        "name": "Careful",
        "daily_trading_limit": "1000.00",
        "settlement_account": name,
    }
    created = operator.send(operator.request("POST", f"{ADMIN}/clients", **profile))
    credentials = Credentials.model_validate(created.raise_for_status().json())
    deposit = {"reference": f"dep-{name}", "amount": "900.00"}
    path = f"{ADMIN}/clients/{name}/deposits"
    operator.send(operator.request("POST", path, **deposit)).raise_for_status()
    return Client(operator.http, api_url, credentials)


def test_a_client_enrols_trades_with_a_step_up_loses_the_phone_and_recovers(
    client: Client,
) -> None:
    plain = client.send("POST", LOG_IN).json()
    assert plain["methods"] == ["pwd"]
    enrolled = client.enrol()
    first, second, *_ = enrolled["recovery_codes"]
    policy = client.send("PUT", f"{FACTOR}/policy", orders="all", code=first)
    assert policy.json()["policy"] == {"orders": "all", "amount": None, "withdrawals": False}
    refused = client.place(plain["jwt_token"])
    assert_problem(refused, HTTPStatus.FORBIDDEN, "SECOND_FACTOR_REQUIRED")
    code = next(client.codes)
    strong = client.send("POST", "/api/v1/auth/step-up", plain["jwt_token"], code=code).json()
    assert strong["methods"] == ["pwd", "otp", "mfa"]
    placed = client.place(strong["jwt_token"])
    assert (placed.status_code, placed.json()["status"]) == (HTTPStatus.CREATED, "VALIDATED")
    assert_problem(client.send("POST", LOG_IN, code=code), HTTPStatus.UNAUTHORIZED, "INVALID_CODE")
    replaced = client.enrol(code=second)
    assert replaced["secret"] != enrolled["secret"]
    assert client.send("POST", LOG_IN, code=next(client.codes)).json()["methods"][-1] == "mfa"
    used = client.send("POST", LOG_IN, code=second)
    assert_problem(used, HTTPStatus.UNAUTHORIZED, "INVALID_CODE")


def test_guesses_lock_the_codes_and_an_operator_resets_them(
    client: Client, operator: Operator
) -> None:
    client.enrol()
    for _ in range(7):  # the last one locks for 20 seconds
        guess = client.send("POST", LOG_IN, code="000000")
        assert_problem(guess, HTTPStatus.UNAUTHORIZED, "INVALID_CODE")
    headers = {"Idempotency-Key": str(uuid4())}
    body = client.credentials.model_dump(include={"api_key", "api_secret"})
    body["code"] = next(client.codes)
    locked = client.http.post(f"{client.url}{LOG_IN}", json=body, headers=headers)
    assert_problem(locked, HTTPStatus.TOO_MANY_REQUESTS, "CODES_LOCKED")
    path = f"{ADMIN}/clients/{client.credentials.client_id}/second-factor-reset"
    reset = operator.request("POST", path)
    assert_problem(operator.send(reset), HTTPStatus.UNAUTHORIZED, "SIGNATURE_REQUIRED")
    with httpx.Client(timeout=30, auth=Signed(operator.credentials)) as http:
        answer = patiently(lambda: http.send(operator.request("POST", path)))
    assert answer.json()["status"] == "NONE", answer.text
    client.enrol()


def test_an_operator_withdraws_with_a_code_of_the_client(
    client: Client, operator: Operator
) -> None:
    first, second, *_ = client.enrol()["recovery_codes"]
    protects = {"orders": "none", "withdrawals": True, "code": first}
    policy = client.send("PUT", f"{FACTOR}/policy", **protects)
    assert policy.json()["policy"] == {"orders": "none", "amount": None, "withdrawals": True}
    name = client.credentials.client_id
    with httpx.Client(timeout=30, auth=Signed(operator.credentials)) as http:

        def withdraw(number: int, **body: str) -> httpx.Response:
            sent = {"reference": f"out-{number}-{name}", "amount": "300.00"} | body
            path = f"{ADMIN}/clients/{name}/withdrawals"
            return patiently(lambda: http.send(operator.request("POST", path, **sent)))

        assert_problem(withdraw(1), HTTPStatus.FORBIDDEN, "SECOND_FACTOR_REQUIRED")
        wrong = withdraw(1, code="aaaa-aaaa-aaaa-aaaa")
        assert_problem(wrong, HTTPStatus.UNAUTHORIZED, "INVALID_CODE")
        code = next(client.codes)
        booked = withdraw(1, code=code)
        assert booked.status_code == HTTPStatus.CREATED, booked.text
        assert withdraw(1).json() == booked.json()
        again = withdraw(2, code=code)
        assert_problem(again, HTTPStatus.UNAUTHORIZED, "INVALID_CODE")
        assert withdraw(2, code=second).status_code == HTTPStatus.CREATED
        too_much = withdraw(3, code=second, amount="300.01")
        assert_problem(too_much, HTTPStatus.UNPROCESSABLE_ENTITY, "NOT_WITHDRAWABLE")
