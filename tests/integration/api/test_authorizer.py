import base64
import itertools
import json
from typing import Any

import jwt
import pytest

from tests.integration.api.conftest import World
from tests.integration.backing import create_signing_keys
from trading.adapters.identity.signing_keys import KeysUnavailableError
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, CredentialStatus

METHOD_ARN = "arn:aws:execute-api:us-east-1:000000000000:api1234567/test/GET/api/v1/orders/o-1"


def token(world: World, api_key: str, key: str = "key-1") -> str:
    if api_key in world.private_keys:
        answer = world.call("internal_auth", world.signed_log_in_event(api_key, key))
    else:
        answer = world.call("auth", world.log_in_event(api_key, key))
    return str(json.loads(answer["body"])["jwt_token"])


def authorize(world: World, authorization: str | None, function: str = "authorizer") -> Any:
    headers = None if authorization is None else {"authorization": authorization}
    return world.call(function, {"type": "REQUEST", "methodArn": METHOD_ARN, "headers": headers})


def claims_of(bearer: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(bearer, options={"verify_signature": False})
    return claims


def forged(world: World, claims: dict[str, Any], key: str, kid: str) -> str:
    """A token with these claims, signed with a key of KMS."""
    parts = ({"alg": "HS256", "typ": "at+jwt", "kid": kid}, claims)
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    )
    mac = world.kms.generate_mac(KeyId=key, Message=text.encode(), MacAlgorithm="HMAC_SHA_256")
    return f"{text}.{base64.urlsafe_b64encode(mac['Mac']).rstrip(b'=').decode()}"


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
        "methods": "pwd",
    }


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic dXNlcg==", "Bearer a.b.c", "bearer é"]
)
def test_any_other_token_is_unauthorized(world: World, authorization: str | None) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(world, authorization)


def test_each_apis_authorizer_refuses_the_tokens_of_the_other_api(world: World) -> None:
    client, internal = token(world, "key-alice"), token(world, "key-internal")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(world, f"Bearer {internal}")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(world, f"Bearer {client}", "internal_authorizer")
    assert (
        authorize(world, f"Bearer {internal}", "internal_authorizer")["context"]["client_id"]
        == "operations"
    )


def test_tokens_survive_a_change_of_keys_and_end_with_their_key(world: World) -> None:
    first = world.signing_keys
    second = create_signing_keys()
    old = token(world, "key-alice")
    world.use_signing_keys({audience: first[audience] + second[audience] for audience in first})
    assert authorize(world, f"Bearer {old}")["principalId"] == "alice"
    world.use_signing_keys({audience: second[audience] + first[audience] for audience in first})
    assert authorize(world, f"Bearer {old}")["principalId"] == "alice"
    new = token(world, "key-alice", "key-2")
    assert jwt.get_unverified_header(new)["kid"] == second["trading-api"][0]
    assert authorize(world, f"Bearer {new}")["principalId"] == "alice"
    world.use_signing_keys(second)
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(world, f"Bearer {old}")
    assert authorize(world, f"Bearer {new}")["principalId"] == "alice"


def test_an_internal_error_is_not_reported_as_unauthorized(world: World) -> None:
    valid = token(world, "key-alice")
    world.use_signing_keys({"trading-api": ["00000000-0000-0000-0000-000000000000"]})
    unknown = jwt.get_unverified_header(valid) | {"kid": "00000000-0000-0000-0000-000000000000"}
    head = base64.urlsafe_b64encode(json.dumps(unknown).encode()).rstrip(b"=").decode()
    with pytest.raises(KeysUnavailableError):
        authorize(world, f"Bearer {head}.{valid.partition('.')[2]}")


def test_the_key_of_one_audience_signs_nothing_for_the_other(world: World) -> None:
    """Even a caller who may use one key gets past one authorizer only."""

    claims = claims_of(token(world, "key-alice")) | {"amr": ["pwd", "swk", "mfa"]}

    def signed(key: str, audience: str, kid: str) -> str:
        return forged(world, claims | {"aud": audience}, key, kid)

    (client,), (internal,) = world.signing_keys.values()
    assert authorize(world, f"Bearer {signed(client, 'trading-api', client)}")
    for key, audience, kid in itertools.product(
        (client, internal), world.signing_keys, (client, internal)
    ):
        own = (client, "trading-api", client)
        if (key, audience, kid) != own:
            with pytest.raises(Exception, match=r"^Unauthorized$"):
                authorize(world, f"Bearer {signed(key, audience, kid)}")
    world.add_credential("key-alice", audience=INTERNAL_AUDIENCE)
    for key, audience, kid in itertools.product(
        (client, internal), world.signing_keys, (client, internal)
    ):
        bearer = f"Bearer {signed(key, audience, kid)}"
        if (key, audience, kid) == (internal, "trading-internal", internal):
            assert authorize(world, bearer, "internal_authorizer")
        else:
            with pytest.raises(Exception, match=r"^Unauthorized$"):
                authorize(world, bearer, "internal_authorizer")


@pytest.mark.parametrize(
    "methods", [["pwd"], ["pwd", "swk"], ["pwd", "otp"], ["mfa", "pwd"], ["pwd", "otp", "mfa"]]
)
def test_the_internal_api_takes_only_tokens_that_show_a_second_factor(
    world: World, methods: list[str]
) -> None:
    """Whoever has signed them: the check does not rely on what the log-in issues."""
    claims = claims_of(token(world, "key-internal"))
    assert claims["amr"] == ["pwd", "swk", "mfa"]
    (key,) = world.signing_keys[INTERNAL_AUDIENCE]
    bearer = f"Bearer {forged(world, claims | {'amr': methods}, key, key)}"
    if "mfa" in methods:
        verdict = authorize(world, bearer, "internal_authorizer")
        assert verdict["context"]["methods"] == " ".join(methods)
    else:
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorize(world, bearer, "internal_authorizer")


def test_the_internal_authorizer_refuses_the_tokens_of_a_key_that_was_ended(world: World) -> None:
    """It reads the key at each request, and API Gateway keeps none of its verdicts."""

    def refused(bearer: str) -> None:
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorize(world, f"Bearer {bearer}", "internal_authorizer")

    internal = {"client_id": "operations", "audience": INTERNAL_AUDIENCE}
    old = token(world, "key-internal")
    assert authorize(world, f"Bearer {old}", "internal_authorizer")
    world.add_program("key-internal", **internal, generation=1)
    new = token(world, "key-internal")
    assert authorize(world, f"Bearer {new}", "internal_authorizer")
    refused(old)
    world.add_program("key-internal", **internal, generation=1, status=CredentialStatus.INACTIVE)
    refused(new)
    world.dynamodb.delete_item(
        TableName="trading-test-credentials", Key={"api_key": {"S": "key-internal"}}
    )
    refused(new)
