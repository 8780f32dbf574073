"""A metric that has an alarm is one that some function may count.

A function may count what its modules name, and those that they import.
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


@pytest.mark.parametrize("metric", [*WATCHED, *SILENCES])
def test_a_function_may_count_what_an_alarm_watches(metric: Metric) -> None:
    assert [function for function in SERVICES if metric.name in within_reach(function)]
