"""A metric that has an alarm has one for each function that may emit it.

A function may emit what its modules name, and those that they import.
"""

import re
from functools import cache
from pathlib import Path

import grimp
import pytest

from infra.catalog.alarms import SILENCES, WATCHED
from infra.catalog.functions import SERVICES
from trading.metrics import Metric

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "trading" / "python"

_PLANS = "It only plans. Its builder stands beside those of the other steps."
_NO_CYCLE = "It does no part of that step. Its builder stands beside the step's."
_NO_THROTTLE = "Its resolver gets no throttle. The API's stage limits its routes."
NEVER: dict[tuple[Metric, str], str] = {
    (Metric.BREAKS, "settlement_plan"): _PLANS,
    (Metric.NOT_UNDERSTOOD, "settlement_plan"): _PLANS,
    (Metric.SETTLEMENTS_FAILED, "settlement_plan"): _PLANS,
    (Metric.CLIENTS_UNSETTLED, "settlement_plan"): _PLANS,
    (Metric.SECRET_REFRESH_FAILED, "settlement_plan"): _PLANS,
    (Metric.ORDERS_NOT_MARKED, "settlement"): "It marks no order: the obligations stay due.",
    (Metric.SETTLEMENTS_FAILED, "internal"): "The operator who settles by hand gets the error.",
    (Metric.SETTLEMENTS_FAILED, "settlement_reconcile"): _NO_CYCLE,
    (Metric.CLIENTS_UNSETTLED, "internal"): _NO_CYCLE,
    (Metric.CLIENTS_UNSETTLED, "settlement"): _NO_CYCLE,
    (Metric.SWEEPS_FAILED, "day_close"): _NO_CYCLE,
    (Metric.CLOSES_FAILED, "sweeper"): _NO_CYCLE,
    **{
        (Metric.RATE_LIMIT_UNAVAILABLE, function): _NO_THROTTLE
        for function in ("auth", "callbacks", "internal_auth")
    },
}
"""The functions that import what emits a metric and never call it, with the reason."""


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("trading", "functions", cache_dir=None)


@cache
def named_in(module: str) -> frozenset[str]:
    """The metrics that a module names."""
    root = LAYER if module.startswith("trading") else ROOT
    path = root / f"{module.replace('.', '/')}.py"
    return frozenset(re.findall(r"\bMetric\.(\w+)", path.read_text()) if path.exists() else ())


@cache
def within_reach(function: str) -> frozenset[str]:
    """The metrics that a function may emit."""
    handler = f"functions.{function}.handler"
    modules = {handler, *graph().find_upstream_modules(handler)}
    return frozenset(name for module in modules for name in named_in(module))


@pytest.mark.parametrize("metric", WATCHED)
def test_each_function_that_may_emit_a_watched_metric_has_an_alarm(metric: Metric) -> None:
    may = {function for function in SERVICES if metric.name in within_reach(function)}
    never = {function for named, function in NEVER if named is metric}
    assert never <= may
    assert set(WATCHED[metric].functions) == may - never


@pytest.mark.parametrize("metric", SILENCES)
def test_the_function_whose_silence_raises_an_alarm_may_emit_the_metric(metric: Metric) -> None:
    assert metric.name in within_reach(SILENCES[metric].function)
