"""OrderLifecycle, over Step Functions."""

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
"""How long the Execute state waits: beyond the longest an order may stand (DAY: a holiday weekend,
GTC: 90 days).
"""


@dataclass(frozen=True)
class OrderLifecycle:
    """The port `Workflow`. A workflow's name is its order's id, so an order has at most one.

    An answer to a token that is used up, expired or unknown is no error: the work is done and
    recorded.
    """

    client: SFNClient
    clock: Clock
    arn: str = ""

    def start(self, order: Order) -> bool:
        """Start the order's workflow; False if it has, or had, one."""
        timeout = EXECUTION_TIMEOUT[order.venue_time_in_force]
        execution_input = {
            "order_id": order.order_id,
            "client_id": order.client_id,
            "correlation_id": order.correlation_id,
            "execute_timeout_seconds": int(timeout.total_seconds()),
            # With the input of one that is running, StartExecution would succeed instead of saying
            # that it exists.
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
        """The stage is done; False if nobody waits for it any more."""
        return self._answer(
            lambda: self.client.send_task_success(taskToken=task_token, output=json.dumps(output))
        )

    def fail(self, task_token: str, error: str, cause: str) -> bool:
        """The stage ended otherwise; False if nobody waits for it any more."""
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
