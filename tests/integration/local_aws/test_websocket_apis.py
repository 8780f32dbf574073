"""The patches of `local` that make WebSocket APIs of MiniStack work as those of API Gateway do."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from ministack.core import lambda_runtime  # type: ignore[import-untyped]
from ministack.services import apigateway, lambda_svc  # type: ignore[import-untyped]
from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]

from local import websocket_apis

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
ALLOWED = {
    "principalId": "alice",
    "policyDocument": {
        "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]
    },
    "context": {"client_id": "alice"},
}
PATCHED = (
    (apigateway, "handle_websocket"),
    (apigateway, "_invoke_ws_lambda"),
    (apigateway, "_authorize_ws_connect"),
    (lambda_svc, "_execute_function_with_config_scope"),
    (lambda_runtime, "get_or_create_worker"),
)
ACCEPTED, CLOSED = "websocket.accept", "websocket.close"


def made(answer: tuple[int, Any, bytes]) -> dict[str, Any]:
    """What a call of the management API has made."""
    status, _, body = answer
    assert status == 201
    found: dict[str, Any] = json.loads(body)
    return found


class Stream:
    """A WebSocket API whose functions answer as a test says: `answers`, by the type of the event.
    An exception means that the function raises it. `invoked`: the events that came.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "AUTHORIZER": ALLOWED,
            "CONNECT": {"statusCode": 200},
            "MESSAGE": {"statusCode": 200},
            "DISCONNECT": {"statusCode": 200},
        }
        self.invoked: list[tuple[str, str, dict[str, Any]]] = []
        self.api_id = made(apigateway._create_api({"name": "stream", "protocolType": "WEBSOCKET"}))[
            "apiId"
        ]
        authorizer = made(
            apigateway._create_authorizer(
                self.api_id,
                {
                    "authorizerType": "REQUEST",
                    "authorizerUri": f"{ARN}authorizer",
                    "identitySource": [],
                },
            )
        )["authorizerId"]
        integration = made(
            apigateway._create_integration(self.api_id, {"integrationUri": f"{ARN}stream"})
        )["integrationId"]
        self.routes = {
            key: made(
                apigateway._create_route(
                    self.api_id,
                    {
                        "routeKey": key,
                        "target": f"integrations/{integration}",
                        **(
                            {"authorizationType": "CUSTOM", "authorizerId": authorizer}
                            if key == "$connect"
                            else {}
                        ),
                    },
                )
            )["routeId"]
            for key in ("$connect", "$default", "$disconnect")
        }
        made(apigateway._create_stage(self.api_id, {"stageName": "stream"}))

    def find(self, reference: str, **_: Any) -> tuple[dict[str, Any], dict[str, Any], str]:
        """The record of a function, its configuration and its name."""
        name = reference.removeprefix(ARN).partition(":")[0]
        config = {"FunctionName": name, "FunctionArn": ARN + name, "Runtime": "python3.11"}
        return {"config": config, "code_zip": b"code"}, config, name

    def execute(self, function: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        """MiniStack's dispatcher of invocations."""
        name = function["config"]["FunctionName"]
        kind = "AUTHORIZER" if name == "authorizer" else event["requestContext"]["eventType"]
        self.invoked.append((name, kind, event))
        answer = self.answers[kind]
        if isinstance(answer, Exception):
            failed = {"errorMessage": str(answer), "errorType": "Exception"}
            return {"body": failed, "error": True, "function_error": "Unhandled"}
        return {"body": answer}

    def serve(self, said: Sequence[str] = (), extensions: bool = True) -> list[dict[str, Any]]:
        """A client connects, says these messages and goes. Returns what it was sent."""
        incoming: list[dict[str, Any]] = [
            {"type": "websocket.connect"},
            *({"type": "websocket.receive", "text": text} for text in said),
            {"type": "websocket.disconnect", "code": 1000},
        ]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return incoming.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "websocket",
            "path": "/stream",
            "headers": [(b"authorization", b"Bearer token"), (b"user-agent", b"test")],
            "query_string": b"",
            "client": ("127.0.0.1", 1234),
            "extensions": {"websocket.http.response": {}} if extensions else {},
        }
        asyncio.run(apigateway.handle_websocket(scope, receive, send, self.api_id))
        return sent


@pytest.fixture
def unpatched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    """MiniStack as it is, but for the functions: they run in this process."""
    for module, name in PATCHED:
        monkeypatch.setattr(module, name, getattr(module, name))
    stream = Stream()
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_ref_in_scope", stream.find)
    monkeypatch.setattr(lambda_svc, "_execute_function", stream.execute)
    monkeypatch.setattr(lambda_runtime, "get_or_create_worker", websocket_apis.Dispatched)
    yield stream
    provisioners._RESOURCE_HANDLERS.pop(websocket_apis.ROUTE_RESPONSE, None)
    apigateway._delete_api(stream.api_id)


@pytest.fixture
def stream(unpatched: Stream) -> Stream:
    websocket_apis.apply()
    return unpatched


def status(sent: list[dict[str, Any]]) -> int | str:
    """The status of a handshake's refusal, or the type of the first message."""
    first = sent[0]
    answered: int | str = first.get("status", first["type"])
    return answered


def test_a_message_is_answered_by_the_function(stream: Stream) -> None:
    stream.answers["MESSAGE"] = {"statusCode": 200, "body": '{"type": "pong"}'}
    sent = stream.serve(["ping", "ping"])
    assert [each["type"] for each in sent] == [ACCEPTED, *["websocket.send"] * 2, CLOSED]
    assert [each["text"] for each in sent[1:3]] == ['{"type": "pong"}'] * 2
    assert [(name, kind) for name, kind, _ in stream.invoked] == [
        ("authorizer", "AUTHORIZER"),
        ("stream", "CONNECT"),
        ("stream", "MESSAGE"),
        ("stream", "MESSAGE"),
        ("stream", "DISCONNECT"),
    ]


def test_every_event_of_a_connection_has_what_the_authorizer_found(stream: Stream) -> None:
    stream.serve(["ping"])
    contexts = [event["requestContext"] for _, kind, event in stream.invoked[1:]]
    assert [context["authorizer"]["client_id"] for context in contexts] == ["alice"] * 3
    assert len({context["connectionId"] for context in contexts}) == 1


# --- the handshake


def test_an_unknown_caller_is_answered_401(stream: Stream) -> None:
    stream.answers["AUTHORIZER"] = Exception("Unauthorized")
    assert status(stream.serve()) == 401
    assert [name for name, _, _ in stream.invoked] == ["authorizer"]


def test_ministack_still_answers_an_unknown_caller_500(unpatched: Stream) -> None:
    """If this fails, the patch may be superfluous."""
    unpatched.answers["AUTHORIZER"] = Exception("Unauthorized")
    assert status(unpatched.serve()) == 500


def test_an_authorizer_that_fails_otherwise_is_answered_500(stream: Stream) -> None:
    stream.answers["AUTHORIZER"] = Exception("a bug")
    assert status(stream.serve()) == 500


def test_after_a_refusal_the_next_caller_is_admitted(stream: Stream) -> None:
    stream.answers["AUTHORIZER"] = Exception("Unauthorized")
    stream.serve()
    stream.answers["AUTHORIZER"] = ALLOWED
    assert status(stream.serve()) == ACCEPTED


@pytest.mark.parametrize("code", [403, 409, 429, 500])
def test_a_handshake_that_the_function_refuses_has_its_status(stream: Stream, code: int) -> None:
    stream.answers["CONNECT"] = {"statusCode": code, "body": '{"code": "FORBIDDEN"}'}
    sent = stream.serve(["ping"])
    assert status(sent) == code
    assert "FORBIDDEN" in sent[1]["body"].decode()
    assert [kind for _, kind, _ in stream.invoked] == ["AUTHORIZER", "CONNECT"]


def test_ministack_still_closes_a_refused_handshake_without_a_status(unpatched: Stream) -> None:
    """If this fails, the patch may be superfluous."""
    unpatched.answers["CONNECT"] = {"statusCode": 429}
    assert unpatched.serve() == [{"type": CLOSED, "code": 1008}]


def test_a_server_that_can_only_close_closes(stream: Stream) -> None:
    stream.answers["CONNECT"] = {"statusCode": 429}
    assert stream.serve(extensions=False) == [{"type": CLOSED, "code": 1008}]


def test_a_function_that_fails_refuses_the_handshake(stream: Stream) -> None:
    stream.answers["CONNECT"] = Exception("a bug")
    assert status(stream.serve()) == 502


@pytest.mark.parametrize("name", ["Sec-WebSocket-Protocol", "sec-websocket-protocol"])
def test_the_subprotocol_that_the_function_chose_is_answered(stream: Stream, name: str) -> None:
    stream.answers["CONNECT"] = {"statusCode": 200, "headers": {name: "trading"}}
    assert stream.serve()[0] == {"type": ACCEPTED, "subprotocol": "trading"}


@pytest.mark.parametrize("headers", [{}, None, {"X-Other": "1"}])
def test_without_a_choice_no_subprotocol_is_answered(stream: Stream, headers: Any) -> None:
    stream.answers["CONNECT"] = {"statusCode": 200, "headers": headers}
    assert stream.serve()[0] == {"type": ACCEPTED}


def test_ministack_still_answers_no_subprotocol(unpatched: Stream) -> None:
    """If this fails, the patch may be superfluous."""
    unpatched.answers["CONNECT"] = {
        "statusCode": 200,
        "headers": {"Sec-WebSocket-Protocol": "trading"},
    }
    assert unpatched.serve()[0] == {"type": ACCEPTED}


def test_a_handshake_does_not_remember_the_answer_to_another(stream: Stream) -> None:
    stream.answers["CONNECT"] = {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "x"}}
    stream.serve()
    stream.answers["CONNECT"] = {"statusCode": 200}
    assert stream.serve()[0] == {"type": ACCEPTED}


# --- the template


def test_a_template_can_make_a_route_response_and_delete_it(stream: Stream) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[websocket_apis.ROUTE_RESPONSE]
    route_id = stream.routes["$default"]
    properties = {
        "ApiId": stream.api_id,
        "RouteId": f"{stream.api_id}/{route_id}",
        "RouteResponseKey": "$default",
    }
    physical_id, attributes = handlers["create"]("Answer", properties, "stack")
    assert attributes == {}
    [found] = apigateway._route_responses[stream.api_id][route_id].values()
    assert found["routeResponseKey"] == "$default"
    handlers["delete"](physical_id, properties)
    assert apigateway._route_responses[stream.api_id][route_id] == {}
    handlers["delete"](physical_id, properties)


def test_a_route_response_of_an_unknown_route_is_refused(stream: Stream) -> None:
    properties = {"ApiId": stream.api_id, "RouteId": "none", "RouteResponseKey": "$default"}
    with pytest.raises(ValueError, match="NotFound"):
        websocket_apis.create_route_response("Answer", properties, "stack")


def test_ministack_still_does_not_know_the_type(unpatched: Stream) -> None:
    """If this fails, the patch may be superfluous."""
    assert unpatched.api_id
    assert websocket_apis.ROUTE_RESPONSE not in provisioners._RESOURCE_HANDLERS
