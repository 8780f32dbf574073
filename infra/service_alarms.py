"""Alarms on what the functions count, and on schedules that do not run."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.catalog.alarms import SILENCES, WATCHED, Notice
from infra.constructs.alarms import Alarms
from infra.constructs.naming import pascal
from infra.constructs.workflow import Workflow
from trading.metrics import METRICS_NAMESPACE, Metric


def watch_business(scope: Construct, alarms: Alarms) -> None:
    """Alarms on metrics of the functions, and on metrics that stop coming."""
    for metric, watch in WATCHED.items():
        for function in watch.functions:
            alarms.when(
                scope,
                f"{metric}{pascal(function)}",
                _counted(metric, function, Duration.minutes(watch.minutes)),
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
            _counted(metric, silence.function, Duration.hours(silence.hours)),
            silence.periods,
            silence.notice,
        )


def watch_schedules(
    scope: Construct, alarms: Alarms, functions: Mapping[str, lambda_.Function], cycle: Workflow
) -> None:
    """Alarms on the schedules whose functions emit no metric of their own when they run.

    Between Friday's last cycle and Monday's first are 70 hours. If a cycle is missing,
    `OBLIGATIONS_OVERDUE` raises an alarm the same evening.
    """
    total = cloudwatch.Stats.SUM
    sweeps = functions["sweeper"].metric_invocations(period=Duration.minutes(5), statistic=total)
    notice = Notice("The sweeper has not run for ten minutes", "schedules")
    alarms.when_silent(scope, "SweeperMissing", sweeps, 2, notice)
    cycles = cycle.state_machine.metric_started(period=Duration.days(1), statistic=total)
    notice = Notice("No settlement cycle has begun for three days", "schedules")
    alarms.when_silent(scope, "SettlementCycleMissing", cycles, 3, notice)


def _counted(metric: Metric, service: str, period: Duration) -> cloudwatch.Metric:
    """What a function counted in a period."""
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=str(metric),
        dimensions_map={"service": service},
        period=period,
        statistic=cloudwatch.Stats.SUM,
    )
