import json
from datetime import timedelta
from typing import Any

import jwt
import pytest

from tests.fakes.api_events import request
from tests.integration.api.conftest import World
from trading.adapters.identity import tokens
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, CredentialStatus

METHOD_ARN = "arn:aws:execute-api:us-east-1:000000000000:api1234567/test/GET/api/v1/orders/o-1"


def token(world: World, api_key: str, key: str = "key-1") -> str:
    body = {"api_key": api_key, "api_secret": world.secrets[api_key]}
    event = request("POST", "/api/v1/auth/token", body, headers={"Idempotency-Key": key})
    return str(json.loads(world.call("auth", event)["body"])["jwt_token"])


def authorize(world: World, authorization: str | None, function: str = "authorizer") -> Any:
    headers = None if authorization is None else {"authorization": authorization}
    return world.call(function, {"type": "REQUEST", "methodArn": METHOD_ARN, "headers": headers})


def test_a_valid_token_allows_the_whole_stage_and_names_the_client(world: World) -> None:
    bearer = token(world, "key-alice")
    verdict = authorize(world, f"Bearer {bearer}")
    assert verdict["policyDocument"]["Statement"] == [
        {
            "Action": "execute-api:Invoke",
            "Effect": "Allow",
            "Resource": "arn:aws:execute-api:us-east-1:000000000000:api1234567/test/*",
        }
    ]
    assert verdict["context"] == {
        "client_id": "alice",
        "permissions": "orders:read orders:write",
        "api_key": "key-alice",
        "expires_at": str(jwt.decode(bearer, options={"verify_signature": False})["exp"]),
        "generation": "0",
    }


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic dXNlcg==", "Bearer a.b.c", "bearer é"]
)
def test_any_other_token_is_unauthorized(world: World, authorization: str | None) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(world, authorization)


def test_each_apis_authorizer_refuses_the_tokens_of_the_other_api(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, internal = token(world, "key-alice"), token(world, "key-internal")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(world, f"Bearer {internal}")
    monkeypatch.setenv("TOKEN_AUDIENCE", "trading-internal")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(world, f"Bearer {client}", "internal_authorizer")
    assert (
        authorize(world, f"Bearer {internal}", "internal_authorizer")["context"]["client_id"]
        == "operations"
    )


def rotate(world: World, scheduled_time: str) -> None:
    world.call("key_rotation", {"scheduled_time": scheduled_time})
    world.cool()


def test_tokens_survive_one_rotation_of_the_signing_key_but_not_two(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "PUBLISHED_FOR", timedelta(0))
    old = token(world, "key-alice")
    rotate(world, "2026-03-01T00:00:00Z")
    assert authorize(world, f"Bearer {old}")["principalId"] == "alice"
    new = token(world, "key-alice", "key-2")
    assert authorize(world, f"Bearer {new}")["principalId"] == "alice"
    rotate(world, "2026-03-31T00:00:00Z")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(world, f"Bearer {old}")
    assert authorize(world, f"Bearer {new}")["principalId"] == "alice"


def test_an_internal_error_is_not_reported_as_unauthorized(world: World) -> None:
    valid = token(world, "key-alice")
    world.secrets_manager.delete_secret(
        SecretId="trading-test-signing-key", ForceDeleteWithoutRecovery=True
    )
    with pytest.raises(RuntimeError, match="signing key"):
        authorize(world, f"Bearer {valid}")


def test_a_repeated_rotation_event_rotates_once(world: World) -> None:
    def current() -> Any:
        return world.secrets_manager.get_secret_value(SecretId="trading-test-signing-key")

    before = current()
    event = {"scheduled_time": "2026-03-01T00:00:00Z"}
    first = world.call("key_rotation", event)
    rotated = current()
    assert first == {"version_id": rotated["VersionId"], "rotated": True}
    assert rotated["SecretString"] != before["SecretString"]
    assert len(rotated["SecretString"]) >= 64
    assert world.call("key_rotation", event) == {
        "version_id": rotated["VersionId"],
        "rotated": False,
    }
    assert current()["SecretString"] == rotated["SecretString"]
    previous = world.secrets_manager.get_secret_value(
        SecretId="trading-test-signing-key", VersionStage="AWSPREVIOUS"
    )
    assert previous["SecretString"] == before["SecretString"]


def test_the_internal_authorizer_refuses_the_tokens_of_a_key_that_was_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the key at each request, and API Gateway keeps none of its verdicts."""
    monkeypatch.setenv("TOKEN_AUDIENCE", "trading-internal")

    def refused(bearer: str) -> None:
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorize(world, f"Bearer {bearer}", "internal_authorizer")

    internal = {"client_id": "operations", "audience": INTERNAL_AUDIENCE}
    old = token(world, "key-internal")
    assert authorize(world, f"Bearer {old}", "internal_authorizer")
    world.add_credential("key-internal", **internal, generation=1)
    new = token(world, "key-internal")
    assert authorize(world, f"Bearer {new}", "internal_authorizer")
    refused(old)
    world.add_credential("key-internal", **internal, generation=1, status=CredentialStatus.INACTIVE)
    refused(new)
    world.dynamodb.delete_item(
        TableName="trading-test-credentials", Key={"api_key": {"S": "key-internal"}}
    )
    refused(new)
