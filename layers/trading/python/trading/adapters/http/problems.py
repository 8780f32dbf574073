"""Errors over HTTP: RFC 9457 problem details with a stable code."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from pydantic import Field

from trading.domain.coded import Coded
from trading.domain.errors import DomainError, ErrorKind
from trading.domain.values import Frozen

CONTENT_TYPE = "application/problem+json"
MAX_FIELD_ERRORS = 20
MAX_FIELD_NAME = 128

_STATUS = {
    ErrorKind.INVALID: HTTPStatus.BAD_REQUEST,
    ErrorKind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ErrorKind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorKind.CONFLICT: HTTPStatus.CONFLICT,
    ErrorKind.GONE: HTTPStatus.GONE,
    ErrorKind.UNPROCESSABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorKind.THROTTLED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


class ProblemCode(Coded):
    """Why the API refuses a request before a use case sees it, or fails."""

    MALFORMED_JSON = "MALFORMED_JSON", "The body is not valid JSON, or has a key twice."
    VALIDATION_FAILED = (
        "VALIDATION_FAILED",
        "The request does not have the required form. `errors` names the fields at fault.",
    )
    UNSUPPORTED_MEDIA_TYPE = (
        "UNSUPPORTED_MEDIA_TYPE",
        "The body is not application/json in UTF-8, or it is compressed.",
    )
    HEADER_REPEATED = "HEADER_REPEATED", "A header that takes one value is there twice."
    BODY_TOO_LARGE = "BODY_TOO_LARGE", "The body is too large."
    METHOD_NOT_ALLOWED = (
        "METHOD_NOT_ALLOWED",
        "The path does not take this method. The header Allow lists those that it takes.",
    )
    INVALID_CURSOR = (
        "INVALID_CURSOR",
        "The cursor was not issued for this list with these filters.",
    )
    IDEMPOTENCY_KEY_REQUIRED = (
        "IDEMPOTENCY_KEY_REQUIRED",
        "The Idempotency-Key header is missing.",
    )
    IDEMPOTENCY_KEY_INVALID = (
        "IDEMPOTENCY_KEY_INVALID",
        "The Idempotency-Key header has characters that are not allowed, or too many.",
    )
    IDEMPOTENCY_KEY_MISMATCH = (
        "IDEMPOTENCY_KEY_MISMATCH",
        "The Idempotency-Key of a report is not the execution that it reports.",
    )
    IN_PROGRESS = (
        "IN_PROGRESS",
        "The first request with this Idempotency-Key is still being handled.",
    )
    UNAUTHENTICATED = "UNAUTHENTICATED", "The request carries no valid token."
    INVALID_SIGNATURE = "INVALID_SIGNATURE", "The signature of the request is not valid."
    SIGNATURE_REQUIRED = (
        "SIGNATURE_REQUIRED",
        "The request must be signed. Accept-Signature says what the signature covers.",
    )
    FORBIDDEN = "FORBIDDEN", "The caller may not do this."
    CLIENT_MISMATCH = "CLIENT_MISMATCH", "The order is for another client than the caller."
    RATE_LIMITED = (
        "RATE_LIMITED",
        "The API key has sent too many requests. Retry-After says when to go on.",
    )
    UNAVAILABLE = (
        "UNAVAILABLE",
        "Something that the request needs did not answer. The same request may succeed later.",
    )
    INTERNAL = "INTERNAL", "Something failed on our side."


class FieldError(Frozen):
    """What is wrong with one field of the request."""

    field: str
    message: str


class Problem(Frozen):
    """RFC 9457 problem details. `code` is stable, `request_id` finds the request in the logs."""

    type: str = Field(description="urn:trading:problem:{code in lower kebab case}")
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: tuple[FieldError, ...] | None = None
    details: dict[str, str] | None = None


class HttpError(Exception):
    """A refusal of a request, by HTTP itself or by the domain."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        *,
        errors: Sequence[FieldError] = (),
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = tuple(errors)
        self.details = dict(details or {})
        self.headers = dict(headers or {})
        if status is HTTPStatus.UNAUTHORIZED:
            self.headers["WWW-Authenticate"] = "Bearer"


def unavailable(message: str, retry_after_seconds: int = 1) -> HttpError:
    """A 503 that asks to send the request again."""
    return HttpError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        ProblemCode.UNAVAILABLE,
        message,
        headers={"Retry-After": str(retry_after_seconds)},
    )


def from_domain(error: DomainError) -> HttpError:
    """The refusal of the domain as an HTTP error."""
    return HttpError(
        _STATUS[error.kind],
        error.code,
        error.message,
        errors=[FieldError(field=error.field, message=error.message)] if error.field else (),
        details=error.details,
        headers={}
        if error.retry_after_seconds is None
        else {"Retry-After": str(error.retry_after_seconds)},
    )


def from_validation(errors: Sequence[Mapping[str, object]]) -> HttpError:
    """The findings of pydantic, without the rejected values."""
    return HttpError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        ProblemCode.VALIDATION_FAILED,
        "The request does not have the required form.",
        errors=[_field_error(error) for error in errors[:MAX_FIELD_ERRORS]],
    )


def _field_error(error: Mapping[str, object]) -> FieldError:
    location = error["loc"]
    path = [str(part) for part in location] if isinstance(location, Sequence) else [str(location)]
    name = ".".join(path[1:]) or path[0]
    return FieldError(
        field=name[:MAX_FIELD_NAME], message=str(error["msg"]).removeprefix("Value error, ")
    )


def problem(error: HttpError, request_id: str) -> Response[str]:
    """The response that carries the problem."""
    document = Problem(
        type=f"urn:trading:problem:{error.code.lower().replace('_', '-')}",
        title=error.status.phrase,
        status=error.status,
        detail=error.message,
        code=error.code,
        request_id=request_id,
        errors=error.errors or None,
        details=error.details or None,
    )
    return Response(
        status_code=error.status,
        content_type=CONTENT_TYPE,
        body=json.dumps(document.model_dump(mode="json", exclude_none=True)),
        headers={**error.headers},
    )
