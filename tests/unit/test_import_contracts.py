"""The import contracts hold for what there is, not for what there was when they were written."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_functions_must_not_know_each_other_not_one_excepted() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (independence,) = (contract for contract in contracts if contract["type"] == "independence")
    functions = [
        f"functions.{path.parent.name}" for path in (ROOT / "functions").glob("*/handler.py")
    ]
    assert sorted(independence["modules"]) == sorted(functions)
