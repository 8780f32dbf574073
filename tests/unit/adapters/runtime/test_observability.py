"""Metrics leave in the embedded metric format, each in its unit."""

import json

import pytest

from trading.adapters.runtime.observability import count
from trading.metrics import Metric


@pytest.mark.parametrize(
    ("metric", "unit"),
    [(Metric.RECONCILIATION_SECONDS, "Seconds"), (Metric.RECONCILIATION_RUNS, "Count")],
)
def test_a_value_has_the_unit_of_its_metric(
    capsys: pytest.CaptureFixture[str], metric: Metric, unit: str
) -> None:
    count(metric, value=7)
    emitted = json.loads(capsys.readouterr().out)
    (directive,) = emitted["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": metric, "Unit": unit}]
    assert emitted[metric] == [7]
