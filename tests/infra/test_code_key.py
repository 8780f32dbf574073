"""The key of second factors: who may use it, and that it stays."""

from fnmatch import fnmatch

import pytest

from infra.constructs.code_key import USERS
from infra.synthesized import Resource, Synthesized, as_list, text

USE = "kms:GenerateMac"


def code_key(deployed: Synthesized) -> Resource:
    [key] = [
        key
        for key in deployed.of_type("AWS::KMS::Key")
        if "secrets of second factors" in str(key.properties.get("Description"))
    ]
    return key


def roles_of(deployed: Synthesized, functions: tuple[str, ...]) -> list[Resource]:
    names = {name.replace("_", "-") for name in functions}
    return [
        deployed.target(function.stack, function.properties["Role"])
        for function in deployed.of_type("AWS::Lambda::Function")
        if str(function.properties.get("FunctionName")).split("-", 2)[-1] in names
    ]


def test_only_the_roles_of_the_log_in_functions_may_use_the_key(synthesized: Synthesized) -> None:
    """The policy of the key names them by the beginning of their names. No other role of the
    account fits, and the permissions of no other role name the key.
    """
    key = code_key(synthesized)
    statements = key.properties["KeyPolicy"]["Statement"]
    [use] = [each for each in statements if USE in as_list(each["Action"])]
    assert not any("*" in action for each in statements for action in as_list(each["Action"]))
    patterns = as_list(use["Condition"]["ArnLike"]["aws:PrincipalArn"])
    endings = [text(pattern).rpartition("/")[2] for pattern in patterns]
    users = roles_of(synthesized, USERS)
    assert len(users) == len(USERS) == len(endings)
    for role in synthesized.of_type("AWS::IAM::Role"):
        name = f"{role.stack}-{role.logical_id}-AbCdEfGhIjKl"
        assert any(fnmatch(name, ending) for ending in endings) is (role in users), name
        assert role not in users or len(name) <= 64, "a longer name would be cut"
    holders = {
        synthesized.target(policy.stack, role).key
        for policy in synthesized.of_type("AWS::IAM::Policy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if USE in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        if synthesized.target(policy.stack, resource).key == key.key
        for role in policy.properties["Roles"]
    }
    assert holders == {role.key for role in users}


@pytest.mark.parametrize(("stage_name", "policy"), [("dev", "Delete"), ("prod", "Retain")])
def test_production_keeps_the_key(
    stage_name: str, policy: str, request: pytest.FixtureRequest
) -> None:
    key = code_key(request.getfixturevalue(stage_name))
    assert (key.properties["KeySpec"], key.template["DeletionPolicy"]) == ("HMAC_256", policy)


def test_a_log_in_changes_the_policy_of_a_profile_and_nothing_else(
    synthesized: Synthesized,
) -> None:
    [clients] = [
        table
        for table in synthesized.of_type("AWS::DynamoDB::Table")
        if str(table.properties["TableName"]).endswith("-clients")
    ]
    [role] = roles_of(synthesized, ("auth",))
    written = [
        statement
        for policy in synthesized.of_type("AWS::IAM::Policy")
        if synthesized.target(policy.stack, policy.properties["Roles"][0]).key == role.key
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for resource in as_list(statement["Resource"])
        if "dynamodb:UpdateItem" in as_list(statement["Action"])
        and synthesized.target(policy.stack, resource).key == clients.key
    ]
    assert [each["Action"] for each in written] == ["dynamodb:UpdateItem"]
    assert written[0]["Condition"] == {
        "ForAllValues:StringEquals": {
            "dynamodb:Attributes": [
                "client_id",
                "event",
                "second_factor_above",
                "second_factor_to_withdraw",
                "version",
            ]
        },
        "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]},
    }
