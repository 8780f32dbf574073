"""Operators are made with roles, get other roles and new secrets, and leave."""

from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.integration.backing import PREFIX
from tests.integration.ops.conftest import Operator
from tests.integration.trading.books import items
from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.adapters.dynamodb.second_factors import TableSecondFactors
from trading.adapters.dynamodb.transactions import to_item
from trading.adapters.identity import passwords
from trading.adapters.identity.signature_keys import new_key_pair, read_private_key, signer_of
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, CredentialStatus
from trading.domain.clients.roles import Role, permissions_of
from trading.domain.clients.second_factor import FactorStatus, SecondFactor

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
        "second_factor": "NONE",
        "public_key": None,
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


@pytest.fixture
def public_key(tmp_path: Path) -> tuple[str, str]:
    """A file with a public key in PEM, and the key as it is stored."""
    pem, stored_key = new_key_pair()
    file = tmp_path / "program.pub.pem"
    public = read_private_key(pem).public_key()
    file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return str(file), stored_key


def test_a_key_of_a_program_is_registered_and_removed(
    operator: Operator, public_key: tuple[str, str]
) -> None:
    file, registered = public_key
    made = create(operator)
    set_key = ("operators", "set-public-key", "anna", *WHY)
    told = operator.ask(*set_key, "--public-key-file", file)
    assert told == {"name": "anna", "api_key": made["api_key"], "public_key": registered}
    kept = stored(operator, made["api_key"])
    assert (kept["public_key"], kept["generation"]) == (registered, 1)
    assert operator.ask("operators", "list")[0]["public_key"] == registered
    [entry, _] = operator.ask("audit", "--subject", "operator/anna")
    assert (entry["action"], entry["details"]["public_key"]) == ("set-public-key", registered)
    assert operator.ask(*set_key, "--remove")["public_key"] is None
    kept = stored(operator, made["api_key"])
    assert (kept.get("public_key"), kept["generation"]) == (None, 2)
    for wrong in ((), ("--remove", "--public-key-file", file)):
        assert operator.run(*set_key, *wrong)[0] == 2
    assert operator.run("operators", "set-public-key", "bert", "--remove", *WHY)[0] == 1


def test_an_operator_that_is_a_program_is_made_with_its_key(
    operator: Operator, public_key: tuple[str, str]
) -> None:
    file, registered = public_key
    make = ("operators", "create", "nightly", *READER, *WHY)
    assert operator.run(*make, "--public-key-file", "pyproject.toml")[0] == 2
    made = operator.ask(*make, "--public-key-file", file)
    assert stored(operator, made["api_key"])["public_key"] == registered
    [entry] = operator.ask("audit", "--subject", "operator/nightly")
    assert entry["details"]["public_key"] == registered


def test_the_second_factor_of_an_operator_is_reset(operator: Operator) -> None:
    made = create(operator)
    factors = TableSecondFactors(operator.system.dynamodb, f"{PREFIX}factors")
    factors.commit(SecondFactor(holder="operator/anna", enrolment="e-1"))
    assert operator.ask("operators", "list")[0]["second_factor"] == "ACTIVE"
    for times in (1, 2):
        told = operator.ask("operators", "reset-second-factor", "anna", *WHY)
        assert told == {"name": "anna", "second_factor": "NONE"}
        assert factors.of("operator/anna").status == FactorStatus.NONE
        assert stored(operator, made["api_key"])["generation"] == times
    assert operator.ask("audit")[0]["action"] == "reset-second-factor"
    assert operator.run("operators", "reset-second-factor", "bert", *WHY)[0] == 1


def test_an_authenticator_from_before_ends_with_the_registration_of_a_key(
    operator: Operator, public_key: tuple[str, str]
) -> None:
    file, _ = public_key
    create(operator)
    factors = TableSecondFactors(operator.system.dynamodb, f"{PREFIX}factors")
    factors.commit(SecondFactor(holder="operator/anna", enrolment="e-1"))
    set_key = ("operators", "set-public-key", "anna", *WHY)
    operator.ask(*set_key, "--remove")
    assert factors.of("operator/anna").status == FactorStatus.ACTIVE
    operator.ask(*set_key, "--public-key-file", file)
    assert factors.of("operator/anna").status == FactorStatus.NONE


def test_a_key_that_is_derived_from_the_secret_is_refused(
    operator: Operator, tmp_path: Path
) -> None:
    made = create(operator)
    derived = tmp_path / "derived.pem"
    public = signer_of(made["api_secret"]).public_key()
    derived.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    set_key = ("operators", "set-public-key", "anna", *WHY)
    status, _, said = operator.run(*set_key, "--public-key-file", str(derived))
    assert (status, "derived from the API secret" in said) == (1, True)
    assert "public_key" not in stored(operator, made["api_key"])
    assert len(operator.ask("audit", "--subject", "operator/anna")) == 1


def test_the_audit_log_tells_what_an_operator_did(operator: Operator) -> None:
    began, seconds = operator.system.now(), count()
    log = TableAuditTrail(
        operator.system.dynamodb,
        f"{PREFIX}audit",
        lambda: began + timedelta(seconds=next(seconds)),
    )
    for who, action in (
        ("anna (anna-1)", "deposit"),
        ("anna (anna-1)", "look"),
        ("annabel (annabel-1)", "deposit"),
        ("anna (anna-2)", "withdraw"),
    ):
        log.write("client/alice", action, who, "asked", {})
    log.write("client/bob", "suspend", "anna (anna-1)", "asked", {})

    def actions(*options: str) -> list[tuple[str, str]]:
        entries = operator.ask("audit", "--by", "anna", *options)
        return [(each["subject"], each["action"]) for each in entries]

    of_alice = [("client/alice", "withdraw"), ("client/alice", "deposit")]
    assert actions() == [("client/bob", "suspend"), *of_alice]
    assert actions("--last", "1") == [("client/bob", "suspend")]
    assert actions("--subject", "client/alice") == of_alice
    assert actions("--looks") == [("client/alice", "look")]
