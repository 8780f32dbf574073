"""Checks that apply to every resource."""

import json

import pytest
from cfnlint.config import ConfigMixIn  # type: ignore[import-untyped]
from cfnlint.runner import Runner  # type: ignore[import-untyped]
from ministack.services.cloudformation.provisioners import (  # type: ignore[import-untyped]
    _RESOURCE_HANDLERS as LOCAL_TYPES,
)

from infra.stage import ROOT
from infra.synthesized import Synthesized
from local.websocket_apis import ROUTE_RESPONSE
from tests.infra.conftest import CANARY


def test_cdk_nag_objects_only_to_the_canary(prod: Synthesized) -> None:
    report = json.loads((prod.directory / "validation-report.json").read_text())
    violations = [
        violation for plugin in report["pluginReports"] for violation in plugin["violations"]
    ]
    paths = {
        construct["constructPath"].split("/")[0]
        for each in violations
        for construct in each["violatingConstructs"]
    }
    assert paths == {CANARY}


def test_cfn_lint_finds_nothing(synthesized: Synthesized, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # the folder of its configuration
    templates = [str(path) for path in synthesized.directory.glob("trading-*.template.json")]
    assert templates
    assert list(Runner(ConfigMixIn(templates)).run()) == []


def test_the_local_aws_supports_every_resource_type_of_stage_dev(dev: Synthesized) -> None:
    assert {resource.type for resource in dev} <= {*LOCAL_TYPES, ROUTE_RESPONSE}


def test_production_has_what_the_local_aws_does_not_know(prod: Synthesized) -> None:
    assert {resource.type for resource in prod} - {*LOCAL_TYPES, ROUTE_RESPONSE} == {
        "AWS::Backup::BackupSelection",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::WAFv2::WebACLAssociation",
    }


@pytest.mark.parametrize(
    ("stage_name", "days", "policy"), [("dev", 14, "Delete"), ("prod", 365, "Retain")]
)
def test_logs_are_kept_as_long_as_the_stage_requires(
    stage_name: str, days: int, policy: str, request: pytest.FixtureRequest
) -> None:
    groups = request.getfixturevalue(stage_name).of_type("AWS::Logs::LogGroup")
    assert {group.properties["RetentionInDays"] for group in groups} == {days}
    # The logs that API Gateway writes about itself are useless without the API.
    ours = [group for group in groups if isinstance(group.properties["LogGroupName"], str)]
    assert {group.template["DeletionPolicy"] for group in ours} == {policy}


def test_the_alarm_topics_are_encrypted_and_refuse_plain_http(synthesized: Synthesized) -> None:
    topics = synthesized.of_type("AWS::SNS::Topic")
    [key] = {
        synthesized.target(topic.stack, topic.properties["KmsMasterKeyId"]).key for topic in topics
    }
    [key] = [each for each in synthesized.of_type("AWS::KMS::Key") if each.key == key]
    assert key.properties["EnableKeyRotation"] is True
    policies = synthesized.of_type("AWS::SNS::TopicPolicy")
    assert len(policies) == len(topics)
    for policy in policies:
        statements = policy.properties["PolicyDocument"]["Statement"]
        assert any(
            statement["Effect"] == "Deny"
            and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for statement in statements
        )
        # CloudWatch needs both permissions to raise an alarm on an encrypted topic.
        assert any(
            statement.get("Principal") == {"Service": "cloudwatch.amazonaws.com"}
            for statement in statements
        )
    in_key = key.properties["KeyPolicy"]["Statement"]
    assert any(
        statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"} for statement in in_key
    )


def test_the_outputs_of_all_stacks_have_different_names(synthesized: Synthesized) -> None:
    """Tools read the outputs as one mapping."""
    names = [
        name for template in synthesized.templates.values() for name in template.get("Outputs", {})
    ]
    assert len(names) == len(set(names))


def test_each_stack_has_room_for_more_resources(synthesized: Synthesized) -> None:
    """CloudFormation allows 500 resources a stack."""
    for stack, template in synthesized.templates.items():
        assert len(template["Resources"]) <= 450, stack
