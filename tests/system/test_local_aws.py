"""The corrections that `local` makes to the local AWS, seen from outside: answers of a gateway, on
APIs made for this test, and the loops of the deployed functions.
"""

import io
import zipfile
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from infra.catalog.functions import FUNCTIONS
from local.api import http_api_url, rest_api_url
from local.aws_client import aws_client
from workstation.local_system import ACCOUNT, REGION, STAGE, LocalSystem

FUNCTION = """
def handler(event, context):
    if event["httpMethod"] == "POST":
        raise RuntimeError("an internal detail")
    values = (event["multiValueQueryStringParameters"] or {}).get("a", [])
    return {
        "statusCode": 200,
        "multiValueHeaders": {"X-Several": [",".join(values)]},
        "body": event["requestContext"]["requestId"],
    }
"""


@pytest.fixture(scope="module")
def function(system: LocalSystem) -> Iterator[str]:
    """A function that answers a GET with the request id that it received, and raises at a POST."""
    functions = aws_client(system, "lambda")
    name = f"probe-{uuid4()}"
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    yield functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/any",
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]
    functions.delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def url(system: LocalSystem, function: str) -> Iterator[str]:
    """A REST API in front of the function."""
    gateway = aws_client(system, "apigateway")
    api = gateway.create_rest_api(name="probe")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    for method in ("GET", "POST"):
        gateway.put_method(
            restApiId=api, resourceId=root, httpMethod=method, authorizationType="NONE"
        )
        gateway.put_integration(
            restApiId=api,
            resourceId=root,
            httpMethod=method,
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=(
                f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
            ),
        )
    gateway.put_gateway_response(
        restApiId=api,
        responseType="DEFAULT_5XX",
        statusCode="502",
        responseParameters={"gatewayresponse.header.Content-Type": "'application/problem+json'"},
        responseTemplates={
            "application/json": '{"code": "INTERNAL", "request_id": "$context.requestId"}'
        },
    )
    gateway.create_deployment(restApiId=api, stageName="test")
    yield rest_api_url(system.endpoint, api, "test")
    gateway.delete_rest_api(restApiId=api)


@pytest.fixture(scope="module")
def http_url(system: LocalSystem, function: str) -> Iterator[str]:
    """An HTTP API in front of the function, with events of format 1.0."""
    gateway = aws_client(system, "apigatewayv2")
    api = gateway.create_api(Name="probe", ProtocolType="HTTP")["ApiId"]
    integration = gateway.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=function,
        PayloadFormatVersion="1.0",
    )["IntegrationId"]
    for route in ("GET /probe", "POST /probe"):
        gateway.create_route(ApiId=api, RouteKey=route, Target=f"integrations/{integration}")
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    yield f"{http_api_url(system.endpoint, api)}/probe"
    gateway.delete_api(ApiId=api)


def test_an_http_api_sends_the_event_of_a_rest_api_and_reads_its_answer(http_url: str) -> None:
    answer = httpx.get(f"{http_url}?a=1&a=2", timeout=30)
    assert (answer.status_code, answer.headers["X-Several"]) == (200, "1,2")
    assert answer.text == answer.headers["apigw-requestid"]


def test_an_http_api_hides_what_a_function_raised(http_url: str) -> None:
    answer = httpx.post(http_url, timeout=30)
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})


def test_a_function_that_raises_is_answered_by_the_gateway_response(url: str) -> None:
    answer = httpx.post(url, timeout=30)
    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {"code": "INTERNAL", "request_id": answer.headers["x-amzn-requestid"]}


def test_the_function_sees_the_request_id_that_the_client_gets(url: str) -> None:
    answer = httpx.get(url, timeout=30)
    assert answer.status_code == 200
    assert answer.text == answer.headers["x-amzn-requestid"]


def test_only_functions_that_continue_themselves_may_do_so_without_end(system: LocalSystem) -> None:
    functions = aws_client(system, "lambda")
    allowed = {
        name
        for name in FUNCTIONS
        if functions.get_function_recursion_config(
            FunctionName=f"trading-{STAGE}-{name.replace('_', '-')}"
        )["RecursiveLoop"]
        == "Allow"
    }
    assert allowed == {"settlement", "sweeper", "day_close", "event_log", "push"}
