"""Production's alarms on AWS resources: quotas, throttling and time-outs."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.catalog.alarms import Notice, Severity
from infra.catalog.functions import SERVICES
from infra.constructs.alarms import Alarms
from infra.constructs.naming import pascal

PERIOD = Duration.minutes(5)
NEAR_THE_LIMIT = 0.8
CONCURRENCY_QUOTA = 1000
"""The default quota of an account, for all of its functions together."""


def watch_resources(
    scope: Construct,
    alarms: Alarms,
    functions: Mapping[str, str],
    tables: Mapping[str, dynamodb.ITable],
) -> None:
    """Add the alarms. `functions`: physical names. `Releases` watches the errors of functions."""
    for name, function in functions.items():
        _watch_function(scope, alarms, name, function)
    for name, table in tables.items():
        for kind in ("Read", "Write"):
            alarms.when(
                scope,
                f"{pascal(name)}{kind}sThrottled",
                summed("DynamoDB", f"{kind}ThrottleEvents", {"TableName": table.table_name}),
                0,
                Notice(f"{kind}s of the table {name} are throttled", "throttling"),
            )
    alarms.when(
        scope,
        "ConcurrencyHigh",
        _highest("ConcurrentExecutions", {}),
        NEAR_THE_LIMIT * CONCURRENCY_QUOTA,
        Notice("The account's functions are near their quota of concurrency", "throttling"),
    )
    alarms.when(
        scope,
        "WorkflowStartsThrottled",
        summed("States", "ThrottledEvents", {"APIName": "StartExecution"}),
        0,
        Notice("Step Functions throttles the start of workflows", "throttling", Severity.ROUTINE),
    )


def _watch_function(scope: Construct, alarms: Alarms, name: str, function: str) -> None:
    of_function = {"FunctionName": function}
    alarms.when(
        scope,
        f"{pascal(name)}Throttled",
        summed("Lambda", "Throttles", of_function),
        0,
        Notice(f"Lambda throttles {name}", "throttling", Severity.ROUTINE),
    )
    alarms.when(
        scope,
        f"{pascal(name)}NearTimeout",
        _highest("Duration", of_function),
        NEAR_THE_LIMIT * 1000 * SERVICES[name].timeout,
        Notice(f"{name} runs for nearly as long as its time-out", "functions", Severity.ROUTINE),
    )


def _highest(name: str, dimensions: Mapping[str, str]) -> cloudwatch.Metric:
    """The highest value of a metric of Lambda in a period."""
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name=name,
        dimensions_map=dict(dimensions),
        period=PERIOD,
        statistic=cloudwatch.Stats.MAXIMUM,
    )


def summed(
    service: str, name: str, dimensions: Mapping[str, str], period: Duration = PERIOD
) -> cloudwatch.Metric:
    """The sum of a metric of an AWS service in a period."""
    return cloudwatch.Metric(
        namespace=f"AWS/{service}",
        metric_name=name,
        dimensions_map=dict(dimensions),
        period=period,
        statistic=cloudwatch.Stats.SUM,
    )
