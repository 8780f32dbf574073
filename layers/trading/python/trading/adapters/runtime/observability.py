"""The one place that builds logs and metrics.

Events and bodies are never logged whole, because they may hold secrets.
"""

import os

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from trading.metrics import COUNT, METRICS_NAMESPACE, SECONDS, Metric

UNITS = {COUNT: MetricUnit.Count, SECONDS: MetricUnit.Seconds}

logger = Logger(use_rfc3339=True, utc=True, serialize_stacktrace=False)
"""JSON lines with service, level and the keys a handler appends (`correlation_id` above all)."""


def count(metric: Metric, value: int = 1, **dimensions: str) -> None:
    """Emit one value in the embedded metric format at once, in the unit of its metric.

    The value is not lost when the invocation fails later.
    """
    with single_metric(
        name=metric, unit=UNITS[metric.unit], value=value, namespace=METRICS_NAMESPACE
    ) as single:
        single.add_dimension("service", os.environ.get("POWERTOOLS_SERVICE_NAME", "undefined"))
        for name, text in dimensions.items():
            single.add_dimension(name, text)


class Counters:
    """The port `Monitor`: a log line with all facts, and a metric by service alone, so that an
    alarm can watch it.
    """

    def count(self, name: Metric, **facts: str) -> None:
        """Count an event that operations watch."""
        logger.info(name, extra=facts)
        count(name)
