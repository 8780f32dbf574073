"""Administrators are made, get new secrets, and leave."""

from typing import Any

from tests.integration.backing import PREFIX
from tests.integration.ops.conftest import Operator
from tests.integration.trading.books import items
from trading.adapters.identity import passwords
from trading.domain.clients.credentials import (
    ADMINISTRATOR_PERMISSIONS,
    INTERNAL_AUDIENCE,
    CredentialStatus,
)

WHY = ("--reason", "she is new")


def create(operator: Operator) -> Any:
    return operator.ask("administrators", "create", "anna", *WHY)


def stored(operator: Operator, api_key: str) -> dict[str, Any]:
    credentials = items(operator.system.dynamodb, f"{PREFIX}credentials")
    return next(item for item in credentials if item["api_key"] == api_key)


def test_the_first_administrator_gets_a_secret_that_only_its_hash_is_kept_of(
    operator: Operator,
) -> None:
    operator.ask("administrators", "list", status=1)
    made = create(operator)
    kept = stored(operator, made["api_key"])
    assert made["api_secret"] not in str(kept)
    assert passwords.matches(made["api_secret"], kept["secret_hashes"])
    assert (kept["client_id"], kept["audience"]) == ("anna", INTERNAL_AUDIENCE)
    assert tuple(kept["permissions"]) == ADMINISTRATOR_PERMISSIONS
    [listed] = operator.ask("administrators", "list")
    assert listed == {"name": "anna", "api_key": made["api_key"], "status": "ACTIVE"}
    [entry] = operator.ask("audit", "--subject", "administrator/anna")
    assert (entry["action"], entry["reason"]) == ("create", "she is new")
    assert made["api_secret"] not in str(entry)


def test_a_name_is_given_once_and_never_that_of_a_client(operator: Operator) -> None:
    create(operator)
    for name, said in (("anna", "rotate-secret"), ("alice", "is a client")):
        status, _, refused = operator.run("administrators", "create", name, *WHY)
        assert (status, said in refused) == (1, True)
    assert operator.run("administrators", "create", "Anna B", *WHY)[0] == 2
    assert len(operator.ask("administrators", "list")) == 1


def test_the_first_administrator_is_made_only_once(operator: Operator) -> None:
    def first(name: str) -> Any:
        return operator.ask("administrators", "create", name, "--if-none", *WHY)

    assert first("anna")["name"] == "anna"
    assert first("bert") == {"active": ["anna"]}
    assert [each["name"] for each in operator.ask("administrators", "list")] == ["anna"]
    operator.ask("administrators", "deactivate", "anna", *WHY)
    assert first("bert")["name"] == "bert"


def test_a_new_secret_replaces_the_old_one_at_once(operator: Operator) -> None:
    old = create(operator)
    new = operator.ask("administrators", "rotate-secret", "anna", *WHY)
    assert new["api_key"] == old["api_key"]
    credential = stored(operator, old["api_key"])
    assert passwords.matches(new["api_secret"], credential["secret_hashes"][:1])
    assert credential["previous_valid_until"] <= operator.ask("audit")[0]["at"]
    assert operator.run("administrators", "rotate-secret", "bert", *WHY)[0] == 1


def test_an_administrator_who_leaves_may_not_log_in(operator: Operator) -> None:
    made = create(operator)
    operator.ask("administrators", "deactivate", "anna", *WHY)
    assert stored(operator, made["api_key"])["status"] == CredentialStatus.INACTIVE
    [left] = operator.ask("administrators", "list", status=1)
    assert left["status"] == "INACTIVE"
