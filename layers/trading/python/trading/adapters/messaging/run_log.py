"""The failed runs of an order's workflow, for operators.

No call describes a run of an Express workflow. Its log has what failed, under the run's name, which
begins with the order's id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.runtime.observability import logger
from trading.domain.orders.order import Order
from trading.domain.values import Frozen, Timestamp

ENDINGS = frozenset({"ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"})
PAGES = 10
"""At most so many requests a look-up. The log has errors only."""


class RunFailure(Frozen):
    """A run that failed: when, and the error and the cause that its last state gave."""

    run: str
    failed_at: Timestamp
    error: str | None
    cause: str | None


@dataclass(frozen=True)
class RunLog:
    """Finds the failed runs of an order. `client` is one of CloudWatch Logs."""

    client: Any
    group: str

    def __call__(self, order: Order) -> tuple[RunFailure, ...] | None:
        """The failed runs since the order's acceptance, oldest first.

        None if the log cannot be read.
        """
        try:
            return tuple(self._failures(order))
        except (ClientError, BotoCoreError):
            logger.warning("the log of the workflow cannot be read", exc_info=True)
            return None

    def _failures(self, order: Order) -> list[RunFailure]:
        wanted: dict[str, Any] = {
            "logGroupName": self.group,
            "filterPattern": f'"{order.order_id}"',
            "startTime": int(order.accepted_at.timestamp() * 1000),
        }
        found: list[RunFailure] = []
        for _ in range(PAGES):
            answer = self.client.filter_log_events(**wanted)
            for event in answer["events"]:
                found += _failure(event)
            if "nextToken" not in answer:
                break
            wanted["nextToken"] = answer["nextToken"]
        return found


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
