"""Production's alarms on AWS resources: quotas, throttling and time-outs."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
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
    functions: Mapping[str, lambda_.Function],
    tables: Mapping[str, dynamodb.ITable],
) -> None:
    """Add the alarms. `Releases` watches the errors of functions."""
    for name, function in functions.items():
        _watch_function(scope, alarms, name, function)
    for name, table in tables.items():
        for kind in ("Read", "Write"):
            alarms.when(
                scope,
                f"{pascal(name)}{kind}sThrottled",
                _metric("DynamoDB", f"{kind}ThrottleEvents", {"TableName": table.table_name}),
                0,
                Notice(f"{kind}s of the table {name} are throttled", "throttling"),
            )
    concurrent = cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name="ConcurrentExecutions",
        period=PERIOD,
        statistic=cloudwatch.Stats.MAXIMUM,
    )
    alarms.when(
        scope,
        "ConcurrencyHigh",
        concurrent,
        NEAR_THE_LIMIT * CONCURRENCY_QUOTA,
        Notice("The account's functions are near their quota of concurrency", "throttling"),
    )
    alarms.when(
        scope,
        "WorkflowStartsThrottled",
        _metric("States", "ThrottledEvents", {"APIName": "StartExecution"}),
        0,
        Notice("Step Functions throttles the start of workflows", "throttling", Severity.ROUTINE),
    )


def _watch_function(
    scope: Construct, alarms: Alarms, name: str, function: lambda_.Function
) -> None:
    throttles = function.metric_throttles(period=PERIOD, statistic=cloudwatch.Stats.SUM)
    alarms.when(
        scope,
        f"{pascal(name)}Throttled",
        throttles,
        0,
        Notice(f"Lambda throttles {name}", "throttling", Severity.ROUTINE),
    )
    longest = function.metric_duration(period=PERIOD, statistic=cloudwatch.Stats.MAXIMUM)
    alarms.when(
        scope,
        f"{pascal(name)}NearTimeout",
        longest,
        NEAR_THE_LIMIT * 1000 * SERVICES[name].timeout,
        Notice(f"{name} runs for nearly as long as its time-out", "functions", Severity.ROUTINE),
    )


def _metric(service: str, name: str, dimensions: Mapping[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=f"AWS/{service}",
        metric_name=name,
        dimensions_map=dict(dimensions),
        period=PERIOD,
        statistic=cloudwatch.Stats.SUM,
    )
