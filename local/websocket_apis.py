"""Makes the WebSocket APIs of MiniStack behave like those of API Gateway. Five patches remove these
differences:

* When the authorizer raises "Unauthorized", AWS answers 401. MiniStack answers 500.
* When the function refuses the handshake, AWS answers with the function's status. MiniStack answers
  403.
* AWS sends the subprotocol that the function selects. MiniStack sends none, so browsers close the
  connection.
* MiniStack does not invoke the function through its dispatcher. One process serves all events, and
  its output is lost.
* On AWS, the answer to a message needs a route response. MiniStack always sends the answer, and its
  CloudFormation does not know the type.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-untyped]
from ministack.core.responses import get_account_id, get_region  # type: ignore[import-untyped]
from ministack.services import apigateway, lambda_svc  # type: ignore[import-untyped]
from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]

SUBPROTOCOL = "sec-websocket-protocol"
UNAUTHORIZED = "Unauthorized"
ROUTE_RESPONSE = "AWS::ApiGatewayV2::RouteResponse"

Message = MutableMapping[str, Any]
_handle = apigateway.handle_websocket
_invoke = apigateway._invoke_ws_lambda
_authorize = apigateway._authorize_ws_connect
_answer: ContextVar[dict[str, Any]] = ContextVar("answer")
"""The answer of the function to the handshake."""
_said: ContextVar[list[str]] = ContextVar("said")
"""The errors of failed functions, while an authorizer runs."""


def apply() -> None:
    """Patch MiniStack's data plane. Call it once in a process, before the process serves."""
    apigateway.handle_websocket = handle
    apigateway._invoke_ws_lambda = invoke
    apigateway._authorize_ws_connect = authorize
    lambda_svc._execute_function_with_config_scope = noting_errors(
        lambda_svc._execute_function_with_config_scope
    )
    lambda_runtime.get_or_create_worker = Dispatched
    provisioners._RESOURCE_HANDLERS[ROUTE_RESPONSE] = {
        "create": create_route_response,
        "delete": delete_route_response,
    }


class Dispatched:
    """Replaces the worker of a function. It invokes the function as other triggers do."""

    def __init__(self, _: str, config: dict[str, Any], __: bytes, *, qualifier: str) -> None:
        self._config = config
        self._reference = f"{config['FunctionName']}:{qualifier}"

    def invoke(self, event: Any, _: str) -> dict[str, Any]:
        """The answer of the function."""
        function, _config, _name = lambda_svc._get_func_record_for_ref_in_scope(
            self._reference, account_id=get_account_id(), region=get_region()
        )
        record = lambda_svc._execution_record_for_config(function, self._config)
        result = lambda_svc._execute_function(record, event)
        return {
            "status": "success",
            "result": lambda_svc.lambda_execute_result_to_api_proxy_response(result)[0],
        }


def create_route_response(
    _: str, properties: Mapping[str, Any], __: str
) -> tuple[str, dict[str, str]]:
    """Create the route response of the template. Returns the physical id."""
    api_id, route_id = properties["ApiId"], properties["RouteId"].rpartition("/")[2]
    key = properties["RouteResponseKey"]
    status, _headers, body = apigateway._create_route_response(
        api_id, route_id, {"routeResponseKey": key}
    )
    if status >= HTTPStatus.BAD_REQUEST:
        raise ValueError(f"{ROUTE_RESPONSE} create failed: {body!r}")
    made: str = json.loads(body)["routeResponseId"]
    return f"{api_id}/{route_id}/{made}", {}


def delete_route_response(physical_id: str, _: Mapping[str, Any]) -> None:
    """Delete the route response, if its route still exists."""
    apigateway._delete_route_response(*physical_id.split("/"))


async def handle(
    scope: Any, receive: Any, send: Callable[[Message], Awaitable[None]], *args: Any, **named: Any
) -> None:
    """Serve one connection. The handshake gets the answer of the function."""
    answer: dict[str, Any] = {}
    token = _answer.set(answer)
    is_open = False

    async def send_as_said(message: Message) -> None:
        nonlocal is_open
        if message["type"] == "websocket.accept":
            is_open = True
            headers = {name.lower(): text for name, text in (answer.get("headers") or {}).items()}
            if SUBPROTOCOL in headers:
                message = {**message, "subprotocol": headers[SUBPROTOCOL]}
        elif message["type"] == "websocket.close" and not is_open and answer:
            await apigateway._refuse_ws_handshake(
                scope, send, int(answer["statusCode"]), answer.get("body") or "", "", ""
            )
            return
        await send(message)

    try:
        await _handle(scope, receive, send_as_said, *args, **named)
    finally:
        _answer.reset(token)


async def invoke(*args: Any, **named: Any) -> Any:
    """Invoke the function of a route. Remember its answer to a handshake."""
    response = await _invoke(*args, **named)
    if "CONNECT" in args and isinstance(response, dict):
        _answer.get().update(response)
    return response


async def authorize(*args: Any, **named: Any) -> Any:
    """Call the authorizer of a handshake. Returns (refusal, context)."""
    said: list[str] = []
    token = _said.set(said)
    try:
        refusal, context = await _authorize(*args, **named)
    finally:
        _said.reset(token)
    if refusal and any(UNAUTHORIZED in text for text in said):
        return (int(HTTPStatus.UNAUTHORIZED), UNAUTHORIZED), None
    return refusal, context


def noting_errors(execute: Callable[..., Any]) -> Callable[..., Any]:
    """What runs functions. It remembers their errors while an authorizer runs."""

    def execute_and_note(*args: Any, **named: Any) -> Any:
        result = execute(*args, **named)
        said = _said.get(None)
        if said is not None and isinstance(result, dict) and result.get("error"):
            said.append(str(result.get("body")))
        return result

    return execute_and_note
