"""Ends a trading day as the schedules would: the close, then the settlement cycle."""

import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from local import deploy
from local.aws_client import aws_client
from trading.domain.reference import calendars
from workstation.local_system import STAGE, LocalError, LocalSystem

SETTLEMENT_SECONDS = 600


def business_date() -> date:
    """Return the business date of an order that is placed now."""
    return calendars.business_date(datetime.now(UTC))


def invoke(system: LocalSystem, function: str, event: dict[str, Any]) -> Any:
    """Call a function and return its answer. Raises LocalError with the error of the function."""
    answer = aws_client(system, "lambda").invoke(
        FunctionName=f"trading-{STAGE}-{function}", Payload=json.dumps(event)
    )
    payload = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        raise LocalError(f"{function} failed: {payload}", f"Its output is in {system.aws_log}.")
    return payload


def settle(system: LocalSystem, settlement_date: date, progress: Callable[[], None]) -> Any:
    """Run SettlementCycle for a date and return its output.

    Raises LocalError if it fails or takes longer than SETTLEMENT_SECONDS.
    """
    steps = aws_client(system, "stepfunctions")
    started = steps.start_execution(
        stateMachineArn=deploy.outputs(system)["SettlementCycleArn"],
        name=f"local-{settlement_date}-{time.time_ns()}",
        input=json.dumps({"settlement_date": settlement_date.isoformat()}),
    )
    deadline = time.monotonic() + SETTLEMENT_SECONDS
    while time.monotonic() < deadline:
        execution = steps.describe_execution(executionArn=started["executionArn"])
        if execution["status"] == "SUCCEEDED":
            return json.loads(execution["output"])
        if execution["status"] != "RUNNING":
            cause = f"{execution.get('error')}: {execution.get('cause')}"
            raise LocalError(
                f"SettlementCycle {execution['status']}: {cause}", f"Look into {system.aws_log}."
            )
        progress()
        time.sleep(0.5)
    raise LocalError(
        f"SettlementCycle did not end within {SETTLEMENT_SECONDS} s",
        "See what it waits for: aws stepfunctions get-execution-history --execution-arn "
        f"{started['executionArn']}",
    )
