"""boto3 clients whose calls go to a simulated service."""

from functools import cache
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import Shape
from botocore.validate import ParamValidator

from tests.simulation.services.errors import ServiceError

REGION = "us-east-1"


class Service(Protocol):
    """A simulated service. Parameters and answers are those of boto3, without ResponseMetadata."""

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Perform one operation, such as "PutItem". Raises ServiceError."""
        ...


def client_error(client: Any, operation: str, error: ServiceError) -> ClientError:
    """The exception that boto3 raises for an error answer.

    It is of the client's own class if the service's model has one for the error.
    """
    response = {
        "Error": {"Code": error.code, "Message": error.message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 0},
        **error.extra,
    }
    exception: ClientError = client.exceptions.from_code(error.code)(response, operation)
    return exception


def simulated_client(
    service_name: str, service: Service, *, validate: bool = False, native: bool = False
) -> Any:
    """A client of a simulated service. As in boto3, event handlers see parameters and answers.

    `validate`: check parameters and answers against the service's model, as botocore does before it
    sends. `native`: the client of a resource, which uses Python types where DynamoDB has typed
    values.
    """
    options: dict[str, Any] = {
        "region_name": REGION,
        "aws_access_key_id": "simulated",
        "aws_secret_access_key": "simulated",
    }
    client: Any
    if native:
        client = _session().resource(service_name, **options).meta.client  # type: ignore[call-overload]
    else:
        client = _session().client(service_name, **options)  # type: ignore[call-overload]
    model = client.meta.service_model

    def call(operation: str, params: dict[str, Any]) -> dict[str, Any]:
        shapes = model.operation_model(operation)
        context = {"client_region": REGION, "client_config": client.meta.config}
        params = client._emit_api_params(api_params=params, operation_model=shapes, context=context)
        if validate:
            _check(params, shapes.input_shape)
        try:
            answer = service.call(operation, params)
        except ServiceError as error:
            raise client_error(client, operation, error) from None
        if validate:
            _check(answer, shapes.output_shape, complete=False)
        parsed = {**answer, "ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 0}}
        event = f"after-call.{model.service_id.hyphenize()}.{operation}"
        client.meta.events.emit(
            event, http_response=None, parsed=parsed, model=shapes, context=context
        )
        return parsed

    client._make_api_call = call
    return client


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


def _check(content: dict[str, Any], shape: Shape | None, *, complete: bool = True) -> None:
    """Check an answer, which may lack members.

    SQS leaves out an empty list of failures although its model requires the list.
    """
    if shape is None:
        if content:
            raise ParamValidationError(report=f"nothing was expected, but {content}")
        return
    if unknown := content.keys() - shape.members.keys():  # type: ignore[attr-defined]
        raise ParamValidationError(report=f"{shape.name} has no {', '.join(sorted(unknown))}")
    report = ParamValidator().validate(content, shape)
    if not complete:
        report._errors = [error for error in report._errors if error[0] != "missing required field"]
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())
