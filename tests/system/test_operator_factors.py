"""Operators always show a second factor, at the deployed system: people by a code of an
authenticator, programs by a signed log-in. Each attack once.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local import demo, seed
from local.api import LOG_IN, Credentials, patiently
from tests.system.test_bad_input import assert_problem
from tests.system.test_identity import assert_refused
from tests.system.test_second_factor import FACTOR, Client
from tests.system.test_signed_requests import ADMIN, changed
from trading.adapters.identity.signature_keys import new_key_pair
from workstation.local_system import LocalSystem
from workstation.signing import Signer

KEPT = ("idempotency-key", "content-type")


class Program:
    """An operator that is a program, with its registered key."""

    def __init__(self, http: httpx.Client, url: str, credentials: Credentials) -> None:
        self.http, self.url, self.credentials = http, url, credentials

    def log_in(self) -> httpx.Request:
        """A log-in that is not signed."""
        body = self.credentials.model_dump(include={"api_key", "api_secret"})
        headers = {"Idempotency-Key": str(uuid4())}
        return self.http.build_request("POST", f"{self.url}{LOG_IN}", json=body, headers=headers)

    def signed(self, request: httpx.Request, ahead: timedelta = timedelta()) -> httpx.Request:
        own = self.credentials
        assert own.private_key
        signer = Signer.of_key(own.api_key, own.private_key, lambda: datetime.now(UTC) + ahead)
        signer.sign(request, LOG_IN)
        return request

    def signed_with_secret(self, request: httpx.Request) -> httpx.Request:
        own = self.credentials
        signer = Signer.of_secret(own.api_key, own.api_secret, lambda: datetime.now(UTC))
        signer.sign(request, LOG_IN)
        return request

    def send(self, request: httpx.Request) -> httpx.Response:
        return patiently(lambda: self.http.send(request))


@pytest.fixture
def program(internal_url: str, system: LocalSystem) -> Iterator[Program]:
    with httpx.Client(timeout=30) as http:
        yield Program(http, internal_url, seed.credentials(system)[demo.SERVICE_ID])


def unsigned(program: Program, signed: httpx.Request) -> httpx.Request:
    return changed(signed, headers={name: signed.headers[name] for name in KEPT})


def signed_with_the_secret(program: Program, signed: httpx.Request) -> httpx.Request:
    return program.signed_with_secret(unsigned(program, signed))


def signed_with_another_key(program: Program, signed: httpx.Request) -> httpx.Request:
    thief = program.credentials.model_copy(update={"private_key": new_key_pair()[0]})
    return Program(program.http, program.url, thief).signed(unsigned(program, signed))


def another_key(program: Program, signed: httpx.Request) -> httpx.Request:
    return changed(signed, headers=dict(signed.headers) | {"idempotency-key": str(uuid4())})


def another_body(program: Program, signed: httpx.Request) -> httpx.Request:
    body = json.loads(signed.read())
    return changed(signed, content=json.dumps(body, indent=1).encode())


def another_query(program: Program, signed: httpx.Request) -> httpx.Request:
    return changed(signed, url=f"{signed.url}?a=b")


def late(program: Program, signed: httpx.Request) -> httpx.Request:
    return program.signed(unsigned(program, signed), timedelta(seconds=-330))


def early(program: Program, signed: httpx.Request) -> httpx.Request:
    return program.signed(unsigned(program, signed), timedelta(seconds=90))


@pytest.mark.parametrize(
    ("attack", "status", "code"),
    [
        (unsigned, HTTPStatus.FORBIDDEN, "SECOND_FACTOR_REQUIRED"),
        (signed_with_the_secret, HTTPStatus.UNAUTHORIZED, "INVALID_SIGNATURE"),
        (signed_with_another_key, HTTPStatus.UNAUTHORIZED, "INVALID_SIGNATURE"),
        (another_key, HTTPStatus.UNAUTHORIZED, "INVALID_SIGNATURE"),
        (another_body, HTTPStatus.UNAUTHORIZED, "INVALID_SIGNATURE"),
        (another_query, HTTPStatus.UNPROCESSABLE_ENTITY, "VALIDATION_FAILED"),
        (late, HTTPStatus.UNAUTHORIZED, "INVALID_SIGNATURE"),
        (early, HTTPStatus.UNAUTHORIZED, "INVALID_SIGNATURE"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_who_has_the_secret_of_an_operator_only_gets_no_token(
    program: Program,
    attack: Callable[[Program, httpx.Request], httpx.Request],
    status: HTTPStatus,
    code: str,
) -> None:
    signed = program.signed(program.log_in())
    assert_problem(program.send(attack(program, signed)), status, code)
    answer = program.send(signed)
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.json()["methods"] == ["pwd", "swk", "mfa"]


def test_the_secret_of_a_program_is_not_enough_to_enrol_an_authenticator(program: Program) -> None:
    thief = Client(program.http, program.url, program.credentials)
    for path, body in ((FACTOR, {}), (f"{FACTOR}/confirmation", {"code": "123456"})):
        refused = thief.send("POST", path, **body)
        assert_problem(refused, HTTPStatus.FORBIDDEN, "SECOND_FACTOR_REQUIRED")


def test_a_captured_log_in_is_good_for_nobody_else(program: Program) -> None:
    signed = program.signed(program.log_in())
    first = program.send(signed)
    assert first.status_code == HTTPStatus.OK, first.text
    replayed = program.send(signed)
    assert_problem(replayed, HTTPStatus.UNAUTHORIZED, "INVALID_SIGNATURE")
    assert "nonce" in replayed.json()["detail"]
    bare = unsigned(program, signed)
    refused = program.send(bare)
    assert_problem(refused, HTTPStatus.FORBIDDEN, "SECOND_FACTOR_REQUIRED")
    again = program.send(program.signed(bare))
    assert again.json()["jwt_token"] == first.json()["jwt_token"]


def test_a_person_enrols_logs_in_with_codes_and_loses_the_phone(
    program: Program, ops: Callable[..., Any]
) -> None:
    name = f"anna-{uuid4().hex[:8]}"
    why = ("--reason", "a test")
    made = ops("operators", "create", name, "--role", "reader", *why)
    try:
        credentials = Credentials(
            client_id=name, api_key=made["api_key"], api_secret=made["api_secret"]
        )
        anna = Client(program.http, program.url, credentials)
        refused = anna.send("POST", LOG_IN)
        assert_problem(refused, HTTPStatus.FORBIDDEN, "SECOND_FACTOR_REQUIRED")
        assert FACTOR in refused.json()["detail"]
        assert_problem(
            anna.send("POST", LOG_IN, code="123456"),
            HTTPStatus.FORBIDDEN,
            "SECOND_FACTOR_NOT_ENROLLED",
        )
        enrolled = anna.enrol()
        code = next(anna.codes)
        token = anna.send("POST", LOG_IN, code=code).json()
        assert token["methods"] == ["pwd", "otp", "mfa"]
        used = anna.send("POST", LOG_IN, code=code)
        assert_problem(used, HTTPStatus.UNAUTHORIZED, "INVALID_CODE")
        look = {"Authorization": f"Bearer {token['jwt_token']}"}
        url = f"{program.url}{ADMIN}/clients/alice"
        assert program.http.get(url, headers=look).status_code == HTTPStatus.OK
        by_recovery = anna.send("POST", LOG_IN, code=enrolled["recovery_codes"][0])
        assert by_recovery.status_code == HTTPStatus.OK
        bare = anna.send("POST", FACTOR)
        assert_problem(bare, HTTPStatus.FORBIDDEN, "SECOND_FACTOR_REQUIRED")
        ops("operators", "reset-second-factor", name, *why)
        assert_refused(program.http.get(url, headers=look))
        refused = anna.send("POST", LOG_IN)
        assert_problem(refused, HTTPStatus.FORBIDDEN, "SECOND_FACTOR_REQUIRED")
        [listed] = [each for each in ops("operators", "list") if each["name"] == name]
        assert listed["second_factor"] == "NONE"
        anna.enrol()
    finally:
        ops("operators", "disable", name, *why)
