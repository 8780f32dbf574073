"""Further invocations of the function that runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trading.domain.values import Frozen

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True)
class OwnInvocations:
    """The port `FurtherInvocations`. The function is named as it was invoked: in production by its
    alias.
    """

    client: LambdaClient
    context: LambdaContext

    def start(self, request: Frozen) -> None:
        """Invoke the function and do not wait for its answer. Lambda may do so more than once."""
        self.client.invoke(
            FunctionName=self.context.invoked_function_arn,
            InvocationType="Event",
            Payload=request.model_dump_json().encode(),
        )
