"""API Gateway over the whole system on a mocked AWS. Both APIs stand behind their authorizers, as
HTTP on 127.0.0.1.
"""

import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from infra.catalog.routes import INTERNAL_ROUTES, PUBLIC_ROUTES, Route
from infra.constructs.gateway_responses import PROBLEMS
from tests.fakes.api_gateway import proxy_event, route_of
from tests.integration.local_http import HttpAnswer, HttpRequest, LocalServer
from tests.integration.system import System

APIS: dict[str, tuple[tuple[Route, ...], str]] = {
    "public": (PUBLIC_ROUTES, "authorizer"),
    "internal": (INTERNAL_ROUTES, "internal_authorizer"),
}
OPEN = "/api/v1/auth/token"
METHOD_ARN = "arn:aws:execute-api:us-east-1:000000000000:{}/test/GET/any"


@dataclass
class Gateway:
    """`lose` says how many responses are lost after the function has run. `instead` has the
    responses that are given without calling the function. `seen` has the requests that arrived.
    """

    system: System
    lose: int = 0
    instead: list[HttpAnswer] = field(default_factory=list)
    seen: list[HttpRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = LocalServer(self._answer)

    def url(self, api: str) -> str:
        """The address of an API."""
        return f"{self._server.url}/{api}"

    def close(self) -> None:
        self._server.close()

    def _answer(self, http: HttpRequest) -> HttpAnswer:
        self.seen.append(http)
        parts = urlsplit(http.path)
        _, api, path = parts.path.split("/", 2)
        if self.instead and f"/{path}" != OPEN:
            return self.instead.pop(0)
        answer = self._ask(api, f"/{path}", parts.query, http)
        if self.lose and f"/{path}" != OPEN:
            self.lose -= 1
            raise ConnectionAbortedError("the answer is lost")
        return answer

    def _ask(self, api: str, path: str, query: str, http: HttpRequest) -> HttpAnswer:
        routes, authorizer = APIS[api]
        route = route_of(routes, http.method, path)
        if route is None:
            return _own(404)
        claims = None
        if not route.signed:
            event = {
                "type": "REQUEST",
                "methodArn": METHOD_ARN.format(api),
                "headers": http.headers,
            }
            try:
                claims = self.system.invoke(authorizer, event)["context"]
            except Exception as error:
                if str(error) != "Unauthorized":
                    raise
                return _own(401)
        event = proxy_event(route, http.method, path, query, http.sent, http.body, claims=claims)
        return HttpAnswer.of(self.system.invoke(route.function, event))


def _own(status: int) -> HttpAnswer:
    """The responses that API Gateway gives by itself, as deployed."""
    problem = next(problem for _, problem in PROBLEMS if problem.status == status)
    body = problem.template.replace("$context.requestId", "request-0")
    return HttpAnswer(status, body.encode(), "application/problem+json", problem.headers)


def problem(status: int, code: str, **headers: str) -> HttpAnswer:
    """A problem document, as the functions write it."""
    body = {"status": status, "code": code, "detail": "So it is.", "request_id": "request-9"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status, json.dumps(body).encode(), "application/problem+json", named)
