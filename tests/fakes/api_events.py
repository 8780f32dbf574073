"""API Gateway proxy events and a Lambda context, as the functions receive them."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass
class Context:
    """The part of a Lambda context that the functions read."""

    function_name: str = "function"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id: str = "lambda-request-1"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 10_000


FAR_FUTURE = "4102444800"
"""2100-01-01, in Unix seconds."""


def principal(
    client_id: str = "alice", permissions: str = "accounts:read orders:read orders:write"
) -> dict[str, str]:
    """The context that an authorizer adds to a request with a token that does not end."""
    return {
        "principalId": client_id,
        "client_id": client_id,
        "permissions": permissions,
        "api_key": f"key-{client_id}",
        "expires_at": FAR_FUTURE,
        "generation": "0",
        "methods": "pwd",
    }


def request(
    method: str,
    path: str,
    body: object = None,
    *,
    headers: dict[str, str] | None = None,
    authorizer: dict[str, str] | None = None,
    raw_body: str | None = None,
) -> dict[str, Any]:
    """A REST API proxy event. `raw_body` is sent unchanged. `body` is sent as JSON. A header
    replaces the default one, whatever the case of its name.
    """
    given = {name.lower() for name in headers or {}}
    defaults = {"Content-Type": "application/json", "Idempotency-Key": "key-1"}
    sent = {n: value for n, value in defaults.items() if n.lower() not in given} | (headers or {})
    text = raw_body if raw_body is not None else None if body is None else json.dumps(body)
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": {name: value for name, value in sent.items() if value},
        "multiValueHeaders": {name: [value] for name, value in sent.items() if value},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": "request-1",
            "stage": "test",
            "path": f"/test{path}",
            "httpMethod": method,
            "apiId": "api1234567",
            "identity": {"sourceIp": "192.0.2.1"},
            **({"authorizer": authorizer} if authorizer else {}),
        },
        "body": text,
        "isBase64Encoded": False,
    }


def header(answer: dict[str, Any], name: str) -> str | None:
    """The value of a response header."""
    values = answer["multiValueHeaders"].get(name)
    return values if values is None or isinstance(values, str) else ",".join(values)
