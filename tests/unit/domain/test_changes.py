"""Entities change in one checked way, and only through their own methods."""

import ast
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.builders import NOW, make_order
from trading.domain.accounts.cash import Account
from trading.domain.reference.instruments import Instrument
from trading.domain.values import InvalidChangeError

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("layers", "functions", "infra", "ops", "cli", "local", "workstation")
VALUES = ROOT / "layers/trading/python/trading/domain/values.py"


def test_a_change_keeps_everything_else() -> None:
    order = make_order()
    changed = order.but(attention_at=NOW + timedelta(hours=1))
    assert changed != order
    assert changed.but(attention_at=order.attention_at) == order
    assert changed.model_dump_json(exclude={"attention_at"}) == order.model_dump_json(
        exclude={"attention_at"}
    )


def test_a_misspelt_name_is_refused() -> None:
    with pytest.raises(InvalidChangeError, match="Order: atention_at"):
        make_order().but(atention_at=NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": "100"},
        {"quantity": None},
        {"status": "FILLED"},
        {"fees": 1},
        {"fees": 1.5},
        {"attention_at": "2026-01-05T15:00:00Z"},
        {"attention_at": NOW.replace(tzinfo=None)},
        {"children": []},
        {"put_off": False},
    ],
)
def test_a_value_of_another_type_is_refused(wrong: dict[str, object]) -> None:
    (name,) = wrong
    with pytest.raises(InvalidChangeError, match=name):
        make_order().but(**wrong)


def test_a_change_obeys_the_rules_of_its_field() -> None:
    instrument = Instrument(symbol="AAPL", name="Apple", reference_price=Decimal("100.00"))
    with pytest.raises(InvalidChangeError, match="reference_price"):
        instrument.traded_at(Decimal("-1.00"))
    with pytest.raises(InvalidChangeError, match="tick_size"):
        instrument.but(tick_size=Decimal("0.001"))


def test_the_error_does_not_repeat_the_value() -> None:
    with pytest.raises(InvalidChangeError) as refused:
        Account(client_id="alice").but(held="a secret")
    assert "a secret" not in str(refused.value)


def _calls_outside_of_models(tree: ast.AST, inside_model: bool = False) -> list[int]:
    """The lines that change a model outside the body of a class with bases."""
    found: list[int] = []
    for node in ast.iter_child_nodes(tree):
        inside = inside_model or (isinstance(node, ast.ClassDef) and bool(node.bases))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            updates = any(keyword.arg == "update" for keyword in node.keywords)
            if node.func.attr == "model_copy" and updates:
                found.append(node.lineno)
            if node.func.attr == "but" and not inside:
                found.append(node.lineno)
        found += _calls_outside_of_models(node, inside)
    return found


def test_only_a_models_own_methods_change_it() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != VALUES and "node_modules" not in path.parts
        for line in _calls_outside_of_models(ast.parse(path.read_text()))
    ]
    assert wrong == []
