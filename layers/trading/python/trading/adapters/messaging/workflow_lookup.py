"""Where an order's workflow stands, for operators. It only looks: nothing here may start, answer or
stop one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from trading.domain.values import Frozen, Timestamp

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

LATEST_EVENTS = 100


class WorkflowState(Frozen):
    """A workflow's execution. `status` is Step Functions' own (RUNNING, SUCCEEDED, FAILED,
    TIMED_OUT, ABORTED); `state` was entered last.
    """

    status: str
    state: str | None
    started_at: Timestamp
    stopped_at: Timestamp | None
    error: str | None
    cause: str | None


@dataclass(frozen=True)
class LifecycleLookup:
    """OrderLifecycle, asked about: an execution is named after its order, so its ARN is known. One
    that ended is kept for 90 days.
    """

    client: SFNClient
    arn: str

    def status(self, order_id: str) -> str | None:
        """The status alone; None without an execution."""
        try:
            return self.client.describe_execution(executionArn=self._arn(order_id))["status"]
        except self.client.exceptions.ExecutionDoesNotExist:
            return None

    def __call__(self, order_id: str) -> WorkflowState | None:
        """The execution; None without one."""
        try:
            found = self.client.describe_execution(executionArn=self._arn(order_id))
        except self.client.exceptions.ExecutionDoesNotExist:
            return None
        stopped: datetime | None = found.get("stopDate")
        return WorkflowState(
            status=found["status"],
            state=self._latest_state(order_id),
            started_at=found["startDate"],
            stopped_at=stopped,
            error=found.get("error"),
            cause=found.get("cause"),
        )

    def _latest_state(self, order_id: str) -> str | None:
        answer = self.client.get_execution_history(
            executionArn=self._arn(order_id),
            reverseOrder=True,
            maxResults=LATEST_EVENTS,
            includeExecutionData=False,
        )
        names = (
            event.get("stateEnteredEventDetails", {}).get("name") for event in answer["events"]
        )
        return next(filter(None, names), None)

    def _arn(self, order_id: str) -> str:
        return f"{self.arn.replace(':stateMachine:', ':execution:')}:{order_id}"
