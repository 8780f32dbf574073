"""Alarms on the services: what the functions count, schedules that do not run, and in production
the resources.
"""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.catalog.alarms import SILENCES, WATCHED, Notice
from infra.catalog.functions import SERVICES
from infra.catalog.names import SETTLEMENT_CYCLE
from infra.constructs.alarms import Alarms
from infra.constructs.naming import dashed
from infra.constructs.resource_alarms import summed, watch_resources
from infra.stage import Deployment
from infra.stateful import StatefulStack
from trading.metrics import METRICS_NAMESPACE, Metric

PUBLISHER_LATE_MILLISECONDS = 300_000


class WatchStack(Stack):
    """The alarms stand apart from what they watch, because a stack has at most 500 resources.

    They know it by its name, so the stacks can be changed one by one. The alarms that roll a
    release back stand beside it.
    """

    def __init__(self, scope: Construct, deployment: Deployment, stateful: StatefulStack) -> None:
        super().__init__(
            scope,
            deployment.named("watch"),
            description="Trading: alarms on the services",
            termination_protection=deployment.is_production,
        )
        alarms = stateful.alarms
        functions = {name: deployment.named(dashed(name)) for name in SERVICES}
        cycle = self.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=deployment.named(SETTLEMENT_CYCLE),
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        _watch_business(self, alarms, deployment.stage)
        _watch_schedules(self, alarms, functions["sweeper"], cycle)
        _watch_events(self, alarms, functions["event_publisher"])
        if deployment.is_production:
            watch_resources(self, alarms, functions, stateful.tables)


def _watch_business(scope: Construct, alarms: Alarms, stage: str) -> None:
    """Alarms on metrics of the functions, and on metrics that stop coming."""
    for metric, watch in WATCHED.items():
        alarms.when(
            scope,
            str(metric),
            _counted(metric, stage, Duration.minutes(watch.minutes)),
            watch.above,
            watch.notice,
            missing=(
                cloudwatch.TreatMissingData.IGNORE
                if watch.lasts
                else cloudwatch.TreatMissingData.NOT_BREACHING
            ),
        )
    for metric, silence in SILENCES.items():
        alarms.when_silent(
            scope,
            f"{metric}Missing",
            _counted(metric, stage, Duration.hours(silence.hours)),
            silence.periods,
            silence.notice,
        )


def _watch_events(scope: Construct, alarms: Alarms, publisher: str) -> None:
    """An alarm on a publisher that hangs behind the streams: they forget after 24 hours."""
    age = cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name="IteratorAge",
        dimensions_map={"FunctionName": publisher},
        period=Duration.minutes(1),
        statistic=cloudwatch.Stats.MAXIMUM,
    )
    notice = Notice("Events are not published in time", "events")
    alarms.when(scope, "EventsPublisherLate", age, PUBLISHER_LATE_MILLISECONDS, notice)


def _watch_schedules(scope: Construct, alarms: Alarms, sweeper: str, cycle: str) -> None:
    """Alarms on the schedules whose functions emit no metric of their own when they run.

    Between Friday's last cycle and Monday's first are 70 hours. If a cycle is missing,
    `OBLIGATIONS_OVERDUE` raises an alarm the same evening.
    """
    sweeps = summed("Lambda", "Invocations", {"FunctionName": sweeper})
    notice = Notice("The sweeper has not run for ten minutes", "schedules")
    alarms.when_silent(scope, "SweeperMissing", sweeps, 2, notice)
    cycles = summed("States", "ExecutionsStarted", {"StateMachineArn": cycle}, Duration.days(1))
    notice = Notice("No settlement cycle has begun for three days", "schedules")
    alarms.when_silent(scope, "SettlementCycleMissing", cycles, 3, notice)


def _counted(metric: Metric, stage: str, period: Duration) -> cloudwatch.Metric:
    """What the functions of a stage counted in a period."""
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=str(metric),
        dimensions_map={"stage": stage},
        period=period,
        statistic=cloudwatch.Stats.SUM,
    )
