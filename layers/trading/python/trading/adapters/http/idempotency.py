"""Idempotency-Key: a repeated request gets the first answer or the first refusal again, from the
records of Powertools.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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
from aws_lambda_powertools.utilities.idempotency.serialization.custom_dict import (
    CustomDictSerializer,
)
from pydantic import BaseModel, Field, ValidationError

from trading.adapters.http.problems import (
    FieldError,
    HttpError,
    ProblemCode,
    from_domain,
    unavailable,
)
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.runtime.observability import logger
from trading.domain.errors import DomainError, ErrorCode
from trading.domain.values import Frozen

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DEFAULT_LIFETIME = timedelta(hours=24)
REPLAYED_HEADER = "Idempotency-Replayed"

Answer = TypeVar("Answer", bound=BaseModel)
Result = TypeVar("Result")


class Refusal(Frozen):
    """A refusal as it is kept: what the problem document says, except the id of the request."""

    status: int
    code: str
    message: str
    errors: tuple[FieldError, ...] = ()
    details: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(cls, error: HttpError) -> Refusal:
        return cls(
            status=error.status,
            code=error.code,
            message=error.message,
            errors=error.errors,
            details=error.details,
        )

    def error(self, *, replayed: bool) -> HttpError:
        return HttpError(
            HTTPStatus(self.status),
            self.code,
            self.message,
            errors=self.errors,
            details=self.details,
            headers={REPLAYED_HEADER: "true"} if replayed else {},
        )


class _OtherReleaseError(Exception):
    """A release with other fields in its answers has written the record."""


class Done(Frozen):
    """The record of an effect whose answer is not kept."""


def _record_of(answer_type: type[Answer]) -> CustomDictSerializer:
    """How a record keeps an answer or a refusal."""

    def to_dict(result: Answer | Refusal) -> dict[str, Any]:
        kind = "refusal" if isinstance(result, Refusal) else "answer"
        return {kind: result.model_dump(mode="json")}

    def from_dict(kept: dict[str, Any]) -> Answer | Refusal:
        try:
            if "refusal" in kept:
                return Refusal.model_validate(kept["refusal"])
            return answer_type.model_validate(kept["answer"])
        except ValidationError as error:
            raise _OtherReleaseError from error

    return CustomDictSerializer(to_dict=to_dict, from_dict=from_dict)


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
    or because it sets a state.

    A refusal by the state of the books is kept like an answer (`DomainError.is_answer`), for the
    same time. Every other error leaves no record: the key may be used again.
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

        Raises HttpError: the refusal if the first answer was one, 422 if the key came with another
        body, 409 if the first request still runs, 503 if the records are unavailable.
        """
        replayed = False

        def mark(response: Answer | Refusal, idempotent_data: DataRecord) -> Answer | Refusal:
            nonlocal replayed
            replayed = True
            return response

        def run(request: dict[str, object]) -> Answer | Refusal:
            try:
                return effect()
            except DomainError as error:
                if not error.is_answer:
                    raise
                return Refusal.of(from_domain(error))

        once = idempotent_function(
            run,
            data_keyword_argument="request",
            persistence_store=self._records,
            config=IdempotencyConfig(
                event_key_jmespath="[principal, key]",
                payload_validation_jmespath="digest",
                raise_on_no_idempotency_key=True,
                expires_after_seconds=int(self._lifetime.total_seconds()),
                hash_function="sha256",
                lambda_context=app.powertools.lambda_context,
                response_hook=mark,
            ),
            output_serializer=_record_of(answer_type),
            key_prefix=app.target,
        )
        request = {"principal": principal, "key": app.idempotency_key, "digest": app.digest}
        try:
            answer: Answer | Refusal = once(request=request)
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
            raise unavailable("Try again with the same Idempotency-Key.") from error
        except _OtherReleaseError:
            logger.info("the record is of another release, so the effect is repeated")
            return Outcome(effect(), replayed=True)
        if isinstance(answer, Refusal):
            raise answer.error(replayed=replayed)
        return Outcome(answer, replayed)

    def refused_once(
        self, app: ApiResolver, principal: str, effect: Callable[[], Result]
    ) -> Result:
        """The effect's answer, unless an earlier request under this key was refused.

        For an effect that answers with the present state when it is repeated. Raises as `once`.
        """
        made: list[Result] = []

        def run() -> Done:
            made.append(effect())
            return Done()

        self.once(app, principal, Done, run)
        return made[0] if made else effect()
