"""The import contracts hold for the packages that exist now, not only for those that existed when
the contracts were written.
"""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
ALLOWED: dict[str, list[str]] = TOOLS["allowed-imports"]
PROGRAMS = ("simulators", "functions", "infra", "workstation", "local", "ops", "cli")
OUR_OWN = ("trading", *PROGRAMS)
CLIENTS = {"boto3", "botocore.config", "urllib3"}


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*OUR_OWN, cache_dir=None)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def imports(package: str) -> Iterator[tuple[str, str]]:
    """The imports that leave a package: which module imports which."""
    for module in sorted(m for m in graph().modules if within(m, package)):
        for imported in sorted(graph().find_modules_directly_imported_by(module)):
            if not within(imported, package):
                yield module, imported


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_its_list_allows(package: str) -> None:
    refused = [
        f"{module} imports {imported}"
        for module, imported in imports(package)
        if not any(within(imported, allowed) for allowed in ALLOWED[package])
    ]
    assert refused == []


@pytest.mark.parametrize("package", ALLOWED)
def test_every_allowed_import_of_a_package_is_used(package: str) -> None:
    imported = {name for _, name in imports(package)}
    unused = [
        allowed for allowed in ALLOWED[package] if not any(within(n, allowed) for n in imported)
    ]
    assert unused == []


def test_every_package_has_a_list_of_allowed_imports() -> None:
    inner = ("trading.domain", "trading.usecases", "trading.adapters")
    packages = {
        module
        for module in graph().modules
        if module.rpartition(".")[0] in ("trading", *inner) and module not in inner
    }
    assert ALLOWED.keys() == packages | set(PROGRAMS)


@pytest.mark.parametrize(
    "handler", sorted((ROOT / "functions").glob("*/handler.py")), ids=lambda path: path.parent.name
)
def test_a_handler_makes_no_clients_itself(handler: Path) -> None:
    tree = ast.parse(handler.read_text())
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported & CLIENTS == set()


def test_the_contract_that_separates_functions_lists_every_function() -> None:
    contracts = TOOLS["importlinter"]["contracts"]
    (independence,) = (contract for contract in contracts if contract["type"] == "independence")
    functions = [
        f"functions.{path.parent.name}" for path in (ROOT / "functions").glob("*/handler.py")
    ]
    assert sorted(independence["modules"]) == sorted(functions)
