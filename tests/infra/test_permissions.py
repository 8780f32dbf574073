"""The permissions of the roles."""

import re
from collections.abc import Iterator

from infra.catalog.tables import STREAMED
from infra.synthesized import Synthesized, as_list, text
from infra.wildcards import ANY_CONNECTION, ANY_RESOURCE, ANY_STREAM


def grants(deployed: Synthesized) -> Iterator[tuple[str, str, str]]:
    """(policy, action, resource) of every statement in every policy of every role."""
    for policy in deployed.of_type("AWS::IAM::Policy"):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    yield policy.logical_id, action, text(resource)


STREAM = re.compile(r"arn:.+:dynamodb:.+:table/trading-(dev|prod)-(?P<table>[a-z-]+)/stream/[*]")

CONNECTIONS = re.compile(r"arn:.+:execute-api:[^*]+/stream/[*]/@connections/[*]")


def reason(action: str, resource: str) -> str | None:
    """Why this wildcard is allowed."""
    if action == "execute-api:ManageConnections" and CONNECTIONS.fullmatch(resource):
        return ANY_CONNECTION
    stream = STREAM.fullmatch(resource)
    if stream and stream["table"] in STREAMED:
        return ANY_STREAM
    return ANY_RESOURCE.get(action) if resource == "*" else None


def test_every_wildcard_has_a_reason(synthesized: Synthesized) -> None:
    for policy, action, resource in grants(synthesized):
        assert "*" not in action, policy
        assert "*" not in resource or reason(action, resource), (policy, action, resource)


def test_every_reason_belongs_to_a_wildcard(prod: Synthesized) -> None:
    needed = {action for _, action, resource in grants(prod) if resource == "*"}
    assert needed == ANY_RESOURCE.keys()


def test_roles_have_no_inline_or_managed_policies(synthesized: Synthesized) -> None:
    """Exceptions: the account setting that lets API Gateway write logs, and AWS Backup."""
    for role in synthesized.of_type("AWS::IAM::Role"):
        assert "Policies" not in role.properties, role
        managed = [text(arn).split("/")[-1] for arn in role.properties.get("ManagedPolicyArns", [])]
        assert managed in (
            [],
            ["AmazonAPIGatewayPushToCloudWatchLogs"],
            ["AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores"],
        ), role


def test_every_role_is_assumed_by_one_service(synthesized: Synthesized) -> None:
    for role in synthesized.of_type("AWS::IAM::Role"):
        [statement] = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"].keys() == {"Service"}, role


def test_no_role_or_policy_is_shared(synthesized: Synthesized) -> None:
    holders = [
        (holder.stack, holder.properties[attribute])
        for type_, attribute in [
            ("AWS::Lambda::Function", "Role"),
            ("AWS::StepFunctions::StateMachine", "RoleArn"),
        ]
        for holder in synthesized.of_type(type_)
    ]
    holders += [
        (schedule.stack, schedule.properties["Target"]["RoleArn"])
        for schedule in synthesized.of_type("AWS::Scheduler::Schedule")
    ]
    roles = [synthesized.target(stack, role).key for stack, role in holders]
    assert len(roles) == len(set(roles))
    for policy in synthesized.of_type("AWS::IAM::Policy"):
        assert len(policy.properties["Roles"]) == 1, policy
