"""Public keys of clients' programs, from their registration to an order that needs a second factor,
and who gets none.
"""

from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.api_events import header, request
from tests.fakes.signing import signed
from tests.integration.backing import PREFIX
from tests.integration.signing import add_key
from tests.integration.system import System
from tests.integration.trading.admin import (
    OPERATOR,
    admin_event,
    ask,
    audited,
    create,
    log_in,
    show,
    stored,
)
from tests.integration.trading.books import items
from tests.integration.trading.orders import ORDER
from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.adapters.dynamodb.second_factors import ProfilePolicies
from trading.adapters.identity.signature_keys import (
    new_key_pair,
    read_private_key,
    signer_of,
    stored_key,
)

ARN = "arn:aws:execute-api:us-east-1:123456789012:api1234567/test/GET/api/v1/orders"
TABLES = ("clients", "control", "credentials")
INVALID = (401, "INVALID_SIGNATURE")


def public_pem(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def key_pair() -> tuple[str, str]:
    """A private and a public key, in PEM."""
    private, _ = new_key_pair()
    return private, public_pem(read_private_key(private))


def path(issued: dict[str, Any], client_id: str = "dave") -> str:
    return f"clients/{client_id}/keys/{issued['api_key']}/public-key"


def register(
    system: System, issued: dict[str, Any], pem: str | None, key: str = "register-1"
) -> dict[str, Any]:
    status, body, _ = ask(system, "PUT", path(issued), {"public_key": pem}, key)
    assert status == 200, body
    return body


def enters(
    system: System, issued: dict[str, Any], key: str, private_key: str | None = None
) -> tuple[int, Any]:
    return log_in(system, issued["api_key"], issued["api_secret"], key, private_key=private_key)


def verdict(system: System, token: str) -> dict[str, str]:
    """What the authorizer says of a token."""
    headers = {"Authorization": f"Bearer {token}"}
    event = {"type": "REQUEST", "methodArn": ARN, "headers": headers}
    context: dict[str, str] = system.invoke("authorizer", event)["context"]
    return context


def places(system: System, claims: dict[str, str], key: str) -> tuple[int, Any]:
    event = request(
        "POST",
        "/api/v1/orders",
        ORDER | {"client_id": "dave"},
        headers={"Idempotency-Key": key},
        authorizer=claims,
    )
    status, body, _ = system.call("orders", event)
    return status, body


@pytest.fixture
def issued(system: System) -> dict[str, Any]:
    """Dave's API key and secret."""
    _, answer, _ = create(system)
    return answer


def test_a_clients_program_passes_a_policy_without_an_authenticator(
    system: System, issued: dict[str, Any]
) -> None:
    deposit = {"reference": "wire-1", "amount": "50000.00"}
    assert ask(system, "POST", "clients/dave/deposits", deposit, "wire-1")[0] == 201
    ProfilePolicies(system.dynamodb, f"{PREFIX}clients", system.now).set("dave", Decimal("1000.00"))
    private, public = key_pair()
    register(system, issued, public)
    _, plain = enters(system, issued, "log-in-1")
    status, problem = places(system, verdict(system, plain["jwt_token"]), "p-1")
    assert (status, problem["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    status, strong = enters(system, issued, "log-in-1", private)
    assert (status, strong["methods"]) == (200, ["pwd", "swk", "mfa"])
    claims = verdict(system, strong["jwt_token"])
    assert claims["methods"] == "pwd swk mfa"
    status, order = places(system, claims, "p-1")
    assert (status, order["status"]) == (201, "VALIDATED")


def test_a_registered_key_is_shown_and_audited(system: System, issued: dict[str, Any]) -> None:
    private, public = key_pair()
    assert [key["public_key"] for key in show(system, "dave")["api_keys"]] == [None]
    shown = register(system, issued, public)
    assert shown["api_key"] == issued["api_key"]
    assert shown["public_key"] == stored_key(read_private_key(private).public_key())
    assert show(system, "dave")["api_keys"] == [shown]
    assert audited(system, "client/dave")[-2:] == ["set-public-key", "registered"]
    *_, entry = TableAuditTrail(system.dynamodb, f"{PREFIX}audit", system.now).of("client/dave")
    assert entry.details["api_key"] == issued["api_key"]
    assert entry.details["public_key"] == shown["public_key"]
    register(system, issued, None, "remove-1")
    assert audited(system, "client/dave")[-2:] == ["set-public-key", "removed"]
    assert show(system, "dave")["api_keys"][0]["public_key"] is None


def test_each_change_ends_the_tokens_and_a_removed_key_signs_no_more(
    system: System, issued: dict[str, Any]
) -> None:
    private, public = key_pair()

    def lists(token: str) -> int:
        event = request("GET", "/api/v1/orders", authorizer=verdict(system, token))
        status: int = system.call("orders", event)[0]
        return status

    _, first = enters(system, issued, "log-in-1")
    assert lists(first["jwt_token"]) == 200
    register(system, issued, public)
    assert lists(first["jwt_token"]) == 401
    _, second = enters(system, issued, "log-in-2", private)
    assert lists(second["jwt_token"]) == 200
    register(system, issued, None, "remove-1")
    assert lists(second["jwt_token"]) == 401
    status, problem = enters(system, issued, "log-in-3", private)
    assert (status, problem["code"]) == INVALID
    status, third = enters(system, issued, "log-in-3")
    assert (status, third["methods"], lists(third["jwt_token"])) == (200, ["pwd"], 200)


def test_a_repeated_registration_is_answered_alike_and_changes_nothing(
    system: System, issued: dict[str, Any]
) -> None:
    _, public = key_pair()
    first = register(system, issued, public)
    before = stored(system, TABLES)
    status, again, answer = ask(system, "PUT", path(issued), {"public_key": public}, "register-1")
    assert (status, again, header(answer, "Idempotency-Replayed")) == (200, first, "true")
    assert register(system, issued, public, "register-2") == first
    assert stored(system, TABLES) == before
    status, problem, _ = ask(system, "PUT", path(issued), {"public_key": None}, "register-1")
    assert (status, problem["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "garbage",
        "x" * 501,
        public_pem(ec.generate_private_key(ec.SECP256R1())),
        public_pem(x25519.X25519PrivateKey.generate()),
        new_key_pair()[0],
        new_key_pair()[1],
        5,
    ],
    ids=["empty", "garbage", "long", "EC", "X25519", "private", "not PEM", "number"],
)
def test_what_is_no_public_key_of_ed25519_is_refused_with_its_field(
    system: System, issued: dict[str, Any], pem: object
) -> None:
    add_key(system.dynamodb, OPERATOR)
    before = stored(system, TABLES)
    status, problem, _ = ask(system, "PUT", path(issued), {"public_key": pem})
    assert (status, problem["code"]) == (422, "VALIDATION_FAILED")
    assert [each["field"] for each in problem["errors"]] == ["public_key"]
    assert "PRIVATE KEY" not in str(problem), "it is not repeated to anybody"
    assert stored(system, TABLES) == before


def test_a_removal_is_said_and_not_left_out(system: System, issued: dict[str, Any]) -> None:
    status, problem, _ = ask(system, "PUT", path(issued))
    assert (status, problem["code"]) == (422, "VALIDATION_FAILED")
    assert [each["field"] for each in problem["errors"]] == ["public_key"]


def test_only_a_key_of_the_client_in_the_path_gets_one(
    system: System, issued: dict[str, Any]
) -> None:
    """An operator's key is no client's, whatever name the path has."""
    add_key(system.dynamodb, OPERATOR)
    before = stored(system, TABLES)
    _, public = key_pair()
    for number, (client_id, api_key) in enumerate(
        (
            ("alice", issued["api_key"]),
            ("operations", OPERATOR["api_key"]),
            ("dave", OPERATOR["api_key"]),
            ("dave", "nothing"),
        )
    ):
        for pem in (public, None):
            where = path({"api_key": api_key}, client_id)
            key = f"r-{number}-{pem is None}"
            status, problem, _ = ask(system, "PUT", where, {"public_key": pem}, key)
            assert (status, problem["code"]) == (404, "NOT_FOUND"), where
            assert problem["errors"][0]["field"] == "api_key"
    assert stored(system, TABLES) == before


def test_the_registration_must_be_signed(system: System, issued: dict[str, Any]) -> None:
    add_key(system.dynamodb, OPERATOR)
    _, public = key_pair()
    before = list(items(system.dynamodb, f"{PREFIX}credentials"))
    answer = system.invoke("admin", admin_event("PUT", path(issued), {"public_key": public}))
    assert (answer["statusCode"], "SIGNATURE_REQUIRED" in answer["body"]) == (401, True)
    assert list(items(system.dynamodb, f"{PREFIX}credentials")) == before


def test_a_registered_key_signs_orders_beside_the_secret(
    system: System, issued: dict[str, Any]
) -> None:
    private, public = key_pair()
    register(system, issued, public)
    assert ask(system, "PUT", "clients/dave/signing", {"required": True}, "sign-1")[0] == 200
    claims = verdict(system, enters(system, issued, "log-in-1")[1]["jwt_token"])
    keys = [read_private_key(private), signer_of(issued["api_secret"])]
    strange = read_private_key(key_pair()[0])

    def answer(number: int, key: Ed25519PrivateKey) -> tuple[int, str]:
        event = request(
            "POST",
            "/api/v1/orders",
            ORDER | {"client_id": "dave", "quantity": 1},
            headers={"Idempotency-Key": f"p-{number}"},
            authorizer=claims,
        )
        status, body, _ = system.call("orders", signed(event, key, system.now()))
        return status, str(body.get("code", ""))

    assert [answer(number, key) for number, key in enumerate(keys)] == [(201, "")] * 2
    assert answer(2, strange) == INVALID


def test_the_key_that_is_derived_from_the_secret_is_not_registered(system: System) -> None:
    _, issued, _ = create(system)
    derived = public_pem(signer_of(issued["api_secret"]))
    add_key(system.dynamodb, OPERATOR)
    before = stored(system, TABLES)
    status, body, _ = ask(system, "PUT", path(issued), {"public_key": derived}, "derived")
    assert (status, body["code"]) == (422, "DERIVED_KEY")
    assert stored(system, TABLES) == before
