"""The schedules of the trading system."""

from collections.abc import Mapping
from datetime import time

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.catalog import schedules
from infra.catalog.names import SETTLEMENT_CYCLE
from infra.constructs.schedules import Schedules
from infra.constructs.workflow import Workflow
from infra.stage import Deployment
from trading.adapters.dynamodb.keys import ATTENTION_SHARDS


def add_schedules(
    scope: Construct,
    deployment: Deployment,
    failed: sqs.IQueue,
    functions: Mapping[str, lambda_.IFunction],
    cycle: Workflow,
) -> None:
    """Start the functions and the settlement cycle at their times. Undeliverable events go to
    `failed`.
    """
    every = scheduler.ScheduleExpression.rate
    planned = Schedules(scope, deployment, failed)
    planned.invoke(
        "sweeper", every(Duration.minutes(1)), functions["sweeper"], max_age=Duration.minutes(1)
    )
    for shard in map(str, range(ATTENTION_SHARDS)):
        planned.invoke(
            f"open-{shard}",
            _on_weekdays(schedules.MARKET_OPENS_AT),
            functions["sweeper"],
            {"shard": shard},
        )
    planned.invoke("day-close", _on_weekdays(schedules.DAY_CLOSE_AT), functions["day_close"])
    planned.invoke("early-close", _on_weekdays(schedules.EARLY_CLOSE_AT), functions["day_close"])
    planned.start(
        SETTLEMENT_CYCLE, _on_weekdays(schedules.SETTLEMENT_CYCLE_AT), cycle.state_machine
    )
    again = _on_weekdays(schedules.SETTLEMENT_CYCLE_AGAIN_AT)
    planned.start(f"{SETTLEMENT_CYCLE}-again", again, cycle.state_machine)
    # A quarter past the hour, so that a run never coincides with a settlement cycle.
    hourly = scheduler.ScheduleExpression.cron(minute="15")
    planned.invoke("reconciliation", hourly, functions["reconciliation"])


def _on_weekdays(at: time) -> scheduler.ScheduleExpression:
    """At a time of New York, on weekdays."""
    return scheduler.ScheduleExpression.cron(
        minute=str(at.minute),
        hour=str(at.hour),
        week_day="MON-FRI",
        time_zone=TimeZone.AMERICA_NEW_YORK,
    )
