"""The failed runs of an order's workflow, for operators.

No API call describes a run of an Express workflow. Its failures are in the log of the workflow. The
name of a run begins with the order's id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.runtime.observability import logger
from trading.domain.deadline import Deadline
from trading.domain.orders.order import Order
from trading.domain.values import Frozen, Timestamp
from trading.usecases.ports import Clock

ENDINGS = frozenset({"ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"})
LONGEST_LOOK_UP = timedelta(seconds=5)
"""Only errors are logged, so there is little to read."""


class RunFailure(Frozen):
    """A run that failed: when, and the error and the cause that its last state gave."""

    run: str
    failed_at: Timestamp
    error: str | None
    cause: str | None


@dataclass(frozen=True)
class RunLog:
    """Finds the failed runs of an order. `client` is a client of CloudWatch Logs."""

    client: Any
    group: str
    clock: Clock

    def __call__(self, order: Order) -> tuple[RunFailure, ...] | None:
        """The failed runs since the order's acceptance, oldest first.

        None if the log cannot be read to its end.
        """
        try:
            found = self._failures(order)
        except (ClientError, BotoCoreError):
            logger.warning("the log of the workflow cannot be read", exc_info=True)
            return None
        return None if found is None else tuple(found)

    def _failures(self, order: Order) -> list[RunFailure] | None:
        wanted: dict[str, Any] = {
            "logGroupName": self.group,
            "filterPattern": f'"{order.order_id}"',
            "startTime": int(order.accepted_at.timestamp() * 1000),
        }
        found: list[RunFailure] = []
        deadline = Deadline.after(LONGEST_LOOK_UP, self.clock)
        while not deadline.is_over:
            answer = self.client.filter_log_events(**wanted)
            for event in answer["events"]:
                found += _failure(event)
            if "nextToken" not in answer:
                return found
            wanted["nextToken"] = answer["nextToken"]
        return None


def _failure(event: dict[str, Any]) -> list[RunFailure]:
    line = json.loads(event["message"])
    if line["type"] not in ENDINGS:
        return []
    details = line.get("details", {})
    return [
        RunFailure(
            run=line["execution_arn"].split(":")[7],
            failed_at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
            error=details.get("error"),
            cause=details.get("cause"),
        )
    ]
