"""Operators are made with roles, get other roles and new secrets, and leave."""

from typing import Any

import pytest

from tests.integration.backing import PREFIX
from tests.integration.ops.conftest import Operator
from tests.integration.trading.books import items
from trading.adapters.dynamodb.transactions import to_item
from trading.adapters.identity import passwords
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, CredentialStatus
from trading.domain.clients.roles import Role, permissions_of

WHY = ("--reason", "she is new")
READER = ("--role", "reader")


def create(operator: Operator) -> Any:
    return operator.ask("operators", "create", "anna", *READER, *WHY)


def stored(operator: Operator, api_key: str) -> dict[str, Any]:
    credentials = items(operator.system.dynamodb, f"{PREFIX}credentials")
    return next(item for item in credentials if item["api_key"] == api_key)


def test_the_first_operator_gets_a_secret_that_only_its_hash_is_kept_of(
    operator: Operator,
) -> None:
    operator.ask("operators", "list", status=1)
    made = create(operator)
    kept = stored(operator, made["api_key"])
    assert made["api_secret"] not in str(kept)
    assert passwords.matches(made["api_secret"], [each["hash"] for each in kept["secrets"]])
    assert (kept["client_id"], kept["audience"]) == ("anna", INTERNAL_AUDIENCE)
    assert tuple(kept["permissions"]) == permissions_of([Role.READER])
    [listed] = operator.ask("operators", "list")
    assert listed == {
        "name": "anna",
        "api_key": made["api_key"],
        "status": "ACTIVE",
        "roles": ["reader"],
    }
    [entry] = operator.ask("audit", "--subject", "operator/anna")
    assert (entry["action"], entry["reason"]) == ("create", "she is new")
    assert entry["details"]["roles"] == "reader"
    assert made["api_secret"] not in str(entry)


def test_a_name_is_given_once_and_never_that_of_a_client(operator: Operator) -> None:
    create(operator)
    for name, said in (("anna", "rotate-secret"), ("alice", "is a client")):
        status, _, refused = operator.run("operators", "create", name, *READER, *WHY)
        assert (status, said in refused) == (1, True)
    assert operator.run("operators", "create", "Anna B", *READER, *WHY)[0] == 2
    assert len(operator.ask("operators", "list")) == 1


def test_the_first_operator_is_made_only_once(operator: Operator) -> None:
    def first(name: str) -> Any:
        return operator.ask("operators", "create", name, *READER, "--if-none", *WHY)

    assert first("anna")["name"] == "anna"
    assert first("bert") == {"active": ["anna"]}
    assert [each["name"] for each in operator.ask("operators", "list")] == ["anna"]
    operator.ask("operators", "disable", "anna", *WHY)
    assert first("bert")["name"] == "bert"


def test_a_new_secret_replaces_the_old_one_at_once(operator: Operator) -> None:
    old = create(operator)
    new = operator.ask("operators", "rotate-secret", "anna", *WHY)
    assert new["api_key"] == old["api_key"]
    credential = stored(operator, old["api_key"])
    assert passwords.matches(new["api_secret"], [credential["secrets"][0]["hash"]])
    assert credential["previous_valid_until"] <= operator.ask("audit")[0]["at"]
    assert operator.run("operators", "rotate-secret", "bert", *WHY)[0] == 1


def test_an_operator_who_leaves_may_not_log_in(operator: Operator) -> None:
    made = create(operator)
    operator.ask("operators", "disable", "anna", *WHY)
    assert stored(operator, made["api_key"])["status"] == CredentialStatus.INACTIVE
    [left] = operator.ask("operators", "list", status=1)
    assert left["status"] == "INACTIVE"


def test_a_disabled_operator_may_come_back_without_the_old_tokens(operator: Operator) -> None:
    made = create(operator)
    for number, (command, status) in enumerate(
        (("disable", "INACTIVE"), ("disable", "INACTIVE"), ("enable", "ACTIVE"))
    ):
        told = operator.ask("operators", command, "anna", *WHY)
        assert told == {"name": "anna", "api_keys": [made["api_key"]], "status": status}
        kept = stored(operator, made["api_key"])
        assert (kept["status"], kept["generation"]) == (status, 1)
        assert len(operator.ask("audit", "--subject", "operator/anna")) == number + 2
    assert operator.run("operators", "enable", "bert", *WHY)[0] == 1


def add_key(operator: Operator, made: Any) -> None:
    """Give an operator a second key, `anna-second`, with the secret of the first."""
    second = stored(operator, made["api_key"]) | {"api_key": "anna-second"}
    operator.system.dynamodb.put_item(TableName=f"{PREFIX}credentials", Item=to_item(second))


def test_one_key_of_several_gets_a_new_secret(operator: Operator) -> None:
    made = create(operator)
    add_key(operator, made)
    before = {key: stored(operator, key) for key in (made["api_key"], "anna-second")}
    for which, said in (((), "--api-key"), (("--api-key", "bert-1"), "has no key bert-1")):
        status, _, told = operator.run("operators", "rotate-secret", "anna", *which, *WHY)
        assert (status, said in told, "anna-second" in told) == (1, True, True)
    assert {key: stored(operator, key) for key in before} == before
    which = ("--api-key", "anna-second")
    told = operator.ask("operators", "rotate-secret", "anna", *which, *WHY)
    assert told["api_key"] == "anna-second"
    kept = stored(operator, "anna-second")["secrets"][0]["hash"]
    assert passwords.matches(told["api_secret"], [kept])
    assert stored(operator, made["api_key"]) == before[made["api_key"]]
    assert operator.ask("audit")[0]["details"]["api_key"] == "anna-second"


def test_every_key_of_an_operator_is_disabled(operator: Operator) -> None:
    made = create(operator)
    add_key(operator, made)
    told = operator.ask("operators", "disable", "anna", *WHY)
    assert sorted(told["api_keys"]) == sorted((made["api_key"], "anna-second"))
    for api_key in told["api_keys"]:
        assert stored(operator, api_key)["status"] == CredentialStatus.INACTIVE


def test_an_operator_has_one_role_or_several(operator: Operator) -> None:
    roles = ("--role", "transfers", "--role", "halts", "--role", "halts")
    made = operator.ask("operators", "create", "bert", *roles, *WHY)
    kept = stored(operator, made["api_key"])
    assert (made["roles"], kept["roles"]) == (["halts", "transfers"],) * 2
    assert tuple(kept["permissions"]) == permissions_of([Role.HALTS, Role.TRANSFERS])


@pytest.mark.parametrize("command", ["create", "set-roles"])
@pytest.mark.parametrize("roles", ["", "--role root", "--role reader --role x"])
def test_no_role_and_an_unknown_role_are_refused(
    operator: Operator, command: str, roles: str
) -> None:
    status, _, said = operator.run("operators", command, "anna", *roles.split(), *WHY)
    assert (status, "--role" in said) == (2, True)
    if roles:
        assert "client-administrator" in said
    assert list(items(operator.system.dynamodb, f"{PREFIX}audit")) == []


def test_other_roles_replace_the_roles_and_end_the_tokens(operator: Operator) -> None:
    made = create(operator)
    before = stored(operator, made["api_key"])
    answer = operator.ask("operators", "set-roles", "anna", "--role", "halts", *WHY)
    assert answer == {"name": "anna", "api_keys": [made["api_key"]], "roles": ["halts"]}
    after = stored(operator, made["api_key"])
    assert (after["roles"], tuple(after["permissions"])) == (
        ["halts"],
        permissions_of([Role.HALTS]),
    )
    assert after["generation"] == before["generation"] + 1
    entry, _ = operator.ask("audit", "--subject", "operator/anna")
    assert (entry["action"], entry["details"]["before"]) == ("set-roles", "reader")
    assert operator.run("operators", "set-roles", "bert", *READER, *WHY)[0] == 1


def test_every_key_of_an_operator_has_the_roles(operator: Operator) -> None:
    made = create(operator)
    add_key(operator, made)
    told = operator.ask("operators", "set-roles", "anna", "--role", "halts", *WHY)
    assert sorted(told["api_keys"]) == sorted((made["api_key"], "anna-second"))
    for api_key in told["api_keys"]:
        kept = stored(operator, api_key)
        assert (kept["roles"], kept["generation"]) == (["halts"], 1)
    entries = operator.ask("audit", "--subject", "operator/anna")[:2]
    assert {entry["details"]["api_key"] for entry in entries} == set(told["api_keys"])
    assert {entry["details"]["roles"] for entry in entries} == {"halts"}
