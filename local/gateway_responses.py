"""Makes REST APIs of MiniStack answer as API Gateway does. It patches four differences:

* When a proxy function raises, dies or times out, MiniStack answers with the text of the exception.
  AWS hides the text and answers with the DEFAULT_5XX response.
* The template writes the path of a route's own throttling limit with `~1` for `/`. MiniStack does
  not decode it, and so applies the limit of the stage.
* MiniStack's `x-amzn-RequestId` differs from the `requestContext.requestId` that the function logs.
* MiniStack sends the template of a preflight's answer as the body. AWS evaluates it, and it chooses
  one of several allowed origins.
"""

import re
from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway_v1 as gateway  # type: ignore[import-untyped]

FUNCTION_FAILED = "local-function-failed"
REQUEST_ID = "x-amzn-requestid"
ALLOWED_ORIGIN = re.compile(r'\$origin == "([^"]+)"')
"""An origin beside the first one, in the template that the CDK writes."""

_request_id: ContextVar[str] = ContextVar("request_id")
_origin: ContextVar[str] = ContextVar("origin")
_execute = gateway._execute_in_scope
_build_event = gateway._build_lambda_event_v1
_proxy_response = gateway._lambda_proxy_response
_throttle_settings = gateway._method_throttle_settings
_mock_response = gateway._invoke_mock_v1


def apply() -> None:
    """Wrap MiniStack's data plane. Once a process, before it serves."""
    gateway._execute_in_scope = execute
    gateway._build_lambda_event_v1 = build_event
    gateway._lambda_proxy_response = proxy_response
    gateway._method_throttle_settings = throttle_settings
    gateway._invoke_mock_v1 = preflight_response


async def execute(request: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
    """Answer a request with (status, headers, body), or with an error that the caller renders."""
    _request_id.set(request["request_id"])
    _origin.set(request["headers"].get("origin", ""))
    response = await _execute(request, *args, **kwargs)
    if not isinstance(response, tuple):
        return response
    status, headers, body = response
    if FUNCTION_FAILED in headers:
        return gateway._GatewayError("DEFAULT_5XX", "Internal server error")
    headers[REQUEST_ID] = request["request_id"]
    return status, headers, body


def throttle_settings(stage: dict[str, Any], path: str, method: str) -> dict[str, Any] | None:
    """Return the limits of a route, which are its own or those of the stage."""
    decoded = {
        key.removeprefix("/~1").replace("~1", "/"): settings
        for key, settings in (stage.get("methodSettings") or {}).items()
    }
    found: dict[str, Any] | None = _throttle_settings(
        {**stage, "methodSettings": decoded}, path, method
    )
    return found


def build_event(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """Build the event of the function, with the id of the request."""
    event: dict[str, Any] = _build_event(*args, **kwargs)
    event["requestContext"]["requestId"] = _request_id.get()
    return event


def proxy_response(result: dict[str, Any]) -> tuple[dict[str, Any], None]:
    """Return the answer of a proxy function, or a marked 502 if it failed."""
    response, error = _proxy_response(result)
    if error:
        return {"statusCode": 502, "headers": {FUNCTION_FAILED: "1"}, "body": ""}, None
    return response, None


def preflight_response(integration: dict[str, Any]) -> tuple[int, dict[str, Any], bytes]:
    """Answer a preflight, which is the only mock integration that we deploy."""
    status, headers, template = _mock_response(integration)
    if _origin.get() in ALLOWED_ORIGIN.findall(template.decode()):
        headers["Access-Control-Allow-Origin"] = _origin.get()
    return status, headers, b""
