"""The answers that API Gateway makes itself, as RFC 9457 problem details."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from aws_cdk import aws_apigateway as apigateway

from trading.adapters.http.browsers import EXPOSED_HEADERS
from trading.wire import TRANSPORT_SECURITY

THROTTLED_RETRY_AFTER_SECONDS = 1
_HEADERS = {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    **TRANSPORT_SECURITY,
}


@dataclass(frozen=True)
class Problem:
    """The answer to one type of error. `code` is stable; `headers` are literal values."""

    status: int
    title: str
    code: str
    detail: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """The body. It repeats nothing of the request: only `$context.requestId` cannot break out
        of a JSON string.
        """
        return json.dumps(
            {
                "type": f"urn:trading:problem:{self.code.lower().replace('_', '-')}",
                "title": self.title,
                "status": self.status,
                "code": self.code,
                "detail": self.detail,
                "request_id": "$context.requestId",
            }
        )

    @property
    def response_headers(self) -> dict[str, str]:
        """The headers as API Gateway takes them: literals in single quotes, over the template's own
        content type.
        """
        headers = {**_HEADERS, **self.headers}
        return {name: f"'{value}'" for name, value in headers.items()}


def shared_with(origins: Sequence[str]) -> dict[str, str]:
    """The headers that let a page read the gateway's own answers.

    The gateway cannot compare an origin with a list. With one origin the header is that origin.
    With several it repeats the request's origin: these answers say nothing that is secret.
    """
    if not origins:
        return {}
    [origin, *others] = origins
    return {
        "Access-Control-Allow-Origin": "method.request.header.Origin" if others else f"'{origin}'",
        "Access-Control-Expose-Headers": f"'{', '.join(EXPOSED_HEADERS)}'",
        "Vary": "'Origin'",
    }


_UNAUTHENTICATED = Problem(
    401,
    "Unauthorized",
    "UNAUTHENTICATED",
    "A valid bearer token is required.",
    {"WWW-Authenticate": "Bearer"},
)
_FORBIDDEN = Problem(403, "Forbidden", "FORBIDDEN", "The token does not allow this.")
_NOT_FOUND = Problem(
    404, "Not Found", "NOT_FOUND", "There is nothing at this path for this method."
)
_INVALID = Problem(400, "Bad Request", "BAD_REQUEST", "The request is not valid.")
_THROTTLED = Problem(
    429,
    "Too Many Requests",
    "RATE_LIMITED",
    "Too many requests; try again shortly.",
    {"Retry-After": str(THROTTLED_RETRY_AFTER_SECONDS)},
)
_INTERNAL = Problem(500, "Internal Server Error", "INTERNAL", "Something went wrong on our side.")
_FUNCTION_FAILED = Problem(502, "Bad Gateway", "INTERNAL", "Something went wrong on our side.")
_UNAVAILABLE = Problem(
    504, "Gateway Timeout", "UNAVAILABLE", "The service did not answer; repeating is safe."
)
_TOO_LARGE = Problem(413, "Content Too Large", "BODY_TOO_LARGE", "The request's body is too large.")
_UNSUPPORTED = Problem(
    415, "Unsupported Media Type", "UNSUPPORTED_MEDIA_TYPE", "Send application/json."
)

_TYPE = apigateway.ResponseType
PROBLEMS: tuple[tuple[apigateway.ResponseType, Problem], ...] = (
    (_TYPE.UNAUTHORIZED, _UNAUTHENTICATED),
    (_TYPE.ACCESS_DENIED, _FORBIDDEN),
    # What API Gateway says to a path or method that it does not know; with an Authorization header
    # it takes the request for a badly signed one.
    (_TYPE.MISSING_AUTHENTICATION_TOKEN, _NOT_FOUND),
    (_TYPE.INVALID_SIGNATURE, _NOT_FOUND),
    (_TYPE.EXPIRED_TOKEN, _NOT_FOUND),
    (_TYPE.RESOURCE_NOT_FOUND, _NOT_FOUND),
    (_TYPE.THROTTLED, _THROTTLED),
    (_TYPE.QUOTA_EXCEEDED, _THROTTLED),
    # Most of what AWS WAF blocks exceeds a rate.
    (_TYPE.WAF_FILTERED, _THROTTLED),
    (_TYPE.REQUEST_TOO_LARGE, _TOO_LARGE),
    (_TYPE.UNSUPPORTED_MEDIA_TYPE, _UNSUPPORTED),
    (_TYPE.BAD_REQUEST_BODY, _INVALID),
    (_TYPE.BAD_REQUEST_PARAMETERS, _INVALID),
    (_TYPE.DEFAULT_4_XX, _INVALID),
    (_TYPE.AUTHORIZER_FAILURE, _INTERNAL),
    (_TYPE.AUTHORIZER_CONFIGURATION_ERROR, _INTERNAL),
    (_TYPE.API_CONFIGURATION_ERROR, _INTERNAL),
    (_TYPE.INTEGRATION_FAILURE, _UNAVAILABLE),
    (_TYPE.INTEGRATION_TIMEOUT, _UNAVAILABLE),
    (_TYPE.DEFAULT_5_XX, _FUNCTION_FAILED),
)
