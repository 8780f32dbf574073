"""The HTTP API that exchanges call back."""

import json

from infra.catalog.routes import REQUESTS_PER_SECOND
from infra.synthesized import Resource, Synthesized
from tests.infra.conftest import EDGE
from tests.infra.test_apis import function_of
from trading.wire import CALLBACK_PATH

KIND = "AWS::ApiGatewayV2"


def only(deployed: Synthesized, kind: str) -> Resource:
    """That of the callbacks: the stack of the services has no other HTTP API."""
    [found] = [
        each for each in deployed.of_type(f"{KIND}::{kind}") if each.stack.endswith("-services")
    ]
    return found


def test_its_only_route_calls_the_function_that_checks_the_signature(
    synthesized: Synthesized,
) -> None:
    route, integration = only(synthesized, "Route"), only(synthesized, "Integration")
    assert route.properties["RouteKey"] == f"POST {CALLBACK_PATH}"
    assert route.properties["AuthorizationType"] == "NONE"
    uri = integration.properties["IntegrationUri"]
    assert function_of(synthesized, integration.stack, uri) == "callbacks"


def test_its_function_gets_the_event_of_a_rest_api(synthesized: Synthesized) -> None:
    assert only(synthesized, "Integration").properties["PayloadFormatVersion"] == "1.0"


def test_it_has_a_rate_limit_of_its_own_and_logs_each_request(
    synthesized: Synthesized, stage: str
) -> None:
    found = only(synthesized, "Stage")
    assert found.properties["StageName"] == "$default"
    assert found.properties["AutoDeploy"] is True
    limits = found.properties["DefaultRouteSettings"]
    assert limits["ThrottlingRateLimit"] == REQUESTS_PER_SECOND[stage]
    assert limits["ThrottlingBurstLimit"] == 2 * REQUESTS_PER_SECOND[stage]
    assert "DetailedMetricsEnabled" not in limits
    log = found.properties["AccessLogSettings"]
    group = synthesized.target(found.stack, log["DestinationArn"])
    assert group.properties["LogGroupName"].startswith("/aws/vendedlogs/")
    assert json.loads(log["Format"])["requestId"] == "$context.requestId"


def test_it_shares_nothing_with_pages(synthesized: Synthesized) -> None:
    assert "CorsConfiguration" not in only(synthesized, "Api").properties


def test_its_errors_raise_an_alarm(synthesized: Synthesized) -> None:
    [alarm] = [
        alarm
        for alarm in synthesized.of_type("AWS::CloudWatch::Alarm")
        if alarm.properties["MetricName"] == "5xx"
    ]
    [dimension] = alarm.properties["Dimensions"]
    assert dimension["Name"] == "ApiId"
    assert synthesized.target(alarm.stack, dimension["Value"]).type == f"{KIND}::Api"


def test_the_worker_tells_exchanges_its_address(synthesized: Synthesized) -> None:
    function = synthesized.function("execution")
    api = function.properties["Environment"]["Variables"]["CALLBACKS_API_ID"]
    assert synthesized.target(function.stack, api).type == f"{KIND}::Api"


def test_a_web_acl_cannot_protect_it(prod: Synthesized) -> None:
    """AWS WAF does not support HTTP APIs. The ACL of the REST APIs has no rule for its path."""
    [acl] = prod.of_type("AWS::WAFv2::WebACL")
    assert acl.stack == EDGE
    assert CALLBACK_PATH not in json.dumps(acl.properties)
