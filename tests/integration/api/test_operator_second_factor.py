"""Operators always show a second factor: what the internal API answers with a code and without
one, and to guesses.
"""

import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pyotp
import pytest
import time_machine

from tests.fakes.api_events import header, request
from tests.integration.api.conftest import World
from trading.domain.clients.credentials import INTERNAL_AUDIENCE

FACTOR = "/api/v1/auth/second-factor"
START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
REQUIRED = (403, "SECOND_FACTOR_REQUIRED")


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


class Anna:
    """An operator, with an authenticator."""

    def __init__(self, world: World, clock: Any) -> None:
        self.world, self.clock = world, clock
        self.enrolled: dict[str, Any] = {}
        self._keys = 0

    def answer(self, path: str, key: str | None = None, **body: Any) -> Any:
        self._keys += 1
        sent = {"api_key": "key-anna", "api_secret": self.world.secrets["key-anna"]} | body
        headers = {"Idempotency-Key": key or f"request-{self._keys}"}
        return self.world.call("internal_auth", request("POST", path, sent, headers=headers))

    def send(self, path: str, key: str | None = None, **body: Any) -> tuple[int, Any]:
        answer = self.answer(path, key, **body)
        return answer["statusCode"], json.loads(answer["body"])

    def log_in(self, key: str | None = None, **body: Any) -> tuple[int, Any]:
        return self.send("/api/v1/auth/token", key, **body)

    def refusal(self, **body: Any) -> tuple[int, str]:
        status, answer = self.log_in(**body)
        return status, answer["code"]

    def code(self) -> str:
        """The next code, which was not used before."""
        self.clock.shift(30)
        return pyotp.TOTP(self.enrolled["secret"]).at(datetime.now(UTC))

    def enrol(self, **body: Any) -> None:
        status, self.enrolled = self.send(FACTOR, **body)
        assert status == 201, self.enrolled
        assert self.send(f"{FACTOR}/confirmation", code=self.code())[0] == 200


@pytest.fixture
def anna(world: World, clock: Any) -> Anna:
    world.add_credential("key-anna", client_id="anna", audience=INTERNAL_AUDIENCE)
    return Anna(world, clock)


def test_the_secret_alone_gets_no_token_and_is_not_counted_as_wrong(anna: Anna) -> None:
    for _ in range(7):
        status, problem = anna.log_in()
        assert (status, problem["code"]) == REQUIRED
        for way in ("`code`", "sign the log-in", f"POST {FACTOR}"):
            assert way in problem["detail"]
    for table in ("control", "idempotency", "factors", "audit"):
        assert anna.world.items(table) == [], table


def test_that_a_second_factor_is_missing_is_told_only_to_who_has_the_secret(anna: Anna) -> None:
    assert anna.refusal(api_secret="wrong") == (401, "INVALID_CREDENTIALS")
    assert anna.refusal(api_secret="wrong", code="123456") == (401, "INVALID_CREDENTIALS")


def test_an_operator_enrols_and_logs_in_with_a_code(anna: Anna) -> None:
    assert anna.refusal(code="123456") == (403, "SECOND_FACTOR_NOT_ENROLLED")
    status, anna.enrolled = anna.send(FACTOR, "enrol")
    assert (status, set(anna.enrolled)) == (201, {"secret", "uri", "recovery_codes"})
    assert anna.send(FACTOR, "enrol") == (201, anna.enrolled)
    assert anna.refusal(code=anna.code()) == (403, "SECOND_FACTOR_NOT_ENROLLED")
    status, standing = anna.send(f"{FACTOR}/confirmation", code=anna.code())
    assert (status, standing) == (200, {"status": "ACTIVE", "recovery_codes_left": 8})
    assert anna.refusal() == REQUIRED
    status, token = anna.log_in(code=anna.code())
    claims = jwt.decode(token["jwt_token"], options={"verify_signature": False})
    assert token["methods"] == claims["amr"] == ["pwd", "otp", "mfa"]
    assert (claims["aud"], claims["client_id"]) == (INTERNAL_AUDIENCE, "anna")
    event = {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:1:api/test/GET/x",
        "headers": {"Authorization": f"Bearer {token['jwt_token']}"},
    }
    context = anna.world.call("internal_authorizer", event)["context"]
    assert (context["client_id"], context["methods"]) == ("anna", "pwd otp mfa")


def test_the_enrolment_is_the_operators_own_and_is_audited(anna: Anna) -> None:
    """A client of the same name has another second factor."""
    anna.world.add_client("anna")
    anna.world.add_credential("key-client", client_id="anna")
    anna.enrol()
    assert {item["holder"]["S"] for item in anna.world.items("factors")} == {"operator/anna"}
    entries = anna.world.items("audit")
    assert [(item["subject"]["S"], item["action"]["S"]) for item in entries] == [
        ("operator/anna", "confirm-second-factor"),
        ("operator/anna", "second-factor-confirmed"),
    ]
    assert {item["who"]["S"] for item in entries} == {"anna (key-anna)"}
    sent = {
        "api_key": "key-client",
        "api_secret": anna.world.secrets["key-client"],
        "code": anna.code(),
    }
    answer = anna.world.call("auth", request("POST", "/api/v1/auth/token", sent))
    assert json.loads(answer["body"])["code"] == "SECOND_FACTOR_NOT_ENROLLED"


def test_a_code_is_good_once_and_its_own_request_repeats_it(anna: Anna) -> None:
    anna.enrol()
    code = anna.code()
    first = anna.log_in("log-in", code=code)
    assert first[0] == 200
    assert anna.log_in("log-in", code=code) == first
    assert anna.refusal(code=code) == (401, "INVALID_CODE")
    status, problem = anna.log_in("log-in")
    assert (status, problem["code"]) == REQUIRED, "the record is not answered without the code"


def test_a_recovery_code_passes_once(anna: Anna) -> None:
    anna.enrol()
    recovery = anna.enrolled["recovery_codes"][2]
    status, token = anna.log_in(code=recovery)
    assert (status, token["methods"]) == (200, ["pwd", "otp", "mfa"])
    assert anna.refusal(code=recovery) == (401, "INVALID_CODE")


def test_guesses_are_limited_and_a_recovery_code_passes(anna: Anna) -> None:
    anna.enrol()
    for _ in range(5):
        assert anna.refusal(code="000000") == (401, "INVALID_CODE")
    right = pyotp.TOTP(anna.enrolled["secret"]).now()
    answer = anna.answer("/api/v1/auth/token", code=right)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (429, "CODES_LOCKED")
    assert header(answer, "Retry-After")
    assert anna.log_in(code=anna.enrolled["recovery_codes"][0])[0] == 200
    assert anna.log_in(code=anna.code())[0] == 200


def test_the_secret_alone_replaces_no_second_factor(anna: Anna) -> None:
    anna.enrol()
    before = anna.world.items("factors")
    status, problem = anna.send(FACTOR)
    assert (status, problem["code"]) == REQUIRED
    assert anna.world.items("factors") == before
    anna.enrol(code=anna.enrolled["recovery_codes"][0])
    assert anna.log_in(code=anna.code())[0] == 200


@pytest.mark.parametrize("path", [FACTOR, f"{FACTOR}/confirmation"])
def test_the_enrolment_needs_the_secret_of_an_operator(anna: Anna, path: str) -> None:
    for changes, expected in (
        ({"api_secret": "guessed"}, (401, "INVALID_CREDENTIALS")),
        (
            {"api_key": "key-alice", "api_secret": anna.world.secrets["key-alice"]},
            (401, "INVALID_CREDENTIALS"),
        ),
    ):
        status, problem = anna.send(path, code="123456", **changes)
        assert (status, problem["code"]) == expected
    assert anna.world.items("factors") == []


def test_a_program_logs_in_by_its_signature_alone(anna: Anna, world: World) -> None:
    anna.enrol()
    world.add_program("key-anna", client_id="anna", audience=INTERNAL_AUDIENCE)
    before = world.items("factors")
    signed = world.call("internal_auth", world.signed_log_in_event("key-anna"))
    assert json.loads(signed["body"])["methods"] == ["pwd", "swk", "mfa"]
    assert world.items("factors") == before, "no code is used or counted"


def test_there_is_no_policy_and_no_step_up_at_the_internal_api(anna: Anna) -> None:
    anna.enrol()
    for method, path in (("PUT", f"{FACTOR}/policy"), ("POST", "/api/v1/auth/step-up")):
        event = request(method, path, {"code": anna.code()})
        assert anna.world.call("internal_auth", event)["statusCode"] == 404


def test_an_authenticator_from_before_the_registration_of_a_key_opens_nothing(anna: Anna) -> None:
    """Whoever has stolen the secret may have enrolled before the owner registered a key."""
    anna.enrol()
    assert anna.log_in(code=anna.code())[0] == 200
    anna.world.add_program("key-anna", client_id="anna", audience=INTERNAL_AUDIENCE)
    for code in (anna.code(), anna.enrolled["recovery_codes"][0]):
        status, problem = anna.log_in(code=code)
        assert (status, problem["code"]) == REQUIRED
        assert "Sign the log-in" in problem["detail"]
    (factor,) = anna.world.items("factors")
    assert "used_recovery_codes" not in factor


def test_a_code_gives_no_token_again_after_all_tokens_have_ended(anna: Anna) -> None:
    anna.enrol()
    code = anna.code()
    assert anna.log_in("log-in", code=code)[0] == 200
    anna.world.add_credential(
        "key-anna", client_id="anna", audience=INTERNAL_AUDIENCE, generation=1
    )
    status, problem = anna.log_in("log-in", code=code)
    assert (status, problem["code"]) == (401, "INVALID_CODE")
    assert anna.log_in(code=anna.code())[0] == 200
