"""The simulated API Gateway.

It has routes, authorizers and their cache. Requests and answers may get lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from infra.catalog.routes import (
    CALLBACK_ROUTES,
    INTERNAL_ROUTES,
    PUBLIC_ROUTES,
    VERDICT_SECONDS,
    Route,
)
from tests.fakes.api_gateway import proxy_event, route_of
from tests.simulation.engine import LATENCY, Engine, Outcome
from tests.simulation.faults import Faults
from tests.simulation.lambdas import Lambda
from tests.simulation.names import STAGE

TIMEOUT = 29.0
ARN = "arn:aws:execute-api:us-east-1:000000000000:sim/sim/{method}{path}"
APIS: dict[str, tuple[Route, ...]] = {
    "public": PUBLIC_ROUTES,
    "internal": INTERNAL_ROUTES,
    "callbacks": CALLBACK_ROUTES,
}
AUTHORIZERS = {"public": "authorizer", "internal": "internal_authorizer"}


@dataclass(frozen=True)
class Answer:
    """What an HTTP caller gets. Status 0 means no answer: the connection broke or timed out."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return json.loads(self.body)


class Request(NamedTuple):
    """An HTTP request to one of the APIs. `key` is its name in the log of the run."""

    api: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    key: str


class ApiGateway:
    """The APIs that can be reached over the internet."""

    def __init__(
        self,
        engine: Engine,
        random: Random,
        faults: Faults,
        lambdas: Lambda,
        log: Callable[..., None],
    ) -> None:
        self._engine = engine
        self._random = random
        self._faults = faults
        self._lambdas = lambdas
        self._log = log
        self._authorized: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}

    def send(self, request: Request, done: Callable[[Answer], None]) -> None:
        """Send a request over the internet. `done` is called with the answer, if one arrives."""
        if self._faults.happens("request_lost", self._random):
            self._log(request.key, "request lost")
            self._engine.after(TIMEOUT, lambda: done(Answer(0)))
            return

        def answered(answer: Answer) -> None:
            self._log(request.key, "answered", answer.status)
            if self._faults.happens("response_lost", self._random):
                self._log(request.key, "response lost")
                self._engine.after(TIMEOUT, lambda: done(Answer(0)))
            else:
                self._engine.after(self._random.uniform(*LATENCY), lambda: done(answer))

        self._engine.after(self._random.uniform(*LATENCY), lambda: self._routed(request, answered))

    def _routed(self, request: Request, done: Callable[[Answer], None]) -> None:
        api, method, target, headers, body, key = request
        path, _, query = target.partition("?")
        route = route_of(APIS[api], method, path)
        if route is None:
            done(Answer(403, b'{"message":"Missing Authentication Token"}'))
            return
        sent = {"Content-Type": "application/json", **headers}
        event = proxy_event(
            route,
            method,
            path,
            query,
            sent.items(),
            body,
            request_id=re.sub(r"[^A-Za-z0-9-]", "-", key),
            stage=STAGE,
        )

        def authorized(claims: dict[str, Any] | None) -> None:
            if claims is not None:
                event["requestContext"]["authorizer"] = claims
            self._lambdas.invoke(route.function, event, key, lambda outcome: done(_answer(outcome)))

        if route.signed:
            authorized(None)
        else:
            self._authorize(api, event, headers.get("Authorization", ""), key, authorized, done)

    def _authorize(
        self,
        api: str,
        event: dict[str, Any],
        authorization: str,
        key: str,
        authorized: Callable[[dict[str, Any]], None],
        refused: Callable[[Answer], None],
    ) -> None:
        known = self._authorized.get((api, authorization))
        if known is not None and known[0] > self._engine.now:
            authorized(known[1])
            return

        def decided(outcome: Outcome) -> None:
            if outcome.value is None:
                unauthorized = outcome.error is not None and str(outcome.error) == "Unauthorized"
                refused(Answer(401 if unauthorized else 500, b'{"code":"UNAUTHENTICATED"}'))
                return
            claims = outcome.value["context"]
            self._authorized[api, authorization] = (
                self._engine.now + VERDICT_SECONDS[api],
                claims,
            )
            authorized(claims)

        asked = {
            **event,
            "type": "REQUEST",
            "methodArn": ARN.format(method=event["httpMethod"], path=event["path"]),
        }
        self._lambdas.invoke(AUTHORIZERS[api], asked, key, decided)


def _answer(outcome: Outcome) -> Answer:
    if outcome.value is None:
        return Answer(504 if outcome.killed == "timed out" else 502, b'{"code":"UNAVAILABLE"}')
    value = outcome.value
    headers = {name: values[-1] for name, values in value["multiValueHeaders"].items()}
    return Answer(value["statusCode"], value["body"].encode(), headers)
