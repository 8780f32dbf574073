"""Operators are disabled and enabled again at the admin API."""

from contextlib import nullcontext
from typing import Any

import pytest

from tests.fakes.api_events import principal
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import ask, log_in
from tests.integration.trading.books import items, put
from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.adapters.identity import passwords
from trading.adapters.identity.signature_keys import new_key_pair
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, Credential
from trading.domain.clients.roles import Role, permissions_of

ARN = "arn:aws:execute-api:us-east-1:123456789012:api1234567/test/GET/api/v1/admin"
SECRET = "a secret of anna"
PRIVATE_KEY, PUBLIC_KEY = new_key_pair()


@pytest.fixture(autouse=True)
def anna(system: System) -> None:
    """An operator with one key."""
    credential = Credential(
        api_key="anna-1",
        client_id="anna",
        secrets=(passwords.stored(SECRET),),
        permissions=permissions_of([Role.READER]),
        roles=(Role.READER,),
        audience=INTERNAL_AUDIENCE,
        public_key=PUBLIC_KEY,
        version=1,
    )
    put(system.dynamodb, f"{PREFIX}credentials", credential.model_dump())


def judge(system: System, token: str, *, passes: bool) -> None:
    """What the internal authorizer says of a token."""
    event = {
        "type": "REQUEST",
        "methodArn": ARN,
        "headers": {"Authorization": f"Bearer {token}"},
    }
    refused = pytest.raises(Exception, match=r"\AUnauthorized\Z")
    with nullcontext() if passes else refused:
        system.invoke("internal_authorizer", event)


def signed_in(system: System, key: str) -> tuple[int, dict[str, Any]]:
    return log_in(system, "anna-1", SECRET, key, "internal_auth", PRIVATE_KEY)


def token(system: System, key: str) -> str:
    status, body = signed_in(system, key)
    assert status == 200, body
    return str(body["jwt_token"])


def change(system: System, what: str, key: str, **options: Any) -> tuple[int, dict[str, Any]]:
    status, body, _ = ask(system, "PUT", f"operators/anna/{what}", key=key, **options)
    return status, body


def test_a_disabled_operator_is_refused_at_once_and_comes_back_with_a_new_token(
    system: System,
) -> None:
    old = token(system, "log-in-1")
    judge(system, old, passes=True)
    status, shown = change(system, "disable", "disable-1")
    assert (status, shown["status"], shown["roles"]) == (200, "INACTIVE", ["reader"])
    judge(system, old, passes=False)
    for key in ("log-in-2", "log-in-1"):
        status, problem = signed_in(system, key)
        assert (status, problem["code"]) == (403, "CLIENT_INACTIVE")
    status, shown = change(system, "enable", "enable-1")
    assert (status, shown) == ask(system, "GET", "operators/anna")[:2]
    assert shown["status"] == "ACTIVE"
    judge(system, token(system, "log-in-3"), passes=True)
    judge(system, old, passes=False)
    assert "hash" not in str(shown)
    trail = TableAuditTrail(system.dynamodb, f"{PREFIX}audit", system.now).of("operator/anna")
    assert [entry.action for entry in trail] == ["disable", "disabled", "enable", "enabled"]
    assert {entry.who for entry in trail} == {"operations (key-operations)"}


def test_a_late_copy_of_a_request_does_not_undo_a_newer_one(system: System) -> None:
    assert change(system, "disable", "disable-1")[0] == 200
    assert change(system, "enable", "enable-1")[0] == 200
    status, shown = change(system, "disable", "disable-1")
    assert (status, shown["status"]) == (200, "INACTIVE")
    assert ask(system, "GET", "operators/anna")[1]["status"] == "ACTIVE"


@pytest.mark.parametrize("what", ["disable", "enable"])
def test_nobody_changes_an_own_status(system: System, what: str) -> None:
    before = list(items(system.dynamodb, f"{PREFIX}credentials"))
    held = " ".join(permissions_of([Role.OPERATOR_ADMINISTRATOR]))
    own = principal("anna", held) | {"api_key": "anna-2"}
    status, problem = change(system, what, "own-1", authorizer=own)
    assert (status, problem["code"]) == (403, "OWN_STATUS")
    assert list(items(system.dynamodb, f"{PREFIX}credentials")) == before
    (entry,) = TableAuditTrail(system.dynamodb, f"{PREFIX}audit", system.now).of("operator/anna")
    assert (entry.action, entry.who) == (what, "anna (anna-2)")


@pytest.mark.parametrize("name", ["alice", "key-alice", "anna-1", "XNYS", "nobody"])
def test_who_is_no_operator_is_not_found(system: System, name: str) -> None:
    before = list(items(system.dynamodb, f"{PREFIX}credentials"))
    for method, path in (
        ("GET", f"operators/{name}"),
        ("PUT", f"operators/{name}/disable"),
        ("PUT", f"operators/{name}/enable"),
    ):
        status, problem, _ = ask(system, method, path)
        assert (status, problem["code"]) == (404, "NOT_FOUND")
        assert problem["errors"][0]["field"] == "operator"
    assert list(items(system.dynamodb, f"{PREFIX}credentials")) == before
