"""The parts that the venues' APIs share: signed requests, answers from models, and refusals as
problem details (RFC 9457).
"""

import json
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ValidationError

from simulators.adapters.secrets import VenueSecrets
from simulators.problem import Problem
from trading.adapters.venues.signatures import SignatureError, received
from trading.wire import TRANSPORT_SECURITY

MAX_BODY_BYTES = 16_384
Model = TypeVar("Model", bound=BaseModel)
logger = Logger(child=True)


class VenueApi:
    """A resolver whose routes return models and raise Problems."""

    def __init__(self, secrets: VenueSecrets) -> None:
        self.app = APIGatewayRestResolver()
        self._secrets = secrets
        self.app.exception_handler(Problem)(self._problem)
        self.app.exception_handler(NotFoundError)(self._not_found)
        self.app.exception_handler(Exception)(self._unexpected)

    def resolve(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer an API Gateway proxy event."""
        answer: dict[str, Any] = self.app.resolve(event, context)
        answer["multiValueHeaders"] |= {name: [v] for name, v in TRANSPORT_SECURITY.items()}
        return answer

    def authenticate(self, key_id: str, query: tuple[str, ...] = ()) -> None:
        """Raise Problem 401 unless this key signed all of the request.

        Raise Problem 400 for a query parameter that is not in `query`.
        """
        event = self.app.current_event
        body = (event.decoded_body or "").encode()
        try:
            headers, target = received(event)
            logger.append_keys(correlation_id=headers.get("x-correlation-id"), key_id=key_id)
            self._secrets.verify(headers, key_id, event.http_method, target, body)
        except SignatureError as error:
            logger.warning("a request was not authentic", extra={"why": str(error)})
            raise Problem(
                401, "UNAUTHENTICATED", "the signature is missing, wrong or too old"
            ) from error
        given = event.query_string_parameters or {}
        if unknown := sorted(set(given) - set(query)):
            raise Problem(
                400, "UNKNOWN_PARAMETER", f"unknown query parameters: {', '.join(unknown)}"
            )

    def body(self, model: type[Model]) -> Model:
        """The body as this model. Raises Problem 400 for a body that is not JSON, 413 if it is too
        long, and 422 for JSON of another shape.
        """
        text = self.app.current_event.decoded_body or ""
        if len(text.encode()) > MAX_BODY_BYTES:
            raise Problem(413, "BODY_TOO_LARGE", f"the body is longer than {MAX_BODY_BYTES} bytes")
        try:
            return model.model_validate_json(text)
        except ValidationError as error:
            failures = error.errors(include_url=False, include_input=False, include_context=False)
            if failures[0]["type"] == "json_invalid":
                raise Problem(400, "NOT_JSON", "the body is not JSON") from error
            detail = "; ".join(
                f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in failures
            )
            raise Problem(422, "INVALID_REQUEST", detail) from error

    def answer(self, status: int, model: BaseModel) -> Response[str]:
        return Response(
            status_code=status, content_type="application/json", body=model.model_dump_json()
        )

    def _problem(self, problem: Problem) -> Response[str]:
        logger.info(
            "refused",
            extra={"status": problem.status, "code": problem.code, "detail": problem.detail},
        )
        details = {
            "type": "about:blank",
            "title": problem.code.replace("_", " ").capitalize(),
            "status": problem.status,
            "code": problem.code,
            "detail": problem.detail,
            "request_id": self.app.current_event.request_context.request_id,
        }
        return Response(
            status_code=problem.status,
            content_type="application/problem+json",
            body=json.dumps(details),
        )

    def _not_found(self, _: NotFoundError) -> Response[str]:
        return self._problem(Problem(404, "NOT_FOUND", "there is nothing here"))

    def _unexpected(self, error: Exception) -> Response[str]:
        logger.error("unexpected failure", exc_info=error)
        return self._problem(Problem(500, "INTERNAL_ERROR", "unexpected failure"))
