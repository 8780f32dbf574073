"""Idempotency-Key: a repeated request gets the first answer, from the records of Powertools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, TypeVar

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from aws_lambda_powertools.utilities.idempotency.serialization.pydantic import PydanticSerializer
from pydantic import BaseModel

from trading.adapters.http.problems import HttpError, ProblemCode
from trading.adapters.http.resolver import ApiResolver
from trading.domain.errors import ErrorCode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DEFAULT_LIFETIME = timedelta(hours=24)
REPLAYED_HEADER = "Idempotency-Replayed"

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Outcome(Generic[Answer]):
    """An answer, and whether it replays an earlier one."""

    answer: Answer
    replayed: bool

    @property
    def headers(self) -> dict[str, str]:
        return {REPLAYED_HEADER: "true"} if self.replayed else {}


class Idempotency:
    """Runs an effect once for each principal, route and Idempotency-Key.

    Powertools runs an effect again when the Lambda of the first run timed out, or when the record
    could not be written. So every effect must be harmless when repeated: by a condition of its own,
    or because it sets a state. An effect that raises leaves no record. The error was the answer,
    and the key may be used again.
    """

    def __init__(
        self, client: DynamoDBClient, table: str, lifetime: timedelta = DEFAULT_LIFETIME
    ) -> None:
        self._records = DynamoDBPersistenceLayer(
            table, key_attr="id", expiry_attr="expiration", boto3_client=client
        )
        self._lifetime = lifetime

    def once(
        self,
        app: ApiResolver,
        principal: str,
        answer_type: type[Answer],
        effect: Callable[[], Answer],
    ) -> Outcome[Answer]:
        """The effect's answer to the present request, or the first answer again.

        Raises HttpError: 422 if the key came with another body, 409 if the first request still
        runs, 503 if the records are unavailable.
        """
        replayed = False

        def mark(response: Answer, idempotent_data: DataRecord) -> Answer:
            nonlocal replayed
            replayed = True
            return response

        def run(request: dict[str, object]) -> Answer:
            return effect()

        once = idempotent_function(
            run,
            data_keyword_argument="request",
            persistence_store=self._records,
            config=IdempotencyConfig(
                event_key_jmespath="[principal, key]",
                payload_validation_jmespath="body",
                raise_on_no_idempotency_key=True,
                expires_after_seconds=int(self._lifetime.total_seconds()),
                hash_function="sha256",
                lambda_context=app.powertools.lambda_context,
                response_hook=mark,
            ),
            output_serializer=PydanticSerializer(model=answer_type),
            key_prefix=f"{app.event.http_method} {app.event.path}",
        )
        request = {"principal": principal, "key": app.idempotency_key, "body": app.event.json_body}
        try:
            answer: Answer = once(request=request)
        except IdempotencyValidationError:
            raise HttpError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                ErrorCode.IDEMPOTENCY_KEY_REUSED,
                "This Idempotency-Key came before with another body.",
            ) from None
        except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError):
            raise HttpError(
                HTTPStatus.CONFLICT,
                ProblemCode.IN_PROGRESS,
                "The first request with this Idempotency-Key is still running.",
                headers={"Retry-After": "1"},
            ) from None
        except IdempotencyPersistenceLayerError as error:
            raise HttpError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                ProblemCode.UNAVAILABLE,
                "Try again with the same Idempotency-Key.",
                headers={"Retry-After": "1"},
            ) from error
        return Outcome(answer, replayed)
