"""Our sources, parsed: what cannot be imported as data is found in the syntax tree."""

import ast
import importlib
import pkgutil
from collections import defaultdict
from functools import cache
from pathlib import Path
from types import ModuleType

from documentation.places import ROOT

TRADING = ROOT / "layers" / "trading" / "python"
SIMULATORS = ROOT / "layers" / "simulators" / "python"


@cache
def parsed() -> dict[str, ast.Module]:
    """Module → its syntax tree, of all that runs in Lambda."""
    roots = ((TRADING, TRADING / "trading"), (ROOT, ROOT / "functions"))
    return {
        _module(path.relative_to(base)): ast.parse(path.read_text())
        for base, package in roots
        for path in sorted(package.rglob("*.py"))
    }


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def calls(name: str) -> list[tuple[str, ast.Call]]:
    """Calls of a function or method of that name, each with its module."""
    return _calls().get(name, [])


@cache
def _calls() -> dict[str, list[tuple[str, ast.Call]]]:
    found: dict[str, list[tuple[str, ast.Call]]] = defaultdict(list)
    for module, tree in parsed().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                match node.func:
                    case ast.Name(id=name) | ast.Attribute(attr=name):
                        found[name].append((module, node))
    return found


@cache
def modules(package: str) -> tuple[ModuleType, ...]:
    """A package's modules, imported."""
    root = importlib.import_module(package)
    names = [info.name for info in pkgutil.walk_packages(root.__path__, f"{package}.")]
    return (root, *map(importlib.import_module, names))
