"""Log-ins of programs, which are signed with a registered key, at both APIs."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from botocore.exceptions import ReadTimeoutError

from tests.fakes.api_events import header
from tests.fakes.signing import signed_log_in, with_headers
from tests.integration.api.conftest import World
from tests.integration.api.test_auth import HERE
from trading.adapters.identity.signature_keys import new_key_pair
from trading.domain.clients.credentials import INTERNAL_AUDIENCE

PROGRAMS = {"auth": "key-program", "internal_auth": "key-internal"}
"""A client's program at the public API, and an operator's at the internal one."""
START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
WITH_KEY = ["pwd", "swk", "mfa"]
INVALID = (401, "INVALID_SIGNATURE")


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(START, tick=False):
        yield


@pytest.fixture(params=PROGRAMS)
def function(request: pytest.FixtureRequest, world: World) -> str:
    world.add_program("key-program")
    return str(request.param)


def send(world: World, function: str, event: dict[str, Any]) -> tuple[int, Any]:
    answer = world.call(function, event)
    return answer["statusCode"], json.loads(answer["body"])


def code_of(world: World, function: str, event: dict[str, Any]) -> tuple[int, str]:
    status, body = send(world, function, event)
    return status, str(body.get("code", ""))


def nonces(world: World) -> list[str]:
    names = [str(item["name"]["S"]) for item in world.items("control")]
    return [name for name in names if name.startswith("NONCE#")]


def failures(world: World) -> list[str]:
    names = [str(item["name"]["S"]) for item in world.items("control")]
    return [name for name in names if name.startswith("LOGIN")]


def test_a_signed_log_in_shows_a_second_factor(world: World, function: str) -> None:
    status, body = send(world, function, world.signed_log_in_event(PROGRAMS[function]))
    assert status == 200
    claims = jwt.decode(body["jwt_token"], options={"verify_signature": False})
    assert body["methods"] == claims["amr"] == WITH_KEY
    assert len(nonces(world)) == 1


def test_a_log_in_is_good_once_and_signed_anew_it_gets_the_identical_token(
    world: World, function: str
) -> None:
    event = world.signed_log_in_event(PROGRAMS[function])
    first = send(world, function, event)
    assert first[0] == 200
    assert code_of(world, function, event) == INVALID
    answer = world.call(function, world.signed_log_in_event(PROGRAMS[function]))
    assert (answer["statusCode"], json.loads(answer["body"])) == first
    assert header(answer, "Idempotency-Replayed") == "true"
    other = world.signed_log_in_event(PROGRAMS[function], "key-2")
    assert send(world, function, other)[1]["jwt_token"] != first[1]["jwt_token"]


@pytest.mark.parametrize(
    "attack",
    [
        lambda world, event: event | {"body": event["body"] + " "},
        lambda world, event: event | {"path": "/api/v1/auth//token"},
        lambda world, event: with_headers(event, event["headers"] | {"Idempotency-Key": "other"}),
        lambda world, event: (
            event
            | {
                "queryStringParameters": {"a": "1"},
                "multiValueQueryStringParameters": {"a": ["1"]},
            }
        ),
        lambda world, event: with_headers(
            event, {n: v for n, v in event["headers"].items() if n != "Signature"}
        ),
    ],
    ids=["body", "path", "idempotency key", "query", "half"],
)
def test_a_log_in_that_was_changed_on_its_way_gets_nothing(
    world: World,
    function: str,
    attack: Callable[[World, dict[str, Any]], dict[str, Any]],
) -> None:
    event = world.signed_log_in_event(PROGRAMS[function])
    status, code = code_of(world, function, attack(world, event))
    assert (status, code) in (INVALID, (404, "NOT_FOUND"), (422, "VALIDATION_FAILED"))
    assert world.items("idempotency") == []
    assert nonces(world) == failures(world) == []
    assert send(world, function, event)[0] == 200, "a forgery uses up nothing"


@pytest.mark.parametrize("seconds", [-301, 31])
def test_a_signature_of_another_time_is_refused(world: World, function: str, seconds: int) -> None:
    key = PROGRAMS[function]
    created = datetime.now(UTC) + timedelta(seconds=seconds)
    event = signed_log_in(world.log_in_event(key), world.private_keys[key], created, key)
    assert code_of(world, function, event) == INVALID


def test_the_key_of_another_program_signs_nothing(world: World, function: str) -> None:
    key, now = PROGRAMS[function], datetime.now(UTC)
    world.add_program("key-other", client_id="other", audience=INTERNAL_AUDIENCE)
    for pem, named in (
        (world.private_keys["key-other"], key),
        (world.private_keys["key-other"], "key-other"),
        (world.private_keys[key], "key-other"),
        (new_key_pair()[0], key),
    ):
        event = signed_log_in(world.log_in_event(key), pem, now, named)
        assert code_of(world, function, event) == INVALID


def test_a_wrong_secret_is_refused_as_ever_however_it_is_signed(
    world: World, function: str
) -> None:
    """The signature is not looked at before the secret: it tells a thief of the key nothing."""
    key = PROGRAMS[function]
    signed = world.call(function, world.signed_log_in_event(key, api_secret="wrong"))
    plain = world.call(function, world.log_in_event(key, api_secret="wrong"))
    unknown = world.call(function, world.log_in_event("key-nobody", api_secret="wrong"))
    assert signed["statusCode"] == 401
    assert json.loads(signed["body"])["code"] == "INVALID_CREDENTIALS"
    for answer in (plain, unknown):
        assert answer["body"] == signed["body"]
        assert answer["multiValueHeaders"] == signed["multiValueHeaders"]
    assert nonces(world) == []
    assert sorted(failures(world)) == sorted(
        (f"LOGIN#{key}#{HERE}", f"LOGIN#key-nobody#{HERE}", f"LOGIN-FROM#{HERE}")
    )


def test_every_wrong_secret_costs_the_same_calls_and_the_same_hashing(
    world: World, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the time of an answer does not tell whether a program's key is registered."""
    module, key = world.function(function), PROGRAMS[function]
    api = getattr(module.api, "base", module.api)
    hashed: list[int] = []
    matches = api.log_in.matches

    def counted(secret: str, hashes: Any) -> bool:
        hashed.append(len(hashes))
        return bool(matches(secret, hashes))

    def never() -> Any:
        raise AssertionError("no signature is verified before the secret is right")

    object.__setattr__(api.log_in, "matches", counted)
    object.__setattr__(api.signatures, "load_verify", never)
    for event in (
        world.signed_log_in_event(key, api_secret="wrong"),
        world.log_in_event(key, api_secret="wrong"),
        world.log_in_event("key-nobody", api_secret="wrong"),
    ):
        assert code_of(world, function, event) == (401, "INVALID_CREDENTIALS")
    assert len(hashed) == 3


def test_who_has_seen_a_signed_log_in_gets_no_token_without_its_signature(world: World) -> None:
    """Body and Idempotency-Key are the same, so the record of the first request is there."""
    assert send(world, "internal_auth", world.signed_log_in_event("key-internal"))[0] == 200
    status, body = send(world, "internal_auth", world.log_in_event("key-internal"))
    assert (status, body["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    assert "jwt_token" not in body


def test_at_the_public_api_it_gets_a_token_without_a_second_factor(world: World) -> None:
    world.add_program("key-program")
    strong = send(world, "auth", world.signed_log_in_event("key-program"))[1]
    plain = send(world, "auth", world.log_in_event("key-program"))[1]
    assert (strong["methods"], plain["methods"]) == (WITH_KEY, ["pwd"])
    assert plain["jwt_token"] != strong["jwt_token"]
    again = send(world, "auth", world.signed_log_in_event("key-program"))[1]
    assert again == strong


def test_a_log_in_that_was_refused_passes_once_it_is_signed(world: World) -> None:
    unsigned = world.log_in_event("key-internal")
    assert code_of(world, "internal_auth", unsigned) == (403, "SECOND_FACTOR_REQUIRED")
    assert world.items("idempotency") == []
    status, body = send(world, "internal_auth", world.signed_log_in_event("key-internal"))
    assert (status, body["methods"]) == (200, WITH_KEY)


def test_a_client_without_a_registered_key_cannot_sign_a_log_in(world: World) -> None:
    pem, _ = new_key_pair()
    event = signed_log_in(world.log_in_event("key-alice"), pem, datetime.now(UTC), "key-alice")
    assert code_of(world, "auth", event) == INVALID
    assert send(world, "auth", world.log_in_event("key-alice"))[0] == 200


def test_a_replaced_key_logs_in_no_more_and_its_token_is_not_issued_again(
    world: World, function: str
) -> None:
    key, audience = PROGRAMS[function], {"internal_auth": INTERNAL_AUDIENCE}.get(function)
    options = {"client_id": "operations", "audience": audience} if audience else {}
    old = world.signed_log_in_event(key)
    before = send(world, function, old)[1]
    pem, public_key = new_key_pair()
    world.add_credential(key, **options, generation=1, public_key=public_key)
    assert code_of(world, function, world.signed_log_in_event(key)) == INVALID
    event = signed_log_in(world.log_in_event(key), pem, datetime.now(UTC), key)
    status, after = send(world, function, event)
    assert (status, after["methods"]) == (200, WITH_KEY)
    assert after["jwt_token"] != before["jwt_token"]


def test_a_disabled_key_is_told_so_and_its_signature_is_not_used(world: World) -> None:
    world.add_program("key-ivan", client_id="ivan")
    assert code_of(world, "auth", world.signed_log_in_event("key-ivan")) == (403, "CLIENT_INACTIVE")
    assert nonces(world) == []


def test_while_the_nonces_do_not_answer_there_is_no_token(
    world: World, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = world.function(function)
    store = getattr(module.api, "base", module.api).signatures.use_nonce.__self__

    def hangs(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    with monkeypatch.context() as patched:
        patched.setattr(store._client, "update_item", hangs)
        event = world.signed_log_in_event(PROGRAMS[function])
        assert code_of(world, function, event) == (503, "UNAVAILABLE")
    assert world.items("idempotency") == []
    assert send(world, function, world.signed_log_in_event(PROGRAMS[function]))[0] == 200


def test_a_signed_log_in_has_no_code(world: World, function: str) -> None:
    event = world.signed_log_in_event(PROGRAMS[function], code="123456")
    status, problem = send(world, function, event)
    assert (status, problem["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in problem["errors"]] == ["code"]
    assert (nonces(world), failures(world)) == ([], [])
