"""Makes HTTP APIs of MiniStack invoke functions as AWS does. It patches three differences:

* MiniStack ignores an integration's payload format, and sends events of format 2.0. With format
  1.0, AWS sends the event of a REST API, and reads the answer's `multiValueHeaders`.
* When a function raises, dies or times out, MiniStack answers with the text of the exception. AWS
  answers 500 with a fixed text.
* AWS answers with the id of the request in a header.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from ministack.services import apigateway, lambda_svc  # type: ignore[import-untyped]

FAILED = {
    "statusCode": 500,
    "headers": {"Content-Type": "application/json"},
    "body": '{"message":"Internal Server Error"}',
}
REQUEST_ID = "apigw-requestid"
_invoke = apigateway._invoke_lambda_proxy
_response = lambda_svc.lambda_execute_result_to_api_proxy_response
_has_format_1: ContextVar[bool] = ContextVar("has_format_1", default=False)
_request_id: ContextVar[str] = ContextVar("request_id")


def apply() -> None:
    """Wrap MiniStack's data plane. Call it once in each process, before it serves."""
    apigateway._invoke_lambda_proxy = invoke
    lambda_svc._execute_function_with_config_scope = formatting(
        lambda_svc._execute_function_with_config_scope
    )
    lambda_svc.lambda_execute_result_to_api_proxy_response = proxy_response


async def invoke(integration: dict[str, Any], *request: Any, **more: Any) -> Any:
    """Invoke the function of an HTTP API. Remember the payload format while it runs."""
    token = _has_format_1.set(integration.get("payloadFormatVersion") == "1.0")
    request_id = str(uuid4())
    _request_id.set(request_id)
    try:
        status, headers, body = await _invoke(integration, *request, **more)
        return status, headers | {REQUEST_ID: request_id}, body
    finally:
        _has_format_1.reset(token)


def formatting(execute: Callable[..., Any]) -> Callable[..., Any]:
    """What runs functions, with events of format 1.0 if an HTTP API has that format."""

    def execute_formatted(record: Any, event: Any, *more: Any, **named: Any) -> Any:
        if _has_format_1.get():
            event = format_1(event, _request_id.get())
        return execute(record, event, *more, **named)

    return execute_formatted


def proxy_response(result: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The answer of a proxy function. With format 1.0, all of its headers are in `headers`."""
    response, error = _response(result)
    if not _has_format_1.get():
        return response, error
    if result.get("error"):
        return FAILED, None
    several = {name: values[-1] for name, values in response.get("multiValueHeaders", {}).items()}
    return {**response, "headers": {**response.get("headers", {}), **several}}, error


def format_1(event: dict[str, Any], request_id: str) -> dict[str, Any]:
    """The event of format 2.0 as one of format 1.0:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    context = event["requestContext"]
    method, path = context["http"]["method"], event["rawPath"]
    resource = event["routeKey"].partition(" ")[2] or event["routeKey"]
    headers = {
        name: [value] if isinstance(value, str) else list(value)
        for name, value in event["headers"].items()
    }
    query = parse_qs(event["rawQueryString"], keep_blank_values=True)
    return {
        "version": "1.0",
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": event["pathParameters"],
        "stageVariables": event.get("stageVariables"),
        "requestContext": {
            "accountId": context["accountId"],
            "apiId": context["apiId"],
            "domainName": context["domainName"],
            "extendedRequestId": request_id,
            "httpMethod": method,
            "identity": {
                "sourceIp": context["http"]["sourceIp"],
                "userAgent": context["http"]["userAgent"],
            },
            "path": path,
            "protocol": context["http"]["protocol"],
            "requestId": request_id,
            "requestTime": context["time"],
            "requestTimeEpoch": context["timeEpoch"],
            "resourcePath": resource,
            "stage": context["stage"],
        },
        "body": event.get("body"),
        "isBase64Encoded": event["isBase64Encoded"],
    }
