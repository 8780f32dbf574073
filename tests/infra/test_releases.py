"""Production: versions, the alias that all call, and canaries that roll back."""

import json
import re

from infra.synthesized import Resource, Synthesized

QUEUED = {"execution", "clearing", "settlement", "event_publisher", "event_log"}
"""Each has a dead-letter queue."""


def name_of(function: Resource) -> str:
    return str(function.properties["Handler"]).split(".")[1]


def test_every_function_has_an_alias_on_its_newest_version_that_stays(prod: Synthesized) -> None:
    aliased = set()
    for alias in prod.of_type("AWS::Lambda::Alias"):
        assert alias.properties["Name"] == "live"
        version = prod.target(alias.stack, alias.properties["FunctionVersion"])
        function = prod.target(alias.stack, alias.properties["FunctionName"])
        assert prod.target(version.stack, version.properties["FunctionName"]) == function
        assert version.template["DeletionPolicy"] == "Retain", "the way back"
        aliased.add(function.key)
    assert aliased == {function.key for function in prod.of_type("AWS::Lambda::Function")}


def test_everything_that_calls_a_function_calls_the_alias(prod: Synthesized) -> None:
    """A caller of the function itself would get the newest code, past the canary."""
    functions = {function.key for function in prod.of_type("AWS::Lambda::Function")}
    callers = {
        "AWS::ApiGateway::Method": lambda p: p["Integration"]["Uri"],
        "AWS::ApiGateway::Authorizer": lambda p: p["AuthorizerUri"],
        "AWS::Lambda::EventSourceMapping": lambda p: p["FunctionName"],
        "AWS::Lambda::Permission": lambda p: p["FunctionName"],
        "AWS::Scheduler::Schedule": lambda p: p["Target"]["Arn"],
        "AWS::StepFunctions::StateMachine": lambda p: p["DefinitionSubstitutions"],
    }
    for type_, called in callers.items():
        for caller in prod.of_type(type_):
            refs = re.findall(
                r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)"', json.dumps(called(caller.properties))
            )
            assert not {(caller.stack, ref) for ref in refs} & functions, caller
    for config in prod.of_type("AWS::Lambda::EventInvokeConfig"):
        assert "Live" in json.dumps(config.properties["Qualifier"])
    named = prod.function("exchange_api").properties["Environment"]["Variables"]
    assert named["MATCHING_FUNCTION_NAME"] == "trading-prod-exchange-matching:live"


def test_a_caller_may_invoke_the_alias_and_not_the_function(prod: Synthesized) -> None:
    for policy in prod.of_type("AWS::IAM::Policy"):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            if statement["Action"] == "lambda:InvokeFunction":
                assert "Live" in json.dumps(statement) or ":live" in json.dumps(statement), policy


def test_every_alias_moves_by_a_canary_that_alarms_roll_back(prod: Synthesized) -> None:
    released = {}
    for alias in prod.of_type("AWS::Lambda::Alias"):
        update = alias.template["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group = prod.target(alias.stack, update["DeploymentGroupName"])
        properties = group.properties
        assert properties["DeploymentConfigName"] == (
            "CodeDeployDefault.LambdaCanary10Percent5Minutes"
        )
        assert properties["DeploymentStyle"] == {
            "DeploymentOption": "WITH_TRAFFIC_CONTROL",
            "DeploymentType": "BLUE_GREEN",
        }
        assert properties["AutoRollbackConfiguration"] == {
            "Enabled": True,
            "Events": [
                "DEPLOYMENT_FAILURE",
                "DEPLOYMENT_STOP_ON_REQUEST",
                "DEPLOYMENT_STOP_ON_ALARM",
            ],
        }
        assert properties["AlarmConfiguration"]["Enabled"] is True
        alarms = [
            prod.target(group.stack, alarm["Name"])
            for alarm in properties["AlarmConfiguration"]["Alarms"]
        ]
        function = prod.target(alias.stack, alias.properties["FunctionName"])
        errors = alarms[0].properties
        version = next(d for d in errors["Dimensions"] if d["Name"] == "ExecutedVersion")
        assert errors["MetricName"] == "Errors"
        assert version["Value"] == alias.properties["FunctionVersion"], "only the new version"
        assert errors["Period"] < 300, "within the canary's five minutes"
        released[name_of(function)] = {alarm.properties["MetricName"] for alarm in alarms}
    behind_apis = {
        name_of(prod.called(method.stack, method.properties["Integration"]["Uri"]))
        for method in prod.of_type("AWS::ApiGateway::Method")
    } | {"authorizer", "internal_authorizer"}
    for name, watched in released.items():
        expected = {"Errors"}
        expected |= {"5XXError"} if name in behind_apis else set()
        expected |= {"5xx"} if name == "callbacks" else set()
        expected |= {"ApproximateNumberOfMessagesVisible"} if name in QUEUED else set()
        assert watched == expected, name


def test_stage_dev_calls_functions_themselves(dev: Synthesized) -> None:
    """The local AWS knows no CodeDeploy, and there is nothing to protect."""
    assert not {"AWS::Lambda::Alias", "AWS::Lambda::Version"} & {each.type for each in dev}
