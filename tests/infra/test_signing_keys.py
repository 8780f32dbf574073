"""The keys that sign tokens: who may use them, and how they are replaced."""

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from infra.catalog.names import SIGNING_KEYS
from infra.stage import Deployment
from infra.synthesized import Resource, Synthesized, as_list, text

USERS = {
    "clients": {"GenerateMac": ["auth"], "VerifyMac": ["authorizer"]},
    "operators": {"GenerateMac": ["internal-auth"], "VerifyMac": ["internal-authorizer"]},
}
USE = ("GenerateMac", "VerifyMac")


def keys(deployed: Synthesized, name: str) -> list[Resource]:
    return [
        key
        for key in deployed.of_type("AWS::KMS::Key")
        if f"-{name}: signs" in str(key.properties.get("Description"))
    ]


def functions_by_role(deployed: Synthesized) -> dict[tuple[str, str], str]:
    return {
        deployed.target(function.stack, function.properties["Role"]).key: function.properties[
            "FunctionName"
        ].split("-", 2)[2]
        for function in deployed.of_type("AWS::Lambda::Function")
        if isinstance(function.properties.get("FunctionName"), str)
    }


def users_by_key_policy(deployed: Synthesized, key: Resource) -> dict[str, list[str]]:
    """The functions that a key's policy names, by operation."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for statement in key.properties["KeyPolicy"]["Statement"]:
        assert statement["Effect"] == "Allow"
        actions = [action.removeprefix("kms:") for action in as_list(statement["Action"])]
        if "root" in text(statement["Principal"]["AWS"]):
            assert not set(actions) & {*USE, "*"}, "the account administers keys, nobody uses them"
            assert not any("*" in action for action in actions)
            continue
        for principal in as_list(statement["Principal"]["AWS"]):
            role = deployed.target(key.stack, principal).key
            for action in actions:
                found[action].append(functions_by_role(deployed)[role])
    return dict(found)


def users_by_role(deployed: Synthesized, key: Resource) -> dict[str, list[str]]:
    """The functions whose roles' policies allow an operation with a key."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for policy in deployed.of_type("AWS::IAM::Policy"):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            for action in as_list(statement["Action"]):
                if not action.startswith("kms:"):
                    continue
                targets = [
                    deployed.target(policy.stack, resource).key
                    for resource in as_list(statement["Resource"])
                ]
                if key.key in targets:
                    [role] = policy.properties["Roles"]
                    name = functions_by_role(deployed)[deployed.target(policy.stack, role).key]
                    found[action.removeprefix("kms:")].append(name)
    return dict(found)


@pytest.mark.parametrize("name", SIGNING_KEYS)
def test_no_authorizer_can_make_a_token(synthesized: Synthesized, name: str) -> None:
    """Each key has one signer and one verifier, by its own policy and by the roles."""
    [key] = keys(synthesized, name)
    assert key.properties["KeySpec"] == "HMAC_256"
    assert key.properties["KeyUsage"] == "GENERATE_VERIFY_MAC"
    assert users_by_key_policy(synthesized, key) == USERS[name]
    assert users_by_role(synthesized, key) == USERS[name]


def settings_of(deployed: Synthesized, function: str) -> dict[str, list[str]]:
    """The keys that a function is told, by audience, as logical ids."""
    [found] = [
        each.properties["Environment"]["Variables"].get("SIGNING_KEYS")
        for each in deployed.of_type("AWS::Lambda::Function")
        if each.properties.get("FunctionName") == f"trading-dev-{function}"
    ]
    parsed: dict[str, list[str]] = json.loads(_joined(found))
    return parsed


def _joined(value: Any) -> str:
    """A JSON text in which references stand for themselves."""
    if isinstance(value, dict) and "Fn::Join" in value:
        return "".join(_joined(part) for part in value["Fn::Join"][1])
    return str(value["Ref"]) if isinstance(value, dict) else str(value)


def test_a_function_knows_the_keys_of_its_audience_only(dev: Synthesized) -> None:
    for name, users in USERS.items():
        [key] = keys(dev, name)
        for [function] in users.values():
            assert settings_of(dev, function) == {SIGNING_KEYS[name]: [key.logical_id]}


def test_the_first_of_the_listed_keys_signs_and_a_replaced_one_keeps_its_id(
    synthesize: Callable[..., Synthesized],
) -> None:
    one, two = synthesize(signing_keys="1"), synthesize(signing_keys="2,1")
    for name in SIGNING_KEYS:
        [old] = keys(one, name)
        assert {old.logical_id} < {key.logical_id for key in keys(two, name)}
        [signer] = USERS[name]["GenerateMac"]
        first, second = settings_of(two, signer)[SIGNING_KEYS[name]]
        assert second == old.logical_id != first
        for key in keys(two, name):
            assert users_by_key_policy(two, key) == USERS[name]


@pytest.mark.parametrize("listed", ["", "0", "-1", "one", "1,1", "1,2,3,4"])
def test_a_list_of_keys_that_cannot_be_deployed_is_refused(listed: str) -> None:
    with pytest.raises(ValidationError, match="signing_keys"):
        Deployment(signing_keys=listed)  # type: ignore[arg-type]


def test_a_removed_key_can_be_brought_back_for_a_while(synthesized: Synthesized) -> None:
    for name in SIGNING_KEYS:
        for key in keys(synthesized, name):
            assert key.properties["PendingWindowInDays"] == 30
