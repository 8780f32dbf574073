"""The front of the stream: checks handshakes and messages, and answers them, as `ApiResolver` does
for requests.

The authorizer of API Gateway has checked the token at the handshake. API Gateway sends the
authorizer's result with each event of the connection.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from trading.adapters.http.principals import Principal
from trading.adapters.http.problems import (
    HttpError,
    ProblemCode,
    from_domain,
    from_validation,
    problem,
)
from trading.adapters.http.request_reading import CLIENTS
from trading.adapters.http.throttle import Throttle
from trading.adapters.runtime.handshakes import offered_subprotocols
from trading.adapters.runtime.observability import count, logger, step
from trading.domain.errors import DomainError
from trading.domain.values import Frozen
from trading.metrics import Metric

MAX_MESSAGE_CHARACTERS = 4096
SUBPROTOCOL = "trading"
"""A browser offers it beside the token, because the answer must select an offered subprotocol."""

Connected = Callable[[Principal, str], None]
Answered = Callable[[Principal, str, Any], Frozen]


class StreamGate:
    """The Lambda handler of a WebSocket API with the routes $connect, $disconnect and $default.

    A handshake passes these checks: expiry of the token, rate limit, end of the token, permission.
    A message passes the first three, then checks of its length, its JSON and its form.

    The gate calls `connect` and `disconnect` with the caller and the connection id. It calls
    `answer` with the parsed message as well. `refused(id, problem)` makes the answer to a message
    that the gate refuses.
    """

    def __init__(
        self,
        *,
        throttle: Throttle,
        now: Callable[[], datetime],
        permission: str,
        parse: Callable[[Any], Any],
        connect: Connected,
        answer: Answered,
        disconnect: Connected,
        refused: Callable[[str | None, dict[str, Any]], Frozen],
    ) -> None:
        self._throttle = throttle
        self._now = now
        self._permission = permission
        self._parse = parse
        self._connect = connect
        self._reply = answer
        self._disconnect = disconnect
        self._refused = refused
        self._logged = logger.inject_lambda_context(self._handle, clear_state=True)

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer an event of API Gateway."""
        answer: dict[str, Any] = self._logged(event, context)
        return answer

    def _handle(self, event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
        at = event["requestContext"]
        logger.append_keys(request_id=at["requestId"], correlation_id=at["requestId"])
        with step("stream") as line:
            match at["eventType"]:
                case "CONNECT":
                    answer = self._admit(event)
                case "DISCONNECT":
                    answer = self._forget(at)
                case _:
                    answer = self._answer(event)
            line.facts |= {
                "event": at["eventType"],
                "connection_id": at["connectionId"],
                "status": answer["statusCode"],
            }
        return answer

    def _admit(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a handshake. API Gateway refuses it at any other status than 200."""
        at = event["requestContext"]
        try:
            principal = self._caller(at)
            principal.check_permission(self._permission)
            self._connect(principal, at["connectionId"])
        except Exception as error:
            refusal = problem(_http_error(error), at["requestId"])
            return {
                "statusCode": refusal.status_code,
                "headers": {"Content-Type": refusal.content_type, **refusal.headers},
                "body": refusal.body,
            }
        is_offered = SUBPROTOCOL in offered_subprotocols(event)
        return {
            "statusCode": HTTPStatus.OK,
            "headers": {"Sec-WebSocket-Protocol": SUBPROTOCOL} if is_offered else {},
        }

    def _answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a message. The connection stays open, whatever is wrong with the message."""
        at = event["requestContext"]
        name: str | None = None
        try:
            principal = self._caller(at)
            read = _json(event.get("body") or "")
            name = _name(read)
            answer = self._reply(principal, at["connectionId"], self._parse(read))
        except Exception as error:
            document = json.loads(str(problem(_http_error(error), at["requestId"]).body))
            answer = self._refused(name, document)
        return {"statusCode": HTTPStatus.OK, "body": answer.model_dump_json(exclude_none=True)}

    def _forget(self, at: Mapping[str, Any]) -> dict[str, Any]:
        principal = Principal.of(at.get("authorizer") or {})
        logger.append_keys(client_id=principal.client_id)
        self._disconnect(principal, at["connectionId"])
        return {"statusCode": HTTPStatus.OK}

    def _caller(self, at: Mapping[str, Any]) -> Principal:
        """The caller, if the token is valid and the rate limit is not reached. Raises HttpError."""
        principal = Principal.of(at.get("authorizer") or {})
        principal.check_not_expired(self._now())
        logger.append_keys(client_id=principal.client_id)
        allowance = self._throttle.take(principal.api_key, principal.generation)
        if allowance:
            principal.check_allowed(allowance)
        return principal


def _json(text: str) -> Any:
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise HttpError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            ProblemCode.BODY_TOO_LARGE,
            f"A message has at most {MAX_MESSAGE_CHARACTERS} characters.",
        )
    return CLIENTS.parse(text)


def _name(read: Any) -> str | None:
    """The `id` of a message, so that the answer has it even if the gate refuses the message."""
    name = read.get("id") if isinstance(read, dict) else None
    return name if isinstance(name, str) else None


def _field(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The location of a field in the message. pydantic puts the action first, because it selects
    the form by it. If pydantic names no field, the action is wrong.
    """
    return ("message", *(location[1:] or ("action",)))


def _http_error(error: Exception) -> HttpError:
    if isinstance(error, HttpError):
        return error
    if isinstance(error, DomainError):
        return from_domain(error)
    if isinstance(error, ValidationError):
        errors = error.errors(include_url=False, include_context=False)
        return from_validation([{**each, "loc": _field(each["loc"])} for each in errors])
    logger.exception("unexpected error", exc_info=error)
    count(Metric.UNEXPECTED_ERROR)
    return HttpError(
        HTTPStatus.INTERNAL_SERVER_ERROR, ProblemCode.INTERNAL, "Something failed on our side."
    )
