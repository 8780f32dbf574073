"""A derived id or key depends on everything that tells two things apart.

If an id ignores a part, for instance the exchange that sent a report, two things count as one, and
the second is dropped as a repetition.
"""

import ast
import importlib
import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from trading.domain import identifiers
from trading.domain.ledger import EntryKind

PACKAGE = Path(str(identifiers.__file__)).parents[1]
TEXTS = ("A", "B", "AB", "BA", "A-1", "1", "B.1", "A_B")
"""Texts whose concatenations coincide."""
VALUES: dict[str, tuple[Any, ...]] = {
    "number": (1, 2, 11),
    "settlement_date": (date(2026, 1, 5), date(2026, 1, 6)),
    "scheduled_at": (datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 5, 0, 0, 1, tzinfo=UTC)),
    "kind": tuple(EntryKind),
    "execution_id": (*TEXTS, "A#1", "#"),
    "trade_id": tuple(f"trd_{text}" for text in TEXTS),
    "settlement_id": tuple(f"stl_{text}" for text in TEXTS),
    "client_order_id": tuple(f"{text}-1" for text in TEXTS),
}
"""The values of parameters that are not any text."""
CONTROL_NAMES = {"last_price_name", "outage_name", "circuit_name", "quality_name"}
"""The functions that name items of the control table, which all kinds share."""
READERS = {
    ("trading.adapters.http.request_reading", "idempotency_key"),
    ("trading.adapters.identity.signature_keys", "read_private_key"),
    ("trading.adapters.identity.signature_keys", "read_public_key"),
    ("trading.adapters.identity.signature_keys", "stored_key"),
}
"""Functions that read a key in another form, and derive none."""


def naming_functions() -> Iterator[tuple[str, str]]:
    """The module and the name of each function that derives an id, a key or a name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(("trading", *path.relative_to(PACKAGE).with_suffix("").parts))
        if module.startswith("trading.bootstrap"):
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and re.search(
                r"^[a-z]\w*_(id|key|name|version)$", node.name
            ):
                yield module, node.name


FOUND = set(naming_functions())
FUNCTIONS = sorted(FOUND - READERS)


def function(module: str, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_different_things_have_different_names(module: str, name: str) -> None:
    named = function(module, name)
    values = [VALUES.get(each, TEXTS) for each in inspect.signature(named).parameters]
    things = list(itertools.product(*values))
    assert len({str(named(*thing)) for thing in things}) == len(things)


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_the_same_thing_has_the_same_name(module: str, name: str) -> None:
    named = function(module, name)
    thing = [VALUES.get(each, TEXTS)[0] for each in inspect.signature(named).parameters]
    assert named(*thing) == named(*thing)


def test_items_of_the_control_table_have_names_of_their_own() -> None:
    naming = [function(*each) for each in FUNCTIONS if each[1] in CONTROL_NAMES]
    assert len(naming) == len(CONTROL_NAMES)
    assert len({named("A") for named in naming}) == len(naming)


def test_the_search_finds_the_functions() -> None:
    assert FOUND >= READERS
    assert {name for _, name in FUNCTIONS} >= {
        *CONTROL_NAMES,
        "order_id",
        "trade_id",
        "deposit_id",
        "position_key",
        "report_deduplication_id",
    }
