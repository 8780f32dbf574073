"""OrderLifecycle is a state machine of Step Functions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from trading.adapters.runtime.observability import count, logger
from trading.domain.orders.order import Order
from trading.domain.values import TimeInForce, iso
from trading.metrics import Metric
from trading.usecases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

EXECUTION_TIMEOUT = {
    TimeInForce.IOC: timedelta(minutes=15),
    TimeInForce.FOK: timedelta(minutes=15),
    TimeInForce.DAY: timedelta(days=5),
    TimeInForce.GTC: timedelta(days=95),
}
"""How long the Execute state waits.

It waits longer than any order can be open (DAY: over a holiday weekend, GTC: 90 days).
"""


@dataclass(frozen=True)
class OrderLifecycle:
    """The port `Workflow`. An execution is named after its order, so an order has at most one.

    An answer to a token that is used, expired or unknown is no error: the work itself is recorded.
    """

    client: SFNClient
    clock: Clock
    arn: str = ""

    def start(self, order: Order) -> bool:
        """Start the order's workflow. Returns False if the order has, or had, one."""
        timeout = EXECUTION_TIMEOUT[order.venue_time_in_force]
        execution_input = {
            "order_id": order.order_id,
            "client_id": order.client_id,
            "correlation_id": order.correlation_id,
            "execute_timeout_seconds": int(timeout.total_seconds()),
            # StartExecution succeeds if an execution of the same name and input is running. The
            # time makes the inputs differ, so that it says that the execution exists.
            "started_at": iso(self.clock()),
        }
        try:
            self.client.start_execution(
                stateMachineArn=self.arn, name=order.order_id, input=json.dumps(execution_input)
            )
        except self.client.exceptions.ExecutionAlreadyExists:
            return False
        return True

    def succeed(self, task_token: str, output: dict[str, str]) -> bool:
        """Report that the step is done. Returns False if no workflow waits for it."""
        return self._answer(
            lambda: self.client.send_task_success(taskToken=task_token, output=json.dumps(output))
        )

    def fail(self, task_token: str, error: str, cause: str) -> bool:
        """Report that the step has failed. Returns False if no workflow waits for it."""
        return self._answer(
            lambda: self.client.send_task_failure(
                taskToken=task_token, error=error[:256], cause=cause[:32768]
            )
        )

    def _answer(self, send: Callable[[], object]) -> bool:
        nobody_waits = self.client.exceptions
        try:
            send()
        except (
            nobody_waits.TaskDoesNotExist,
            nobody_waits.TaskTimedOut,
            nobody_waits.InvalidToken,
        ) as error:
            logger.info("no workflow waits for this answer", reason=type(error).__name__)
            count(Metric.WORKFLOW_ANSWERS_UNWANTED)
            return False
        return True
