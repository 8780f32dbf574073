"""The REST APIs: one for clients, one for operators, one of the venues."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from infra.constructs.gateway_responses import PROBLEMS, shared_with
from infra.stage import Deployment
from infra.synthesized import Resource, Synthesized
from trading.adapters.http.problems import CONTENT_TYPE, Problem
from trading.wire import TRANSPORT_SECURITY

TOKEN = "CUSTOM"
SIGNED = "NONE"
ROUTES = {
    "public": {
        ("POST", "/api/v1/auth/token"): ("auth", SIGNED),
        ("POST", "/api/v1/auth/step-up"): ("auth", TOKEN),
        ("GET", "/api/v1/auth/second-factor"): ("auth", TOKEN),
        ("POST", "/api/v1/auth/second-factor"): ("auth", SIGNED),
        ("POST", "/api/v1/auth/second-factor/confirmation"): ("auth", SIGNED),
        ("PUT", "/api/v1/auth/second-factor/policy"): ("auth", SIGNED),
        ("POST", "/api/v1/orders"): ("orders", TOKEN),
        ("GET", "/api/v1/orders"): ("orders", TOKEN),
        ("DELETE", "/api/v1/orders"): ("orders", TOKEN),
        ("GET", "/api/v1/orders:by_client_order_id"): ("orders", TOKEN),
        ("DELETE", "/api/v1/orders:by_client_order_id"): ("orders", TOKEN),
        ("GET", "/api/v1/orders/{order_id}"): ("orders", TOKEN),
        ("PATCH", "/api/v1/orders/{order_id}"): ("orders", TOKEN),
        ("DELETE", "/api/v1/orders/{order_id}"): ("orders", TOKEN),
        ("GET", "/api/v1/balance"): ("accounts", TOKEN),
        ("GET", "/api/v1/positions"): ("accounts", TOKEN),
        ("GET", "/api/v1/positions/{symbol}"): ("accounts", TOKEN),
        ("GET", "/api/v1/portfolio"): ("accounts", TOKEN),
        ("GET", "/api/v1/trades"): ("accounts", TOKEN),
        ("GET", "/api/v1/transactions"): ("accounts", TOKEN),
        ("GET", "/api/v1/events"): ("event_feed", TOKEN),
        ("GET", "/api/v1/trade/balance"): ("accounts", TOKEN),
        ("GET", "/api/v1/trade/portfolio"): ("accounts", TOKEN),
        ("GET", "/api/v1/transaction-history"): ("orders", TOKEN),
        ("POST", "/api/v1/place-trade"): ("orders", TOKEN),
        ("POST", "/api/v1/trade/place"): ("orders", TOKEN),
        ("GET", "/api/v1/trade/{trade_id}"): ("orders", TOKEN),
        ("POST", "/api/v1/trade/{trade_id}/cancel"): ("orders", TOKEN),
    },
    "internal": {
        ("POST", "/api/v1/auth/token"): ("internal_auth", SIGNED),
        ("POST", "/api/v1/auth/second-factor"): ("internal_auth", SIGNED),
        ("POST", "/api/v1/auth/second-factor/confirmation"): ("internal_auth", SIGNED),
        ("POST", "/api/v1/execution/{order_id}"): ("internal", TOKEN),
        ("POST", "/api/v1/clearing/{trade_id}"): ("internal", TOKEN),
        ("POST", "/api/v1/settlement/{trade_id}"): ("internal", TOKEN),
        ("POST", "/api/v1/admin/clients"): ("admin", TOKEN),
        ("GET", "/api/v1/admin/clients/{client_id}"): ("admin", TOKEN),
        ("GET", "/api/v1/admin/clients/{client_id}/orders"): ("admin", TOKEN),
        ("GET", "/api/v1/admin/clients/{client_id}/portfolio"): ("admin", TOKEN),
        ("GET", "/api/v1/admin/orders/{order_id}"): ("admin", TOKEN),
        ("POST", "/api/v1/admin/clients/{client_id}/suspension"): ("admin", TOKEN),
        ("POST", "/api/v1/admin/clients/{client_id}/activation"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/clients/{client_id}/limits"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/clients/{client_id}/signing"): ("admin", TOKEN),
        ("POST", "/api/v1/admin/clients/{client_id}/secret-rotation"): ("admin", TOKEN),
        ("POST", "/api/v1/admin/clients/{client_id}/second-factor-reset"): ("admin", TOKEN),
        ("POST", "/api/v1/admin/clients/{client_id}/deposits"): ("admin", TOKEN),
        ("POST", "/api/v1/admin/clients/{client_id}/withdrawals"): ("admin", TOKEN),
        ("POST", "/api/v1/admin/advances/{trade_id}/closure"): ("admin", TOKEN),
        ("GET", "/api/v1/admin/proposals"): ("admin", TOKEN),
        ("GET", "/api/v1/admin/proposals/{proposal_id}"): ("admin", TOKEN),
        ("POST", "/api/v1/admin/proposals/{proposal_id}/approval"): ("admin", TOKEN),
        ("POST", "/api/v1/admin/proposals/{proposal_id}/rejection"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/instruments/{symbol}/halt"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/instruments/{symbol}/resume"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/clients/{client_id}/keys/{api_key}/disable"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/clients/{client_id}/keys/{api_key}/enable"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/clients/{client_id}/keys/{api_key}/public-key"): ("admin", TOKEN),
        ("GET", "/api/v1/admin/operators/{operator}"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/operators/{operator}/disable"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/operators/{operator}/enable"): ("admin", TOKEN),
        ("GET", "/api/v1/admin/venues/{venue}/key"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/venues/{venue}/key/disable"): ("admin", TOKEN),
        ("PUT", "/api/v1/admin/venues/{venue}/key/enable"): ("admin", TOKEN),
    },
    "venues": {
        ("POST", "/exchanges/{exchange_id}/orders"): ("exchange_api", SIGNED),
        ("GET", "/exchanges/{exchange_id}/orders/{client_order_id}"): ("exchange_api", SIGNED),
        ("DELETE", "/exchanges/{exchange_id}/orders/{client_order_id}"): ("exchange_api", SIGNED),
        ("GET", "/quotes/{symbol}"): ("exchange_api", SIGNED),
        ("POST", "/depository/instructions"): ("depository_api", SIGNED),
        ("GET", "/depository/confirmations"): ("depository_api", SIGNED),
    },
}
AUTHORIZERS = {"public": "authorizer", "internal": "internal_authorizer"}


def api_of(deployed: Synthesized, resource: Resource) -> str:
    """The API that a resource belongs to."""
    api = deployed.target(resource.stack, resource.properties["RestApiId"])
    return str(api.properties["Name"]).split("-")[-1]


def path(deployed: Synthesized, stack: str, resource: object) -> str:
    match resource:
        case {"Fn::GetAtt": [_, "RootResourceId"]}:
            return ""
    node = deployed.target(stack, resource)
    return f"{path(deployed, stack, node.properties['ParentId'])}/{node.properties['PathPart']}"


def function_of(deployed: Synthesized, stack: str, uri: object) -> str:
    """The function that the URI of an integration or an authorizer names."""
    handler = deployed.called(stack, uri).properties["Handler"]
    return str(handler).split(".")[1]


def with_head(routes: dict[tuple[str, str], tuple[str, str]]) -> dict[Any, Any]:
    """The routes, and HEAD beside each GET that has an authorizer."""
    heads = {
        ("HEAD", where): target
        for (method, where), target in routes.items()
        if method == "GET" and target[1] == TOKEN
    }
    return routes | heads


def test_each_route_has_its_function_and_its_authentication(synthesized: Synthesized) -> None:
    routes: dict[str, dict[tuple[str, str], tuple[str, str]]] = {name: {} for name in ROUTES}
    for method in synthesized.of_type("AWS::ApiGateway::Method"):
        properties = method.properties
        where = (
            properties["HttpMethod"],
            path(synthesized, method.stack, properties["ResourceId"]),
        )
        function = function_of(synthesized, method.stack, properties["Integration"]["Uri"])
        routes[api_of(synthesized, method)][where] = (function, properties["AuthorizationType"])
    assert routes == {name: with_head(expected) for name, expected in ROUTES.items()}


def test_each_api_has_its_own_authorizer_and_only_clients_verdicts_are_kept(
    synthesized: Synthesized,
) -> None:
    authorizers, kept = {}, {}
    for authorizer in synthesized.of_type("AWS::ApiGateway::Authorizer"):
        properties = authorizer.properties
        assert properties["Type"] == "REQUEST"
        assert properties["IdentitySource"] == "method.request.header.Authorization"
        uri = properties["AuthorizerUri"]
        api = api_of(synthesized, authorizer)
        authorizers[api] = function_of(synthesized, authorizer.stack, uri)
        kept[api] = properties["AuthorizerResultTtlInSeconds"]
    assert authorizers == AUTHORIZERS
    assert kept == {"public": 300, "internal": 0}


def test_each_api_logs_in_and_lets_in_one_audience(synthesized: Synthesized) -> None:
    audiences = {
        name: synthesized.function(name).properties["Environment"]["Variables"]["TOKEN_AUDIENCE"]
        for name in ("auth", "authorizer", "internal_auth", "internal_authorizer")
    }
    assert audiences == {
        "auth": "trading-api",
        "authorizer": "trading-api",
        "internal_auth": "trading-internal",
        "internal_authorizer": "trading-internal",
    }


def test_api_stages_throttle_trace_and_log(synthesized: Synthesized, stage: str) -> None:
    stages = synthesized.of_type("AWS::ApiGateway::Stage")
    assert {api_of(synthesized, each) for each in stages} == ROUTES.keys()
    for each in stages:
        for settings in each.properties["MethodSettings"]:
            assert settings["ThrottlingBurstLimit"] >= settings["ThrottlingRateLimit"] > 0
            assert settings["LoggingLevel"] == "ERROR"
            assert settings["DataTraceEnabled"] is False  # bodies contain secrets and orders
        assert [
            settings["ResourcePath"]
            for settings in each.properties["MethodSettings"]
            if settings["HttpMethod"] == "*"
        ] == ["/*"]
        assert each.properties["StageName"] == stage
        assert each.properties["TracingEnabled"] is True
        log = each.properties["AccessLogSetting"]
        assert synthesized.target(each.stack, log["DestinationArn"]).type == "AWS::Logs::LogGroup"
        assert json.loads(log["Format"])["requestId"] == "$context.requestId"
        assert "authorization" not in log["Format"].lower().replace("$context.authorizer", "")


@pytest.mark.parametrize(
    ("response_type", "problem"), PROBLEMS, ids=lambda each: getattr(each, "response_type", "")
)
def test_the_gateways_own_responses_are_problem_documents(
    response_type: object, problem: object, dev: Synthesized
) -> None:
    answers = [
        answer
        for answer in dev.of_type("AWS::ApiGateway::GatewayResponse")
        if answer.properties["ResponseType"] == response_type.response_type  # type: ignore[attr-defined]
    ]
    assert {api_of(dev, answer) for answer in answers} == ROUTES.keys()
    for answer in answers:
        template = answer.properties["ResponseTemplates"]["application/json"]
        body = Problem.model_validate_json(template)
        assert str(body.status) == answer.properties["StatusCode"]
        assert re.findall(r"\$[\w.]+", template) == ["$context.requestId"]
        headers = answer.properties["ResponseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == f"'{CONTENT_TYPE}'"
        assert headers["gatewayresponse.header.Strict-Transport-Security"] == (
            f"'{TRANSPORT_SECURITY['Strict-Transport-Security']}'"
        )
        if body.status == 429:
            assert int(headers["gatewayresponse.header.Retry-After"].strip("'")) > 0


ORIGINS = ("https://app.example", "https://desk.example:8443")


@pytest.fixture(scope="session")
def for_browsers(synthesize: Callable[..., Synthesized]) -> Synthesized:
    """A deployment that two origins may use."""
    return synthesize(origins=",".join(ORIGINS))


def preflights(deployed: Synthesized) -> dict[tuple[str, str], dict[str, Any]]:
    """The OPTIONS methods by API and path."""
    return {
        (
            api_of(deployed, method),
            path(deployed, method.stack, method.properties["ResourceId"]),
        ): method.properties
        for method in deployed.of_type("AWS::ApiGateway::Method")
        if method.properties["HttpMethod"] == "OPTIONS"
    }


def test_without_allowed_origins_nothing_is_shared_with_a_page(synthesized: Synthesized) -> None:
    assert preflights(synthesized) == {}
    for answer in synthesized.of_type("AWS::ApiGateway::GatewayResponse"):
        assert "Access-Control" not in json.dumps(answer.properties)
    for function in synthesized.of_type("AWS::Lambda::Function"):
        assert "ALLOWED_ORIGINS" not in function.properties["Environment"]["Variables"]


def test_the_gateway_answers_the_preflight_of_each_path_for_browsers(
    for_browsers: Synthesized,
) -> None:
    found = preflights(for_browsers)
    expected: dict[tuple[str, str], set[str]] = {}
    for api in ("public", "internal"):
        for method, where in with_head(ROUTES[api]):
            expected.setdefault((api, where), set()).add(method)
    assert found.keys() == expected.keys()
    for where, methods in expected.items():
        properties = found[where]
        assert properties["AuthorizationType"] == "NONE"
        assert properties["Integration"]["Type"] == "MOCK"
        [answer] = properties["Integration"]["IntegrationResponses"]
        headers = {
            name.removeprefix("method.response.header."): value.strip("'")
            for name, value in answer["ResponseParameters"].items()
        }
        assert set(headers["Access-Control-Allow-Methods"].split(",")) == methods
        assert headers["Access-Control-Allow-Origin"] == ORIGINS[0]
        assert headers["Vary"] == "Origin"
        assert int(headers["Access-Control-Max-Age"]) == 7200
        assert {"Authorization", "Idempotency-Key", "Content-Type"} <= set(
            headers["Access-Control-Allow-Headers"].split(",")
        )
        assert f'$origin == "{ORIGINS[1]}"' in answer["ResponseTemplates"]["application/json"]


def test_pages_may_read_the_gateways_own_responses(for_browsers: Synthesized) -> None:
    for answer in for_browsers.of_type("AWS::ApiGateway::GatewayResponse"):
        headers = answer.properties["ResponseParameters"]
        origin = headers.get("gatewayresponse.header.Access-Control-Allow-Origin")
        if api_of(for_browsers, answer) == "venues":
            assert origin is None
        else:
            assert origin == "method.request.header.Origin"
            exposed = headers["gatewayresponse.header.Access-Control-Expose-Headers"]
            assert "Retry-After" in exposed


def test_one_allowed_origin_is_named_and_not_repeated() -> None:
    [origin, _] = ORIGINS
    assert shared_with([origin])["Access-Control-Allow-Origin"] == f"'{origin}'"
    assert shared_with([]) == {}


BROWSERS_CALL = ("auth", "orders", "accounts", "internal_auth", "admin", "internal")


def test_the_functions_behind_the_apis_know_the_allowed_origins(for_browsers: Synthesized) -> None:
    told = {
        name: for_browsers.function(name)
        .properties["Environment"]["Variables"]
        .get("ALLOWED_ORIGINS")
        for name in (*BROWSERS_CALL, "callbacks", "exchange_api")
    }
    none = dict.fromkeys(("callbacks", "exchange_api"))
    assert told == dict.fromkeys(told, ",".join(ORIGINS)) | none


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*.example",
        "http://app.example",
        "https://app.example/",
        "https://App.example",
        "null",
        "https://a.example https://b.example",
        "https://a.example'",
    ],
)
def test_an_origin_that_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="an origin is"):
        Deployment.model_validate({"origins": origin})


def test_errors_of_every_api_raise_an_alarm(synthesized: Synthesized) -> None:
    watched = {
        str(dimension["Value"]).split("-")[-1]
        for alarm in synthesized.of_type("AWS::CloudWatch::Alarm")
        if alarm.properties["MetricName"] == "5XXError"
        for dimension in alarm.properties["Dimensions"]
        if dimension["Name"] == "ApiName"
    }
    assert watched == ROUTES.keys()
