"""The HTTP front. One resolver admits, validates and answers alike for every function behind an
API.
"""

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
    OpenAPIResponseValidationMiddleware,
)
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from trading.adapters.http.browsers import shared_with
from trading.adapters.http.digests import digest
from trading.adapters.http.entity_tags import revalidated, without_body
from trading.adapters.http.principals import Principal
from trading.adapters.http.problems import (
    HttpError,
    ProblemCode,
    from_domain,
    from_validation,
    problem,
)
from trading.adapters.http.request_reading import (
    CLIENTS,
    Reading,
    check_no_body,
    check_query,
    idempotency_key,
    json_object,
    list_header,
    raw_body,
)
from trading.adapters.http.signed_requests import SIGNATURE_EXTENSION, Required, SignatureCheck
from trading.adapters.http.throttle import Allowance, Throttle
from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import count, logger, step
from trading.domain import patterns
from trading.domain.errors import DomainError, ErrorCode
from trading.metrics import Metric
from trading.wire import TRANSPORT_SECURITY

PERMISSION_EXTENSION = "x-permission"
BEARER_SCHEME = "bearer"
SIGNATURE_SCHEME = "venueSignature"
BODY = "_request_body"
ALLOWANCE = "_allowance"

Handler = TypeVar("Handler", bound=Callable[..., Any])
Body = TypeVar("Body")
Verifier = Callable[[APIGatewayProxyEvent, bytes], None]


class _RequestValidation(OpenAPIRequestValidationMiddleware):
    """Powertools' validation, on the body that the resolver has read."""

    def _get_body(self, app: APIGatewayRestResolver) -> dict[str, Any]:  # type: ignore[override]
        return app.context.get(BODY)  # type: ignore[return-value]


class ApiResolver:
    """Routes of one function behind API Gateway.

    A request passes these checks in this order: caller, rate limit, end of the token, path, size of
    the body, `verify` (if given) over the raw body, permission, signature of the caller, query,
    content type, JSON, idempotency key (except for GET and HEAD), validation against the signature
    of the handler.
    `verify(event, body)` raises for a request that is not authentic.

    Every error is answered with a problem document. The answer to a request that counted against
    the rate limit has its headers. The answer to a GET has an ETag, and a request with that tag in
    If-None-Match gets 304. HEAD is answered like GET, without the body. Pages of the `origins` may
    read the answers. `reading` says how bodies and idempotency keys are read.

    `on_forbidden(app, permission)` runs before a caller without the permission is refused. `signed`
    checks the requests of the routes that state a `signature`.
    """

    def __init__(
        self,
        throttle: Throttle | None = None,
        verify: Verifier | None = None,
        origins: Collection[str] = (),
        now: Callable[[], datetime] | None = None,
        reading: Reading = CLIENTS,
        on_forbidden: Callable[["ApiResolver", str], None] | None = None,
        signed: SignatureCheck | None = None,
    ) -> None:
        self._throttle = throttle
        self._now = now or clock.now
        self._verify = verify
        self._reading = reading
        self._on_forbidden = on_forbidden
        self._signed = signed
        self._origins = origins
        self._logged = logger.inject_lambda_context(self._answer, clear_state=True)
        self._routes: list[tuple[str, re.Pattern[str]]] = []
        # Powertools would validate before all other middleware. A body must not be parsed before
        # its sender is known, so the same two validators are added here by hand.
        self.powertools = APIGatewayRestResolver(json_body_deserializer=reading.parse)
        self.powertools.use(
            [
                self._admit,
                _RequestValidation(),  # type: ignore[no-untyped-call]
                OpenAPIResponseValidationMiddleware(has_response_validation_error=True),
            ]
        )
        self.powertools.not_found(self._on_not_found)
        self.powertools.exception_handler(Exception)(self._on_error)

    def get(
        self, rule: str, *, permission: str | None, **documentation: Any
    ) -> Callable[[Handler], Handler]:
        """Route a GET. With `permission` None it is open to everyone. `documentation` has the
        summary, the tags and so on. With all other methods, it may have a `signature`: when a
        request must be signed.
        """
        return self._route("GET", rule, permission, HTTPStatus.OK, documentation)

    def post(
        self,
        rule: str,
        *,
        permission: str | None,
        status: HTTPStatus = HTTPStatus.OK,
        **documentation: Any,
    ) -> Callable[[Handler], Handler]:
        """Route a POST, which always carries an Idempotency-Key. `status` is that of success."""
        return self._route("POST", rule, permission, status, documentation)

    def patch(
        self,
        rule: str,
        *,
        permission: str | None,
        status: HTTPStatus = HTTPStatus.OK,
        **documentation: Any,
    ) -> Callable[[Handler], Handler]:
        """Route a PATCH, which always carries an Idempotency-Key. `status` is that of success."""
        return self._route("PATCH", rule, permission, status, documentation)

    def delete(
        self,
        rule: str,
        *,
        permission: str | None,
        status: HTTPStatus = HTTPStatus.OK,
        **documentation: Any,
    ) -> Callable[[Handler], Handler]:
        """Route a DELETE, which always carries an Idempotency-Key. `status` is that of success."""
        return self._route("DELETE", rule, permission, status, documentation)

    def put(
        self, rule: str, *, permission: str | None, **documentation: Any
    ) -> Callable[[Handler], Handler]:
        """Route a PUT, which always carries an Idempotency-Key."""
        return self._route("PUT", rule, permission, HTTPStatus.OK, documentation)

    def _route(
        self,
        method: str,
        rule: str,
        permission: str | None,
        status: HTTPStatus,
        documentation: dict[str, Any],
    ) -> Callable[[Handler], Handler]:
        self._routes.append((method, re.compile(re.sub(r"<\w+>", "[^/]+", rule))))
        scheme = BEARER_SCHEME if permission else SIGNATURE_SCHEME if self._verify else None
        extensions = {PERMISSION_EXTENSION: permission}
        if signature := documentation.pop("signature", None):
            if self._signed is None:
                raise ValueError(f"nothing here checks the signature of {method} {rule}")
            extensions[SIGNATURE_EXTENSION] = Required(signature).value

        def register(function: Handler) -> Handler:
            route: Callable[[Handler], Handler] = self.powertools.route(
                rule,
                method,
                description=inspect.getdoc(function),
                status_code=status,
                security=[{scheme: []}] if scheme else None,
                openapi_extensions=extensions,
                **documentation,
            )
            return route(function)

        return register

    @property
    def event(self) -> APIGatewayProxyEvent:
        """The request being handled."""
        return self.powertools.current_event

    @property
    def request_id(self) -> str:
        """API Gateway's id of the request: on every problem, in every log line."""
        return (
            self.event.request_context.request_id or self.powertools.lambda_context.aws_request_id
        )

    @property
    def correlation_id(self) -> str:
        """The caller's X-Correlation-Id if it is safe to log and forward, else the request id."""
        candidate = list_header(self.event, "x-correlation-id")
        return candidate if re.fullmatch(patterns.CORRELATION_ID, candidate) else self.request_id

    @property
    def principal(self) -> Principal:
        """The caller. Raises HttpError 401 if no authorizer stands before the function."""
        return Principal.of(self.event["requestContext"].get("authorizer") or {})

    @property
    def idempotency_key(self) -> str:
        """The request's Idempotency-Key. Raises HttpError 400 when missing or malformed."""
        return idempotency_key(self.event, self._reading)

    @property
    def target(self) -> str:
        """The method and the path of the request, the path from the validated values in it."""
        route, arguments = self._route_and_arguments
        path = re.sub(r"<(\w+)>", lambda name: str(arguments[name[1]]), route.path)
        return f"{self.event.http_method} {path}"

    @property
    def digest(self) -> str:
        """Tells a repetition of the request from another one. It covers every argument of the
        handler: path, query and body.
        """
        return digest(self._route_and_arguments[1])

    def compare_as(self, **arguments: object) -> None:
        """Put these arguments in the place of those that came, for `target` and `digest`. So two
        names of one thing make one request, and a field can be left out of the comparison.
        """
        self._route_and_arguments[1].update(arguments)

    @property
    def _route_and_arguments(self) -> tuple[Any, dict[str, Any]]:
        return self.powertools.context["_route"], self.powertools.context["_route_args"]

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one API Gateway proxy event.
        This is the Lambda handler: `handler = app.resolve`.
        """
        answer: dict[str, Any] = self._logged(event, context)
        return answer

    def _answer(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        method = event["httpMethod"]
        with step("request") as line:
            answer = self.powertools.resolve(
                {**event, "httpMethod": "GET"} if method == "HEAD" else event, context
            )
            answer["multiValueHeaders"]["Cache-Control"] = ["no-store"]
            if self.event.http_method == "GET" and answer["statusCode"] == HTTPStatus.OK:
                answer = revalidated(answer, list_header(self.event, "if-none-match"))
            line.facts |= {
                "method": method,
                "path": self.event.path,
                "status": answer["statusCode"],
            }
        headers = answer["multiValueHeaders"] | {
            "X-Content-Type-Options": ["nosniff"],
            **{name: [value] for name, value in TRANSPORT_SECURITY.items()},
            "X-Correlation-Id": [self.correlation_id],
        }
        shared = shared_with(list_header(self.event, "origin"), self._origins)
        for name, values in shared.items():
            headers[name] = [*headers.get(name, ()), *values]
        answer |= {"multiValueHeaders": headers}
        return without_body(answer) if method == "HEAD" else answer

    def _admit(self, app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
        logger.append_keys(correlation_id=self.correlation_id, request_id=self.request_id)
        # Powertools' stand-in for a path without a route has no extensions.
        permission = (app.context["_route"].openapi_extensions or {}).get(PERMISSION_EXTENSION)
        has_caller = permission or self.event["requestContext"].get("authorizer")
        allowance = self._count_request() if has_caller else None
        try:
            response = self._read(app, permission, allowance, next_middleware)
        except Exception as error:
            response = self._on_error(error)
        if allowance:
            response.headers.update(allowance.headers)
        return response

    def _read(
        self,
        app: APIGatewayRestResolver,
        permission: str | None,
        allowance: Allowance | None,
        next_middleware: NextMiddleware,
    ) -> Response[Any]:
        """The handler's response to the request, once each part of it has been read."""
        if allowance:
            self.principal.check_allowed(allowance)
            app.context[ALLOWANCE] = allowance
        if app.context["_route"].openapi_extensions is None:
            raise NotFoundError
        body = raw_body(self.event)
        if self._verify:
            self._verify(self.event, body)
        self.check_permission(permission)
        if self._signed and (
            needed := app.context["_route"].openapi_extensions.get(SIGNATURE_EXTENSION)
        ):
            self._signed.check(self.event, body, self.principal, Required(needed))
        takes = app.context["_route"].dependant
        check_query(self.event, takes.query_params)
        if not takes.body_params:
            check_no_body(body)
        app.context[BODY] = json_object(self.event, body, self._reading.parse) if body else None
        if self.event.http_method != "GET":
            logger.append_keys(idempotency_key=self.idempotency_key)
        return next_middleware(app)

    def _count_request(self) -> Allowance | None:
        """What the caller may still do after this request. Raises HttpError 401."""
        principal = self.principal
        principal.check_not_expired(self._now())
        logger.append_keys(client_id=principal.client_id)
        if self._throttle is None:
            return None
        return self._throttle.take(principal.api_key, principal.generation)

    @property
    def may_wait(self) -> bool:
        """Whether the request may take as long as its caller wants, by the rate limit of the
        caller's key. It may if nobody counts.
        """
        allowance: Allowance | None = self.powertools.context.get(ALLOWANCE)
        return allowance is None or allowance.may_wait

    def check_permission(self, permission: str | None) -> None:
        """Raise HttpError 403 if the caller does not have it. The attempt is recorded."""
        if permission and permission not in self.principal.permissions:
            if self._on_forbidden:
                self._on_forbidden(self, permission)
            self.principal.check_permission(permission)

    def _on_not_found(self, _: NotFoundError) -> Response[str]:
        path = self.event.path.rstrip("/")
        allowed = {method for method, rule in self._routes if rule.fullmatch(path)}
        allowed |= {"HEAD"} if "GET" in allowed else set()
        if allowed and self.event.http_method not in allowed:
            error = HttpError(
                HTTPStatus.METHOD_NOT_ALLOWED,
                ProblemCode.METHOD_NOT_ALLOWED,
                f"Only {', '.join(sorted(allowed))} here.",
                headers={"Allow": ", ".join(sorted(allowed))},
            )
        else:
            error = HttpError(HTTPStatus.NOT_FOUND, ErrorCode.NOT_FOUND, "There is nothing here.")
        return problem(error, self.request_id)

    def _on_error(self, error: Exception) -> Response[str]:
        if isinstance(error, NotFoundError):
            return self._on_not_found(error)
        if isinstance(error, DomainError):
            error = from_domain(error)
        elif isinstance(error, RequestValidationError):
            error = from_validation(error.errors())
        if not isinstance(error, HttpError):
            logger.exception("unexpected error", exc_info=error)
            count(Metric.UNEXPECTED_ERROR)
            error = HttpError(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                ProblemCode.INTERNAL,
                "Something failed on our side.",
            )
        logger.append_keys(problem=error.code)
        return problem(error, self.request_id)


def json_response(
    body: Body, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response[Body]:
    """An answer with its own headers. The `body` is validated against the `Response[Model]` that
    the handler returns.
    """
    return Response(status, content_types.APPLICATION_JSON, body, headers={**(headers or {})})
