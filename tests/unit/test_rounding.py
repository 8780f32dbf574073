"""Amounts are divided and rounded by the named rules of `values` only."""

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from trading.domain import values
from trading.domain.values import (
    cents,
    cents_down,
    cents_up,
    per_share,
    percent_of,
    proportional,
    ratio,
    tick_down,
    tick_up,
    whole_of,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("layers", "functions", "cli", "ops", "local", "documentation", "workstation")
VALUES = ROOT / "layers/trading/python/trading/domain/values.py"
ROUNDING_CALLS = {"quantize", "to_integral_value", "to_integral_exact", "round", "divmod", "fsum"}
ROUNDING_CALLS |= {"floor", "ceil", "trunc"}
NO_AMOUNTS = {
    "simulators/behaviour.py": 1,
    "simulators/dice.py": 1,
    "simulators/exchange.py": 2,
    "simulators/market.py": 6,
    "simulators/settlement_desk.py": 1,
    "adapters/dynamodb/attention.py": 2,
    "adapters/dynamodb/audit.py": 1,
    "adapters/http/request_reading.py": 1,
    "adapters/http/throttle.py": 3,
    "adapters/messaging/event_queue.py": 1,
    "adapters/messaging/mailbox_worker.py": 2,
    "adapters/messaging/mailboxes.py": 1,
    "adapters/messaging/run_log.py": 1,
    "adapters/messaging/workflow.py": 1,
    "domain/orders/attention.py": 1,
    "domain/orders/routing.py": 1,
    "functions/reconciliation/handler.py": 2,
    "cli/api.py": 1,
    "ops/dead_letters.py": 1,
    "ops/stuck.py": 1,
    "local/layers.py": 6,
    "local/run.py": 1,
    "documentation/reference/alarms.py": 1,
    "documentation/reference/api/types.py": 1,
    "documentation/templates.py": 1,
    "workstation/screen.py": 1,
}
"""How often a file divides or rounds what is no amount of money: times, sizes, counts, jitter. In
the simulators also the market's own prices, which are rounded to ticks by the named rules.
"""
PATHS = {"BUILD", "KEPT", "ROOT", "_LAYERS", "directory", "page", "site", "system"}
"""The names that paths begin with."""


def is_path(node: ast.expr) -> bool:
    """Whether an operand of `/` is a piece of a path."""
    if isinstance(node, ast.BinOp):
        return is_path(node.left) or is_path(node.right)
    if isinstance(node, ast.Attribute):
        return is_path(node.value)
    text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return text or isinstance(node, ast.JoinedStr) or getattr(node, "id", "") in PATHS


def arithmetic(path: Path) -> Iterator[str]:
    """The divisions and roundings of a file, as source."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv):
            if not is_path(node):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ROUNDING_CALLS:
                yield ast.unparse(node)
        elif isinstance(node, ast.FormattedValue):
            format_spec = ast.unparse(node.format_spec) if node.format_spec else ""
            if re.search(r"\.\d+[a-zA-Z%]?'?$", format_spec):
                yield ast.unparse(node)


def test_nothing_else_divides_or_rounds() -> None:
    """Divide and round an amount by a rule of `values`. Only count here what is no amount."""
    found = {
        str(path.relative_to(ROOT)): expressions
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != VALUES and "node_modules" not in path.parts
        if (expressions := list(arithmetic(path)))
    }
    counted = {path: len(expressions) for path, expressions in found.items()}
    allowed = {
        path: number
        for path in found
        for end, number in NO_AMOUNTS.items()
        if path.endswith(f"/{end}") or path == end
    }
    assert counted == allowed, {path: found[path] for path in found}
    assert len(allowed) == len(NO_AMOUNTS)


@pytest.mark.parametrize(
    "source",
    [
        "cash / 8",
        "cash // 8",
        "cash.quantize(CENT)",
        "round(cash, 2)",
        "divmod(cash, 8)",
        "f'{cash:.2f}'",
        "f'{cash:,.4f} USD'",
    ],
)
def test_the_search_finds_every_way_to_round(source: str, tmp_path: Path) -> None:
    (file := tmp_path / "some.py").write_text(source)
    assert list(arithmetic(file)) != []


def test_the_search_knows_a_path(tmp_path: Path) -> None:
    (file := tmp_path / "some.py").write_text("ROOT / name / 'file'; f'{cash:,}'")
    assert list(arithmetic(file)) == []


D = Decimal


@pytest.mark.parametrize(
    ("rounded", "expected"),
    [
        (per_share(D("525.37"), 8), "65.6713"),
        (per_share(D("-525.37"), 8), "-65.6713"),
        (per_share(D("100.00"), 3), "33.3333"),
        (cents(D("0.005")), "0.01"),
        (cents(D("0.015")), "0.02"),
        (cents(D("299.985")), "299.99"),
        (cents_up(D("0.001")), "0.01"),
        (cents_down(D("0.009")), "0.00"),
        (cents_down(D("-0.001")), "-0.01"),
        (proportional(D("100.01"), 1, 2), "50.01"),
        (proportional(D("100.00"), 1, 3), "33.33"),
        (percent_of(D("0.03"), D("33.33")), "0.009999"),
        (whole_of(D("1.00"), D(40)), "2.50"),
        (tick_down(D("10.07"), D("0.05")), "10.05"),
        (tick_up(D("10.07"), D("0.05")), "10.10"),
        (tick_up(D("10.05"), D("0.05")), "10.05"),
        (ratio(1, 3), "0.333333"),
        (ratio(1, 64), "0.015625"),
        (ratio(D("0.0000005"), 1), "0.000001"),
    ],
)
def test_what_the_rules_give(rounded: Decimal, expected: str) -> None:
    assert str(rounded) == expected


def test_the_page_lists_every_rule() -> None:
    page = (ROOT / "docs/explanation/rounding.md").read_text()
    named = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    between = VALUES.read_text().partition("# --- rounding")[2].partition("POSITIVE_PATTERN")[0]
    rules = {
        node.name for node in ast.parse("#" + between).body if isinstance(node, ast.FunctionDef)
    }
    assert named == rules
    assert all(hasattr(values, rule) for rule in rules)
