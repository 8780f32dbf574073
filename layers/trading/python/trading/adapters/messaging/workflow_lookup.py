"""The state of an order's workflow, for operators.

This module only reads. It must not start, answer or stop a workflow.
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
    """The execution of a workflow.

    `status` is the status of Step Functions: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
    `state` is the state that was entered last.
    """

    status: str
    state: str | None
    started_at: Timestamp
    stopped_at: Timestamp | None
    error: str | None
    cause: str | None


@dataclass(frozen=True)
class LifecycleLookup:
    """Finds the execution of OrderLifecycle for an order.

    An execution is named after its order, so its ARN is known. Step Functions keeps an execution
    that has ended for 90 days.
    """

    client: SFNClient
    arn: str

    def status(self, order_id: str) -> str | None:
        """The status alone. None if there is no execution."""
        try:
            return self.client.describe_execution(executionArn=self._arn(order_id))["status"]
        except self.client.exceptions.ExecutionDoesNotExist:
            return None

    def __call__(self, order_id: str) -> WorkflowState | None:
        """The execution. None if there is none."""
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
