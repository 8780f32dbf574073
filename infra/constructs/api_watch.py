"""What the APIs have in common: an access log, a rate limit, and alarms."""

import json
from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.catalog.alarms import Notice, Severity
from infra.catalog.routes import BURST_SECONDS
from infra.constructs.alarms import Alarms
from infra.stage import Deployment

SLOW_MILLISECONDS = 3000
LATENCY_PERIOD, PERCENTILE = Duration.minutes(5), "p99"
"""The period and the percentile of the alarms on latency."""


def access_log(scope: Construct, deployment: Deployment, name: str) -> logs.LogGroup:
    """The log group of an API's access log, kept as long as the deployment's other logs."""
    return logs.LogGroup(
        scope,
        "AccessLog",
        log_group_name=name,
        retention=deployment.log_retention,
        removal_policy=deployment.removal_policy,
    )


def limits_of(deployment: Deployment) -> http.ThrottleSettings:
    """The rate limit of a whole HTTP or WebSocket API."""
    rate = deployment.requests_per_second
    return http.ThrottleSettings(rate_limit=rate, burst_limit=BURST_SECONDS * rate)


def log_accesses(
    stage: http.HttpStage | http.WebSocketStage, log: logs.LogGroup, fields: Mapping[str, str]
) -> None:
    """Write a line with these fields of API Gateway's context for each access."""
    template = cast(http.CfnStage, stage.node.default_child)
    template.access_log_settings = http.CfnStage.AccessLogSettingsProperty(
        destination_arn=log.log_group_arn, format=json.dumps(fields)
    )


def watch(
    scope: Construct, alarms: Alarms, name: str, api: rest.RestApi | http.HttpApi
) -> cloudwatch.Alarm:
    """Raise an alarm if the API answers with 5XX."""
    errors = api.metric_server_error(period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM)
    return alarms.when(
        scope,
        "ServerErrors",
        errors,
        0,
        Notice(f"The {name} API answered with 5XX", "errors-of-an-api"),
    )


def watch_latency(
    scope: Construct, alarms: Alarms, what: str, latency: cloudwatch.IMetric, prefix: str = ""
) -> None:
    """Raise an alarm if answers are slow. `latency`: its `PERCENTILE` in a period."""
    alarms.when(
        scope,
        f"{prefix}LatencyHigh",
        latency,
        SLOW_MILLISECONDS,
        Notice(f"{what} answers slowly", "errors-of-an-api", Severity.ROUTINE),
        periods=3,
    )
