"""One attempt of a task of a run: a message, a read, or the call of a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulation.services.asl_data import MAX_DATA_BYTES, as_json, dumped
from tests.simulation.services.asl_expressions import DATA_LIMIT, TIMEOUT, StatesError
from tests.simulation.services.asl_host import Failure
from tests.simulation.services.errors import ServiceError

if TYPE_CHECKING:
    from tests.simulation.services.asl_run import Run


class Attempt:
    """One attempt of a task. It is open until it is answered, fails, times out or is stopped.

    Later answers are ignored.
    """

    events = "Task"

    def __init__(self, run: Run) -> None:
        self.open = True
        self.token: str | None = None
        self.run = run

    def close(self) -> None:
        """Ignore all later answers."""
        if self.open and self.token is not None:
            self.run.host.closed_token()
        self.open = False

    def succeed(self, result: Any) -> None:
        """Finish with the state's result."""
        if self.open:
            self.close()
            self.run.host.record(f"{self.events}Succeeded")
            self.run.succeeded(result)

    def fail(self, error: str, cause: str, event: str = "Failed") -> None:
        """Finish with an error."""
        if self.open:
            self.close()
            self.run.host.record(f"{self.events}{event}")
            self.run.failed(error, cause)

    def time_out(self) -> None:
        """Fail because TimeoutSeconds are over."""
        self.fail(TIMEOUT, "", "TimedOut")

    def send(self, params: dict[str, Any]) -> None:
        """Send the message. Its body may be an object.

        With a task token, the answer to the token is the result. Otherwise SQS's answer is.
        """
        body = params.get("MessageBody", "")
        body = body if isinstance(body, str) else dumped(body)
        if len(body.encode()) > MAX_DATA_BYTES:
            self.fail(DATA_LIMIT, "The task's parameters exceed the maximum number of bytes")
            return
        try:
            answer = self.run.host.send_message({**params, "MessageBody": body})
        except ServiceError as error:
            self.fail(_sqs_error(error.code), error.message)
            return
        if self.token is None:
            self.succeed(answer)
        else:
            self.run.host.record("TaskSubmitted")

    def read(self, params: dict[str, Any]) -> None:
        """Read an item. Step Functions prefixes the names of DynamoDB's errors."""
        try:
            answer = self.run.host.get_item(params)
        except ServiceError as error:
            self.fail(f"DynamoDB.{error.code}", error.message)
            return
        self.succeed(answer)

    def returned(self, result: Any | None, failure: Failure | None) -> None:
        """Finish with a function's result or failure."""
        if not self.open:
            return
        if failure is not None:
            self.fail(*failure)
            return
        try:
            payload = as_json(result)
        except StatesError as error:
            self.fail(error.error, error.cause)
            return
        self.succeed({"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200})


def _sqs_error(code: str) -> str:
    """SQS's errors all have one name.

    The SDK's error has another: the call did not reach SQS, or no answer came.
    """
    return "SQS.SdkClientException" if code == "SdkClientException" else "SQS.AmazonSQSException"
