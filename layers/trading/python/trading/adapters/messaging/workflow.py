"""OrderLifecycle is an Express state machine of Step Functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from trading.domain.orders.order import Order
from trading.usecases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class FirstStep(StrEnum):
    """The mailbox that a run sends the order to first."""

    EXECUTE = "EXECUTE"
    CLEAR = "CLEAR"


@dataclass(frozen=True)
class OrderLifecycle:
    """The port `Workflow`. Its state machine sends an order to a mailbox, then looks at the order.

    Express may run one start twice. Both runs then send the same message under the same
    deduplication id. A second start within the minute counts as a retry, and SQS drops its message.
    The message of a later start is delivered.
    """

    client: SFNClient
    clock: Clock
    arn: str

    def start(self, order: Order) -> None:
        """Start a run that sends the order to the exchanges."""
        self._start(order, FirstStep.EXECUTE)

    def start_at_clearing(self, order: Order) -> None:
        """Start a run that has the order cleared."""
        self._start(order, FirstStep.CLEAR)

    def _start(self, order: Order, first: FirstStep) -> None:
        now = self.clock().timestamp()
        run_input = {
            "order_id": order.order_id,
            "client_id": order.client_id,
            "correlation_id": order.correlation_id,
            "first_step": first,
            "deduplication_id": f"{order.order_id}-{int(now) // 60}",
        }
        self.client.start_execution(
            stateMachineArn=self.arn,
            name=f"{order.order_id}-{first.lower()}-{int(now * 1000)}",
            input=json.dumps(run_input),
        )
