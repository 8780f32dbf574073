"""What API Gateway does with a request before a function sees it: it finds the route, and makes the
proxy event of a REST API.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from infra.catalog.routes import Route


def route_of(routes: Iterable[Route], method: str, path: str) -> Route | None:
    """The route that a method and a path match, if there is one."""
    return next(
        (
            route
            for route in routes
            if method in route.methods and _pattern(route.path).fullmatch(path)
        ),
        None,
    )


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path))


def query_parameters(query: str) -> dict[str, Any]:
    """The two members of the event that hold the query. A parameter without a value is there, with
    an empty text. One that is given twice has all values in the second, and the last in the first.
    """
    return {
        "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)) or None,
        "multiValueQueryStringParameters": parse_qs(query, keep_blank_values=True) or None,
    }


def proxy_event(
    route: Route,
    method: str,
    path: str,
    query: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    request_id: str = "request-1",
    stage: str = "test",
    claims: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The event for the function of a route. `claims` are the authorizer's context.

    Bytes of the body that are not UTF-8 arrive as replacement characters, as they do on AWS.
    """
    sent = list(headers)
    values: dict[str, list[str]] = {}
    for name, value in sent:
        values.setdefault(name, []).append(value)
    matched = _pattern(route.path).fullmatch(path)
    return {
        "resource": route.path,
        "path": path,
        "httpMethod": method,
        "headers": dict(sent),
        "multiValueHeaders": values,
        **query_parameters(query),
        "pathParameters": (matched.groupdict() if matched else None) or None,
        "stageVariables": None,
        "requestContext": {
            "requestId": request_id,
            "stage": stage,
            "path": f"/{stage}{path}",
            "httpMethod": method,
            "apiId": "api1234567",
            "identity": {"sourceIp": "192.0.2.1"},
            **({"authorizer": claims} if claims is not None else {}),
        },
        "body": body.decode(errors="replace") or None,
        "isBase64Encoded": False,
    }
