"""Counts in the embedded metric format. The environment names the namespace and the service."""

import os

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit


def count(name: str, value: int = 1) -> None:
    """Emit a count immediately, so that it is not lost if the invocation fails later."""
    with single_metric(name=name, unit=MetricUnit.Count, value=value) as metric:
        metric.add_dimension("service", os.environ["POWERTOOLS_SERVICE_NAME"])
