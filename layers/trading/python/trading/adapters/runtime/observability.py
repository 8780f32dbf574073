"""The one place that builds logs and metrics.

Events and bodies are never logged whole, because they may hold secrets.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from trading.adapters.runtime import clock
from trading.metrics import COUNT, METRICS_NAMESPACE, OUTCOMES, SECONDS, Metric

UNITS = {COUNT: MetricUnit.Count, SECONDS: MetricUnit.Seconds}

logger = Logger(use_rfc3339=True, utc=True, serialize_stacktrace=False)
"""JSON lines with service, level and the keys a handler appends (`correlation_id` above all)."""


@dataclass
class Step:
    """What the line of a step will say. The block of the step may add facts."""

    facts: dict[str, Any] = field(default_factory=dict)
    outcomes: Counter[Metric] = field(default_factory=Counter)


_step: ContextVar[Step | None] = ContextVar("step", default=None)


@contextmanager
def step(message: str) -> Iterator[Step]:
    """Print one line when the block ends, even by an error: its facts, and its outcomes as metrics.

    CloudWatch bills the bytes of lines, and most of a line only says where it comes from.
    """
    current = Step()
    token = _step.set(current)
    try:
        yield current
    finally:
        _step.reset(token)
        _print(message, current.facts, current.outcomes)


def count(metric: Metric, value: int = 1, **facts: str) -> None:
    """Count an event of the stage, so that an alarm can watch it, in a log line with its facts.

    An outcome of a step goes into the line of the step. Any other count gets a line at once, so it
    is not lost when the worker dies later.
    """
    current = _step.get()
    if current is None or metric not in OUTCOMES:
        _print(metric, facts, {metric: value})
    else:
        current.facts |= facts
        current.outcomes[metric] += value


class Counters:
    """The port `Monitor`."""

    def count(self, name: Metric, **facts: str) -> None:
        """Count an event that operations watch."""
        count(name, 1, **facts)


def _print(message: str, facts: Mapping[str, Any], metrics: Mapping[Metric, int]) -> None:
    logger.info(message, extra={**facts, **(_embedded(metrics) if metrics else {})})


def _embedded(metrics: Mapping[Metric, int]) -> dict[str, Any]:
    """The fields of CloudWatch's embedded metric format.

    The only dimension is the stage. So a metric is one, and needs one alarm, however many functions
    count it. The line says which function did.
    """
    directive = {
        "Namespace": METRICS_NAMESPACE,
        "Dimensions": [["stage"]],
        "Metrics": [{"Name": metric, "Unit": UNITS[metric.unit].value} for metric in metrics],
    }
    milliseconds = int(clock.now().timestamp() * 1000)
    return {
        "stage": os.environ.get("STAGE", "none"),
        "_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]},
        **{str(metric.value): value for metric, value in metrics.items()},
    }
