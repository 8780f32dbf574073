"""What strangers can reach: limits of routes, reserved concurrency, the web ACL, TLS, and who may
act through our roles.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from infra import edge
from infra.catalog.functions import FUNCTIONS
from infra.catalog.grants import GRANTS
from infra.catalog.names import EXPRESS, WORKFLOW_LOGS
from infra.catalog.routes import CALLBACK_ROUTES, INTERNAL_ROUTES, PUBLIC_ROUTES
from infra.constructs.permissions import SERVICE_OF_KIND
from infra.events import LOG_CONCURRENCY
from infra.stage import ROOT
from infra.synthesized import Resource, Synthesized, as_list, text
from tests.infra.conftest import EDGE, make_app
from tests.infra.test_apis import api_of

STRANGERS_ROUTES = {
    api: [route for route in routes if route.signed]
    for api, routes in (("public", PUBLIC_ROUTES), ("internal", INTERNAL_ROUTES))
}
DEFAULT_ACCOUNT_CONCURRENCY = 1000
UNRESERVED_AT_LEAST = 100
"""Lambda: "You can reserve up to the Unreserved account concurrency value minus 100"."""
TRUST_WITHOUT_SOURCE = {
    "apigateway.amazonaws.com": (
        "The account's setting for logs: API Gateway documents its trust policy without conditions."
    ),
}
NEEDED_BY_SERVICES = {
    ("logs:CreateLogStream", "own log group"),
    ("logs:PutLogEvents", "own log group"),
    ("xray:PutTraceSegments", "*"),
    ("xray:PutTelemetryRecords", "*"),
}
"""What Lambda itself does with every function's role, besides the catalog's grants."""


@pytest.mark.parametrize("api", STRANGERS_ROUTES)
def test_every_route_that_strangers_reach_has_a_limit_of_its_own(
    synthesized: Synthesized, stage: str, api: str
) -> None:
    limits = {
        (settings["HttpMethod"], path_of(settings["ResourcePath"])): settings
        for each in synthesized.of_type("AWS::ApiGateway::Stage")
        if api_of(synthesized, each) == api
        for settings in each.properties["MethodSettings"]
    }
    others = limits["*", "*"]["ThrottlingRateLimit"]
    reached = {route.path for route in STRANGERS_ROUTES[api]}
    factors = "/api/v1/auth/second-factor"
    of_all = {"/api/v1/auth/token", factors, f"{factors}/confirmation"}
    of_clients = {f"{factors}/policy"}
    assert reached == of_all | (of_clients if api == "public" else set())
    for route in STRANGERS_ROUTES[api]:
        assert route.rate is not None, route
        limited = limits.get((route.method, route.path), limits["*", "*"])
        assert limited["ThrottlingRateLimit"] == min(route.rate, others)
        assert limited["ThrottlingBurstLimit"] <= 2 * limited["ThrottlingRateLimit"]
    if stage == "prod":
        assert all(route.rate < others for route in STRANGERS_ROUTES[api] if route.rate)


def path_of(resource_path: str) -> str:
    """The path of a method setting: "forward slashes are encoded as ~1 and the initial slash must
    include a forward slash" (CloudFormation).
    """
    return resource_path.removeprefix("/").replace("~1", "/")


def reserved(deployed: Synthesized) -> dict[str, int]:
    return {
        name: function.properties["ReservedConcurrentExecutions"]
        for name in FUNCTIONS
        if "ReservedConcurrentExecutions" in (function := deployed.function(name)).properties
    }


def test_production_sets_concurrency_aside_for_trading_and_bounds_what_strangers_take(
    prod: Synthesized,
) -> None:
    found = reserved(prod)
    assert found == {name: spec.reserved for name, spec in FUNCTIONS.items() if spec.reserved}
    reached = chain(*STRANGERS_ROUTES.values(), CALLBACK_ROUTES)
    assert found.keys() >= {route.function for route in reached}
    assert found.keys() >= {"authorizer", "internal_authorizer", "orders", "execution"}
    assert sum(found.values()) + UNRESERVED_AT_LEAST <= DEFAULT_ACCOUNT_CONCURRENCY


def test_the_documents_say_what_is_reserved_and_what_the_web_acl_costs(prod: Synthesized) -> None:
    """AWS WAF: 5 USD a web ACL and 1 USD a rule each month, 0.60 USD a million requests."""
    deploy = (ROOT / "docs/how-to/deploy.md").read_text()
    assert f"production reserves {sum(reserved(prod).values())} of it" in deploy
    [acl] = prod.of_type("AWS::WAFv2::WebACL")
    rules = len(acl.properties["Rules"])
    costs = (ROOT / "docs/reference/costs.md").read_text()
    assert "| web ACL, a month | 1 | 5.00 |" in costs
    assert f"| rules and rule groups, a month | {rules} | {rules}.00 |" in costs
    assert "| a million requests | | 0.60 |" in costs


def test_a_small_account_can_be_deployed_to_without_reserved_concurrency(dev: Synthesized) -> None:
    assert reserved(dev) == {}


def test_a_mailbox_is_not_polled_by_more_than_its_function_may_run(prod: Synthesized) -> None:
    """Otherwise throttled batches would return to the queue until they are dead letters.

    A backlog of events must not take the concurrency that trading shares.
    """
    unreserved = {"event_log": LOG_CONCURRENCY}
    for mapping in prod.of_type("AWS::Lambda::EventSourceMapping"):
        called = prod.called(mapping.stack, mapping.properties["FunctionName"])
        name = called.properties["Handler"].split(".")[1]
        limit = FUNCTIONS[name].reserved or unreserved.get(name)
        assert mapping.properties.get("ScalingConfig", {}).get("MaximumConcurrency") == limit


def test_a_web_acl_protects_both_apis_in_production(prod: Synthesized) -> None:
    [acl] = prod.of_type("AWS::WAFv2::WebACL")
    associations = prod.of_type("AWS::WAFv2::WebACLAssociation")
    assert acl.stack == EDGE
    assert acl.properties["Scope"] == "REGIONAL"
    assert {prod.target(each.stack, each.properties["WebACLArn"]).key for each in associations} == {
        acl.key
    }
    assert {api_of_arn(prod, each) for each in associations} == {"public", "internal"}


def api_of_arn(deployed: Synthesized, association: Resource) -> str:
    parts = association.properties["ResourceArn"]["Fn::Join"][1]
    [api] = [part for part in parts if isinstance(part, dict) and "Fn::ImportValue" in part]
    assert str(parts[-1]).endswith("/stages/prod")
    return str(deployed.target(association.stack, api).properties["Name"]).split("-")[-1]


def test_the_web_acl_counts_requests_of_an_address(prod: Synthesized) -> None:
    [acl] = prod.of_type("AWS::WAFv2::WebACL")
    assert "Allow" in acl.properties["DefaultAction"]
    rules = {rule["Name"]: rule for rule in acl.properties["Rules"]}
    assert len({rule["Priority"] for rule in rules.values()}) == len(rules)
    for expected in edge.RATE_RULES:
        rule = rules[expected.name]
        counted = rule["Statement"]["RateBasedStatement"]
        assert "Block" in rule["Action"]
        assert (counted["AggregateKeyType"], counted["Limit"]) == ("IP", expected.requests)
        assert counted["EvaluationWindowSec"] == edge.WINDOW_SECONDS
    assert rules.keys() == {rule.name for rule in edge.RATE_RULES} | set(edge.MANAGED_RULES)


def test_one_address_cannot_use_up_what_a_strangers_route_takes() -> None:
    for route in chain(*STRANGERS_ROUTES.values()):
        [rule] = [
            each for each in edge.RATE_RULES if each.path_part and each.path_part in route.path
        ]
        assert route.rate is not None
        assert rule.requests / edge.WINDOW_SECONDS < route.rate / 2


def test_the_local_aws_gets_no_web_acl(dev: Synthesized) -> None:
    assert not [each for each in dev if each.type.startswith("AWS::WAFv2")]


def test_reserved_concurrency_and_the_web_acl_are_settings(
    layers_dir: Path, tmp_path: Path
) -> None:
    chosen = {"reserved_concurrency": "true", "web_acl": "true"}
    make_app(layers_dir, tmp_path, "dev", **chosen).synth()
    deployed = Synthesized(tmp_path)
    assert reserved(deployed)
    assert deployed.of_type("AWS::WAFv2::WebACLAssociation")


def test_every_api_takes_tls_1_2_or_newer_under_its_own_name_alone(
    synthesized: Synthesized,
) -> None:
    """API Gateway: a policy that begins with SecurityPolicy_ sets the TLS versions of the default
    endpoint and needs an endpoint access mode. STRICT is recommended.
    """
    for api in synthesized.of_type("AWS::ApiGateway::RestApi"):
        assert api.properties["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
        assert api.properties["EndpointAccessMode"] == "STRICT"


def trusts(deployed: Synthesized) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for role in deployed.of_type("AWS::IAM::Role"):
        for statement in role.properties["AssumeRolePolicyDocument"]["Statement"]:
            yield role.logical_id, statement["Principal"]["Service"], statement.get("Condition", {})


def test_every_role_is_assumed_for_resources_of_this_account_alone(
    synthesized: Synthesized,
) -> None:
    unconditional = set()
    for role, service, condition in trusts(synthesized):
        if service in TRUST_WITHOUT_SOURCE:
            unconditional.add(service)
            continue
        source = condition["StringEquals"]["aws:SourceAccount"]
        assert source == {"Ref": "AWS::AccountId"}, role
        if service == "states.amazonaws.com":
            arn = text(condition["ArnLike"]["aws:SourceArn"])
            assert arn.endswith(":stateMachine:*"), role
    assert unconditional == TRUST_WITHOUT_SOURCE.keys()


def test_every_permission_on_a_function_names_the_resource_that_invokes_it(
    synthesized: Synthesized,
) -> None:
    for permission in synthesized.of_type("AWS::Lambda::Permission"):
        assert "SourceArn" in permission.properties, permission


def resource_policies(deployed: Synthesized) -> Iterator[tuple[str, str, dict[str, Any]]]:
    kinds = {
        "AWS::SQS::QueuePolicy": "PolicyDocument",
        "AWS::SNS::TopicPolicy": "PolicyDocument",
        "AWS::KMS::Key": "KeyPolicy",
    }
    for type_, attribute in kinds.items():
        for policy in deployed.of_type(type_):
            for statement in policy.properties[attribute]["Statement"]:
                yield policy.stack, policy.logical_id, statement


def test_every_service_that_a_resource_policy_allows_acts_for_this_account(
    synthesized: Synthesized,
) -> None:
    seen = set()
    for stack, policy, statement in resource_policies(synthesized):
        principal = statement["Principal"]
        if statement["Effect"] == "Deny" or "Service" not in principal:
            continue
        seen.add(principal["Service"])
        if principal["Service"] == "events.amazonaws.com":
            # An ARN names the account, too. A rule of ours is in a template.
            [source] = as_list(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
            assert synthesized.target(stack, source).type == "AWS::Events::Rule", policy
            continue
        source = statement["Condition"]["StringEquals"]["aws:SourceAccount"]
        assert source == {"Ref": "AWS::AccountId"}, policy
    assert seen >= {"events.amazonaws.com", "cloudwatch.amazonaws.com"}


def granted(deployed: Synthesized, name: str) -> set[tuple[str, str]]:
    """The (action, catalog's name of the resource) pairs that the role of a function allows."""
    function = deployed.function(name)
    role = deployed.target(function.stack, function.properties["Role"])
    return {
        (action, _catalog_name(deployed, policy.stack, resource))
        for policy in deployed.of_type("AWS::IAM::Policy")
        if deployed.target(policy.stack, policy.properties["Roles"][0]).key == role.key
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def _catalog_name(deployed: Synthesized, stack: str, arn: object) -> str:
    """The name that grants have for the resource of an ARN."""
    if arn == "*":
        return "*"
    suffix = ""
    match arn:
        case {"Fn::Join": ["", [reference, str(index)]]} if index.startswith("/index/"):
            arn, suffix = reference, index.removeprefix("/index")
        case {"Fn::Join": _}:
            joined = text(arn)
            if stream := re.search(r":table/trading-(?:dev|prod)-([a-z-]+)/stream/[*]$", joined):
                return f"streams/{stream[1]}"
            if "/@connections/" in joined:
                return "sockets/stream"
            kind = "functions" if ":function:" in joined else "workflows"
            name = re.split(":(?:stateMachine|function):", joined)[1]
            name = re.split("[:/]", name)[0]
            name = name.removeprefix("trading-dev-").removeprefix("trading-prod-")
            return f"{kind}/{name.replace('-', '_') if kind == 'functions' else name}"
    resource = deployed.target(stack, arn)
    properties = resource.properties
    match resource.type:
        case "AWS::Logs::LogGroup" if properties["LogGroupName"].startswith(WORKFLOW_LOGS):
            kind, name = "logs", properties["LogGroupName"].removeprefix(WORKFLOW_LOGS)
        case "AWS::Logs::LogGroup":
            return "own log group"
        case "AWS::DynamoDB::Table":
            kind, name = "tables", properties["TableName"]
        case "AWS::Events::EventBus":
            kind, name = "buses", properties["Name"]
        case "AWS::SQS::Queue":
            kind, name = "queues", properties["QueueName"].removesuffix(".fifo")
            if name.endswith("-dlq") and name.count("-") == 3:
                kind, name = "dlqs", name.removesuffix("-dlq")
        case "AWS::SecretsManager::Secret":
            kind, name = "secrets", properties["Name"]
        case "AWS::KMS::Key":
            kind, name = "keys", properties["Description"].partition(":")[0]
        case "AWS::StepFunctions::StateMachine":
            kind, name = "workflows", properties["StateMachineName"].removesuffix(EXPRESS)
        case other:
            raise LookupError(other)
    return f"{kind}/{name.removeprefix('trading-dev-').removeprefix('trading-prod-')}{suffix}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_allows_what_the_catalog_grants_and_nothing_more(
    name: str, synthesized: Synthesized
) -> None:
    expected = {
        (f"{SERVICE_OF_KIND[resource.split('/')[0]]}:{action}", resource)
        for resource, actions in GRANTS[name].items()
        for action in actions.split()
    }
    expected |= NEEDED_BY_SERVICES
    if FUNCTIONS[name].asynchronous:
        expected.add(("sqs:SendMessage", "dlqs/invocations"))
    if any(resource.startswith("streams/") for resource in GRANTS[name]):
        expected.add(("dynamodb:ListStreams", "*"))
    assert granted(synthesized, name) == expected


def test_a_function_is_made_after_its_permissions(synthesized: Synthesized) -> None:
    """Otherwise an event source could be refused, or the first invocation."""
    for function in synthesized.of_type("AWS::Lambda::Function"):
        template = function.template
        role = synthesized.target(function.stack, function.properties["Role"])
        policies = {
            policy.logical_id
            for policy in synthesized.of_type("AWS::IAM::Policy")
            if policy.stack == function.stack
            and synthesized.target(policy.stack, policy.properties["Roles"][0]).key == role.key
        }
        assert policies
        assert policies <= set(as_list(template.get("DependsOn", []))), json.dumps(template)
