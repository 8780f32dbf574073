import json
from datetime import datetime
from typing import Any

import jwt
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.fakes.api_events import Context, header, request
from tests.integration.api.conftest import World
from tests.integration.backing import create_signing_keys
from trading.adapters.identity import passwords

HERE = "192.0.2.1"


def log_in(
    world: World,
    api_key: str,
    secret: str | None = None,
    key: str = "key-1",
    function: str = "auth",
) -> tuple[int, dict[str, Any], Any]:
    """Log in, with a signature if it is the log-in of a program."""
    event_of = world.signed_log_in_event if api_key in world.private_keys else world.log_in_event
    answer = world.call(
        function, event_of(api_key, key, **({} if secret is None else {"api_secret": secret}))
    )
    return answer["statusCode"], json.loads(answer["body"]), answer


def test_the_right_secret_gets_a_token_for_fifteen_minutes(world: World) -> None:
    status, body, answer = log_in(world, "key-alice")
    assert status == 200
    assert set(body) == {"jwt_token", "token_type", "expiration", "permissions", "methods"}
    assert body["token_type"] == "Bearer"
    assert body["permissions"] == ["orders:read", "orders:write"]
    assert body["expiration"].endswith("Z")
    claims = jwt.decode(body["jwt_token"], options={"verify_signature": False})
    assert claims["aud"] == "trading-api"
    assert claims["iss"] == "trading-test"
    assert claims["client_id"] == "alice"
    assert claims["exp"] - claims["iat"] == 900
    assert datetime.fromisoformat(body["expiration"]).timestamp() == claims["exp"]
    assert header(answer, "Cache-Control") == "no-store"


def test_an_operator_gets_a_token_for_the_internal_api(world: World) -> None:
    _, body, _ = log_in(world, "key-internal", function="internal_auth")
    claims = jwt.decode(body["jwt_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["client_id"]) == ("trading-internal", "operations")


@pytest.mark.parametrize(
    ("api_key", "function"), [("key-internal", "auth"), ("key-alice", "internal_auth")]
)
def test_the_log_in_of_the_other_api_answers_as_if_the_key_did_not_exist(
    world: World, api_key: str, function: str
) -> None:
    """The right secret is no better than a wrong one there. Both are counted for the source."""
    right = log_in(world, api_key, function=function)
    wrong = log_in(world, "key-nobody", "wrong", function=function)
    assert right[0] == wrong[0] == 401
    assert right[1] == wrong[1]
    assert right[2]["multiValueHeaders"] == wrong[2]["multiValueHeaders"]
    counters = {item["name"]["S"]: item["failures"]["N"] for item in world.items("control")}
    assert counters == {
        f"LOGIN#{api_key}#{HERE}": "1",
        f"LOGIN#key-nobody#{HERE}": "1",
        f"LOGIN-FROM#{HERE}": "2",
    }


def test_operators_log_in_without_the_table_of_clients(world: World) -> None:
    world.dynamodb.delete_table(TableName="trading-test-clients")
    assert log_in(world, "key-internal", function="internal_auth")[0] == 200


def test_an_unknown_key_and_a_wrong_secret_get_the_same_answer(world: World) -> None:
    wrong = log_in(world, "key-alice", "wrong")
    unknown = log_in(world, "key-nobody", "wrong")
    assert wrong[0] == unknown[0] == 401
    assert wrong[1] == unknown[1]
    assert wrong[2]["multiValueHeaders"] == unknown[2]["multiValueHeaders"]
    counters = {item["name"]["S"]: item["failures"]["N"] for item in world.items("control")}
    assert counters == {
        f"LOGIN#key-alice#{HERE}": "1",
        f"LOGIN#key-nobody#{HERE}": "1",
        f"LOGIN-FROM#{HERE}": "2",
    }


@pytest.mark.parametrize("api_key", ["key-ivan", "key-revoked"])
def test_only_callers_with_the_right_secret_are_told_that_a_client_is_inactive(
    world: World, api_key: str
) -> None:
    assert log_in(world, api_key)[0:2][1]["code"] == "CLIENT_INACTIVE"
    assert log_in(world, api_key)[0] == 403
    assert log_in(world, api_key, "wrong")[1]["code"] == "INVALID_CREDENTIALS"


def test_both_secrets_are_valid_during_rotation(world: World) -> None:
    world.add_credential(
        "key-alice",
        secrets=(passwords.stored("new-secret"), passwords.stored("old-secret")),
    )
    assert log_in(world, "key-alice", "new-secret", "a")[0] == 200
    assert log_in(world, "key-alice", "old-secret", "b")[0] == 200
    status, body, _ = log_in(world, "key-alice", "old-secret", "a")
    assert (status, body["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_the_same_key_and_body_get_the_identical_token_again(world: World) -> None:
    first = log_in(world, "key-alice")
    again = log_in(world, "key-alice")
    assert again[0:2] == first[0:2]
    assert header(first[2], "Idempotency-Replayed") is None
    assert header(again[2], "Idempotency-Replayed") == "true"
    assert log_in(world, "key-alice", key="key-2")[1]["jwt_token"] != first[1]["jwt_token"]


def test_the_same_idempotency_key_of_another_api_key_is_another_request(world: World) -> None:
    assert log_in(world, "key-alice")[0] == 200
    world.add_credential("key-other", client_id="alice")
    status, _, answer = log_in(world, "key-other")
    assert status == 200
    assert header(answer, "Idempotency-Replayed") is None


def test_a_replay_needs_the_secret_and_an_active_client(world: World) -> None:
    assert log_in(world, "key-alice")[0] == 200
    assert log_in(world, "key-alice", "wrong")[0] == 401
    world.add_client("alice", status="INACTIVE")
    assert log_in(world, "key-alice")[0] == 403


def test_a_failed_attempt_does_not_use_up_the_idempotency_key(world: World) -> None:
    assert log_in(world, "key-alice", "wrong")[0] == 401
    assert log_in(world, "key-alice")[0] == 200


def test_neither_token_nor_secret_is_stored(world: World) -> None:
    _, body, _ = log_in(world, "key-alice")
    stored = json.dumps([world.items(table) for table in ("idempotency", "control", "credentials")])
    assert body["jwt_token"].split(".")[2] not in stored
    assert body["jwt_token"] not in stored
    assert world.secrets["key-alice"] not in stored


def test_an_idempotency_record_lives_as_long_as_its_token(world: World) -> None:
    _, body, _ = log_in(world, "key-alice")
    (record,) = world.items("idempotency")
    expiry = int(record["expiration"]["N"])
    assert abs(expiry - datetime.fromisoformat(body["expiration"]).timestamp()) < 5


def test_a_replay_gets_a_new_token_after_its_signing_key_is_retired(world: World) -> None:
    _, first, _ = log_in(world, "key-alice")
    world.use_signing_keys(create_signing_keys())
    status, body, answer = log_in(world, "key-alice")
    assert status == 200
    assert body["jwt_token"] != first["jwt_token"]
    assert header(answer, "Idempotency-Replayed") is None
    event = {"methodArn": "arn:aws:execute-api:us-east-1:1:api/test/GET/x", "headers": {}}
    event["headers"] = {"Authorization": f"Bearer {body['jwt_token']}"}
    assert world.call("authorizer", event)["context"]["client_id"] == "alice"


@pytest.mark.parametrize("failure", ["refused", "throttled", "disabled", "unreachable"])
def test_a_log_in_is_told_to_come_again_while_kms_does_not_sign(
    world: World, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """And the repetition gets the token that the first request was to get."""
    kms = world.function("auth").api.base.tokens._keys._kms
    codes = {
        "refused": "AccessDeniedException",
        "throttled": "ThrottlingException",
        "disabled": "DisabledException",
    }

    def fail(**_: Any) -> None:
        if failure in codes:
            raise ClientError({"Error": {"Code": codes[failure], "Message": ""}}, "GenerateMac")
        raise EndpointConnectionError(endpoint_url="https://kms")

    with monkeypatch.context() as patch:
        patch.setattr(kms, "generate_mac", fail)
        for _ in range(2):
            status, body, answer = log_in(world, "key-alice")
            assert (status, body["code"]) == (503, "UNAVAILABLE")
            assert header(answer, "Retry-After") == "1"
    kept = world.items("idempotency")
    status, body, answer = log_in(world, "key-alice")
    assert status == 200
    assert header(answer, "Idempotency-Replayed") == "true"
    assert log_in(world, "key-alice")[1] == body
    assert world.items("idempotency") == kept


def test_a_wrong_secret_costs_no_call_to_kms(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.function("auth").api.base.tokens._keys, "_kms", None)
    assert log_in(world, "key-alice", "wrong")[0] == 401


def test_without_the_idempotency_table_the_client_is_told_to_try_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_TABLE", "no-such-table")
    status, body, answer = log_in(world, "key-alice")
    assert (status, body["code"]) == (503, "UNAVAILABLE")
    assert header(answer, "Retry-After") == "1"


def test_a_request_in_progress_is_a_conflict(world: World) -> None:
    auth = world.function("auth")
    inner: list[dict[str, Any]] = []
    body = {"api_key": "key-alice", "api_secret": world.secrets["key-alice"]}
    event = request("POST", "/api/v1/auth/token", body)
    grant = auth.api.base.tokens.grant

    def meanwhile(*arguments: Any) -> Any:
        auth.api.base.tokens.grant = grant
        inner.append(world.call("auth", event))
        return grant(*arguments)

    auth.api.base.tokens.grant = meanwhile
    auth.handler(event, Context())
    assert inner[0]["statusCode"] == 409
    assert json.loads(inner[0]["body"])["code"] == "IN_PROGRESS"
    assert header(inner[0], "Retry-After") == "1"


@pytest.mark.parametrize(
    "body",
    [
        {"api_key": "key alice", "api_secret": "x"},
        {"api_key": "k" * 65, "api_secret": "x"},
        {"api_key": "key-alice", "api_secret": "x" * 129},
        {"api_key": "key-alice", "api_secret": "x", "admin": True},
        {"api_key": "key-alice"},
    ],
)
def test_a_malformed_request_is_refused_and_counts_as_no_failure(
    world: World, body: dict[str, Any]
) -> None:
    answer = world.call("auth", request("POST", "/api/v1/auth/token", body))
    assert answer["statusCode"] == 422
    assert world.items("control") == []
