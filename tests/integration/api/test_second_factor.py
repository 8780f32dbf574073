"""A client's second factor: enrolled, used, guessed, lost and found."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jwt
import pyotp
import pytest
import time_machine

from tests.fakes.api_events import header, principal, request
from tests.integration.api.conftest import World

FACTOR = "/api/v1/auth/second-factor"
START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


class Client:
    """Alice, with an authenticator."""

    def __init__(self, world: World, clock: Any) -> None:
        self.world, self.clock = world, clock
        self.enrolled: dict[str, Any] = {}
        self._keys = 0

    def send(
        self, method: str, path: str, key: str | None = None, **body: Any
    ) -> tuple[int, dict[str, Any]]:
        self._keys += 1
        sent = {"api_key": "key-alice", "api_secret": self.world.secrets["key-alice"]} | body
        event = request(
            method, path, sent, headers={"Idempotency-Key": key or f"request-{self._keys}"}
        )
        answer = self.world.call("auth", event)
        return answer["statusCode"], json.loads(answer["body"])

    def log_in(self, key: str | None = None, **body: Any) -> tuple[int, dict[str, Any]]:
        return self.send("POST", "/api/v1/auth/token", key, **body)

    def step_up(self, code: str, key: str = "step-up", **context: str) -> tuple[int, Any]:
        event = request(
            "POST",
            "/api/v1/auth/step-up",
            {"code": code},
            authorizer=principal() | context,
            headers={"Idempotency-Key": key},
        )
        answer = self.world.call("auth", event)
        return answer["statusCode"], json.loads(answer["body"])

    def standing(self) -> Any:
        answer = self.world.call("auth", request("GET", FACTOR, authorizer=principal()))
        assert answer["statusCode"] == 200
        return json.loads(answer["body"])

    def code(self) -> str:
        """The next code, which was not used before."""
        self.clock.shift(30)
        return pyotp.TOTP(self.enrolled["secret"]).at(datetime.now(UTC))

    def enrol(self, **body: Any) -> None:
        status, self.enrolled = self.send("POST", FACTOR, **body)
        assert status == 201, self.enrolled
        assert self.send("POST", f"{FACTOR}/confirmation", code=self.code())[0] == 200


@pytest.fixture
def client(world: World, clock: Any) -> Client:
    return Client(world, clock)


def claims(token: dict[str, Any]) -> dict[str, Any]:
    stated: dict[str, Any] = jwt.decode(token["jwt_token"], options={"verify_signature": False})
    return stated


def test_the_token_says_how_it_was_obtained(client: Client) -> None:
    client.enrol()
    plain = client.log_in()[1]
    assert plain["methods"] == claims(plain)["amr"] == ["pwd"]
    status, strong = client.log_in(code=client.code())
    assert status == 200
    assert strong["methods"] == claims(strong)["amr"] == ["pwd", "otp", "mfa"]
    assert claims(strong)["auth_time"] == int(datetime.now(UTC).timestamp())


def test_a_client_without_a_second_factor_is_told_to_enrol(client: Client) -> None:
    assert client.standing() == {
        "status": "NONE",
        "recovery_codes_left": 0,
        "policy": {"orders": "none", "amount": None, "withdrawals": False},
    }
    status, body = client.log_in(code="123456")
    assert (status, body["code"]) == (403, "SECOND_FACTOR_NOT_ENROLLED")
    assert FACTOR in body["detail"]


def test_an_enrolment_counts_from_its_first_code_on(client: Client) -> None:
    status, client.enrolled = client.send("POST", FACTOR, "enrol")
    assert status == 201
    assert set(client.enrolled) == {"secret", "uri", "recovery_codes"}
    assert len(client.enrolled["recovery_codes"]) == 8
    assert client.send("POST", FACTOR, "enrol") == (201, client.enrolled)
    assert client.standing()["status"] == "PENDING"
    assert client.log_in(code=client.code())[1]["code"] == "SECOND_FACTOR_NOT_ENROLLED"
    wrong = client.send("POST", f"{FACTOR}/confirmation", code="000000")
    assert (wrong[0], wrong[1]["code"]) == (401, "INVALID_CODE")
    code = client.code()
    status, standing = client.send("POST", f"{FACTOR}/confirmation", "confirm", code=code)
    assert (status, standing["status"], standing["recovery_codes_left"]) == (200, "ACTIVE", 8)
    assert client.send("POST", f"{FACTOR}/confirmation", "confirm", code=code) == (200, standing)
    shown = client.send("POST", FACTOR, "enrol")
    assert (shown[0], shown[1]["code"]) == (403, "SECOND_FACTOR_NOT_ENROLLED")


@pytest.mark.parametrize("path", [FACTOR, f"{FACTOR}/confirmation", f"{FACTOR}/policy"])
def test_a_wrong_secret_changes_nothing(client: Client, path: str) -> None:
    method = "PUT" if path.endswith("policy") else "POST"
    body: dict[str, Any] = {"code": "123456"} | ({"orders": "all"} if method == "PUT" else {})
    status, answer = client.send(method, path, api_secret="guessed", **body)
    assert (status, answer["code"]) == (401, "INVALID_CREDENTIALS")
    assert client.world.items("factors") == []


def test_nothing_that_is_stored_makes_a_code(client: Client) -> None:
    client.enrol()
    stored = json.dumps(
        [client.world.items(table) for table in ("factors", "idempotency", "audit", "control")]
    )
    assert client.enrolled["secret"] not in stored
    assert not any(code in stored for code in client.enrolled["recovery_codes"])


def test_a_code_is_good_once_and_its_own_request_repeats_it(client: Client) -> None:
    client.enrol()
    code = client.code()
    first = client.log_in("log-in", code=code)
    assert first[0] == 200
    assert client.log_in("log-in", code=code) == first
    for table in ("idempotency",):  # the record was lost
        for item in client.world.items(table):
            client.world.dynamodb.delete_item(
                TableName=f"trading-test-{table}", Key={"id": item["id"]}
            )
    again = client.log_in("log-in", code=code)
    assert (again[0], again[1]["methods"]) == (200, ["pwd", "otp", "mfa"])
    status, body = client.log_in("another", code=code)
    assert (status, body["code"]) == (401, "INVALID_CODE")
    assert body["errors"][0]["field"] == "code"
    assert client.step_up(code)[1]["code"] == "INVALID_CODE"


def test_guesses_are_limited_and_a_recovery_code_passes(client: Client) -> None:
    client.enrol()
    for _ in range(5):
        assert client.log_in(code="000000")[1]["code"] == "INVALID_CODE"
    event = request(
        "POST",
        "/api/v1/auth/step-up",
        {"code": pyotp.TOTP(client.enrolled["secret"]).now()},
        authorizer=principal(),
    )
    answer = client.world.call("auth", event)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (429, "CODES_LOCKED")
    assert header(answer, "Retry-After") == "6"
    recovery = client.enrolled["recovery_codes"][2]
    assert client.log_in(code=recovery)[0] == 200
    assert client.standing()["recovery_codes_left"] == 7
    assert client.log_in(code=recovery)[1]["code"] == "INVALID_CODE"
    assert client.log_in(code=client.code())[0] == 200


def test_a_step_up_takes_a_token_and_a_code(client: Client) -> None:
    client.enrol()
    code = client.code()
    status, token = client.step_up(code)
    assert (status, token["methods"]) == (200, ["pwd", "otp", "mfa"])
    assert claims(token)["sub"] == "key-alice"
    assert client.step_up(code) == (200, token)
    assert client.step_up(code, "another")[0] == 401


def test_a_key_that_is_disabled_steps_up_no_more(client: Client) -> None:
    client.enrol()
    client.world.add_client("alice", status="INACTIVE")
    status, body = client.step_up(client.code())
    assert (status, body["code"]) == (403, "CLIENT_INACTIVE")


def test_an_ended_token_steps_up_no_more_although_its_request_could_not_be_counted(
    client: Client,
) -> None:
    client.enrol()
    client.world.add_credential("key-alice", generation=1)
    client.world.dynamodb.delete_table(TableName="trading-test-control")
    assert client.step_up(client.code(), generation="0")[0] == 401
    assert client.step_up(client.code(), "again", generation="1")[0] == 200


def test_a_step_up_is_with_the_own_second_factor(client: Client) -> None:
    client.enrol()
    client.world.add_client("bob")
    client.world.add_credential("key-bob", client_id="bob")
    status, body = client.step_up(client.code(), api_key="key-bob", client_id="bob")
    assert (status, body["code"]) == (403, "SECOND_FACTOR_NOT_ENROLLED")


def test_an_ended_token_of_a_second_factor_is_not_issued_again(client: Client) -> None:
    """A code that was used gives no other token."""
    client.enrol()
    code = client.code()
    assert client.log_in("log-in", code=code)[0] == 200
    client.world.add_credential("key-alice", generation=1)
    assert client.log_in("log-in", code=code)[1]["code"] == "INVALID_CODE"
    new = client.log_in(code=client.code())
    assert claims(new[1])["generation"] == 1


@pytest.mark.parametrize(
    ("body", "policy", "stored"),
    [
        ({"orders": "all"}, {"orders": "all", "amount": None}, Decimal("0.00")),
        (
            {"orders": "above", "amount": "5000"},
            {"orders": "above", "amount": "5000.00"},
            Decimal("5000.00"),
        ),
        ({"orders": "none"}, {"orders": "none", "amount": None}, None),
        (
            {"orders": "none", "withdrawals": True},
            {"orders": "none", "amount": None, "withdrawals": True},
            None,
        ),
    ],
)
def test_a_policy_is_set_with_a_code(
    client: Client, body: dict[str, Any], policy: dict[str, Any], stored: Decimal | None
) -> None:
    client.enrol()
    status, refused = client.send("PUT", f"{FACTOR}/policy", code="000000", **body)
    assert (status, refused["code"]) == (401, "INVALID_CODE")
    status, standing = client.send("PUT", f"{FACTOR}/policy", code=client.code(), **body)
    policy = {"withdrawals": False} | policy
    assert (status, standing["policy"]) == (200, policy)
    assert client.standing()["policy"] == policy
    [profile] = [
        item for item in client.world.items("clients") if item["client_id"]["S"] == "alice"
    ]
    kept = profile.get("second_factor_above")
    assert (Decimal(kept["N"]) if kept else None) == stored
    assert profile["version"]["N"] == "2"
    actions = [item["action"]["S"] for item in client.world.items("audit")]
    assert actions == [
        "confirm-second-factor",
        "second-factor-confirmed",
        "set-second-factor-policy",
        "second-factor-policy-set",
    ]


def test_a_policy_that_says_nothing_of_withdrawals_leaves_them_as_they_are(client: Client) -> None:
    client.enrol()
    for body, withdrawals in (
        ({"orders": "all", "withdrawals": True}, True),
        ({"orders": "none"}, True),
        ({"orders": "none", "withdrawals": None}, True),
        ({"orders": "above", "amount": "5.00", "withdrawals": False}, False),
        ({"orders": "above", "amount": "5.00"}, False),
    ):
        _, standing = client.send("PUT", f"{FACTOR}/policy", code=client.code(), **body)
        assert standing["policy"]["withdrawals"] is withdrawals
        assert standing["policy"]["orders"] == body["orders"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"orders": "all", "withdrawals": "always"}, "withdrawals"),
        ({"orders": "all", "withdrawals": 2}, "withdrawals"),
        ({"withdrawals": True}, "orders"),
        ({"orders": "above"}, "body"),
        ({"orders": "all", "amount": "5"}, "body"),
        ({"orders": "above", "amount": "0"}, "amount"),
        ({"orders": "above", "amount": "1.001"}, "amount"),
        ({"orders": "some"}, "orders"),
        ({"orders": "all", "code": "12345"}, "code"),
        ({"orders": "all", "code": "aaaa-bbbb"}, "code"),
        ({"orders": "all", "code": "\u0664\u0669\u0662\u0660\u0663\u0669"}, "code"),
        ({"orders": "all", "code": None}, "code"),
        ({"orders": "all", "else": 1}, "else"),
    ],
)
def test_a_bad_policy_is_refused_and_uses_no_code(
    client: Client, body: dict[str, Any], field: str
) -> None:
    client.enrol()
    code = client.code()
    status, answer = client.send("PUT", f"{FACTOR}/policy", **{"code": code} | body)
    assert (status, answer["code"]) == (422, "VALIDATION_FAILED")
    assert [each["field"] for each in answer["errors"]] == [field]
    assert client.log_in(code=code)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "others"),
    [
        ("POST", "/api/v1/auth/token", {"code": "000001"}),
        ("POST", FACTOR, {"code": "000001"}),
        ("POST", f"{FACTOR}/confirmation", {"code": "000001"}),
        (
            "PUT",
            f"{FACTOR}/policy",
            {"code": "000001", "orders": "none", "amount": "6.00", "withdrawals": True},
        ),
    ],
)
def test_each_field_counts_when_a_key_comes_again(
    client: Client, method: str, path: str, others: dict[str, Any]
) -> None:
    client.enrol()
    first: dict[str, Any] = {"orders": "above", "amount": "5.00"} if "orders" in others else {}
    if path == f"{FACTOR}/confirmation":
        _, client.enrolled = client.send("POST", FACTOR, code=client.enrolled["recovery_codes"][0])
    first["code"] = client.code()
    assert client.send(method, path, "once", **first)[0] in (200, 201)
    for name, value in others.items():
        changed = first | {name: value}
        if value == "none":
            changed["amount"] = None
        status, body = client.send(method, path, "once", **changed)
        assert (status, body["code"]) == (422, "IDEMPOTENCY_KEY_REUSED"), name


def test_another_code_under_the_key_of_a_step_up_is_another_request(client: Client) -> None:
    client.enrol()
    assert client.step_up(client.code(), "once")[0] == 200
    assert client.step_up("000001", "once")[1]["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_while_kms_does_not_answer_no_code_is_used_or_counted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.enrol()
    before, code = client.world.items("factors"), client.code()
    client.world.environment.setenv("SECOND_FACTOR_KEY", "00000000-0000-0000-0000-000000000000")
    client.world.cool()
    status, body = client.log_in("log-in", code=code)
    assert (status, body["code"]) == (503, "CODES_UNAVAILABLE")
    assert client.world.items("factors") == before


def test_who_lost_the_phone_recovers_with_a_code_and_enrols_another(client: Client) -> None:
    client.enrol()
    old = client.enrolled
    status, body = client.send("POST", FACTOR)
    assert (status, body["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    client.enrol(code=old["recovery_codes"][0])
    assert client.enrolled["secret"] != old["secret"]
    client.clock.shift(60)
    stolen = pyotp.TOTP(old["secret"]).at(datetime.now(UTC))
    assert client.log_in(code=stolen)[1]["code"] == "INVALID_CODE"
    assert client.log_in(code=old["recovery_codes"][1])[1]["code"] == "INVALID_CODE"
    assert client.log_in(code=client.code())[0] == 200
