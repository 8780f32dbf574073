"""Deliberate bugs: edits of the source of functions, compiled and put in place for a while."""

from __future__ import annotations
import __future__

import ast
import inspect
import re
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from tests.simulation import lambdas


@dataclass(frozen=True)
class Edit:
    """Replaces `old` by `new` in the source of a function, a property or a handler's module.

    `old` must occur exactly once. A handler's module is named as `functions...`.
    """

    of: Callable[..., Any] | property | str
    old: str
    new: str


@dataclass(frozen=True)
class Constant:
    """Another value for a module's constant."""

    module: ModuleType
    name: str
    value: Any


Change = Edit | Constant


@dataclass(frozen=True)
class Bug:
    """A mistake that a developer could have made, and what it would cost.

    `tolerated` says why a harmless mistake does no harm. `pending` says what the simulation lacks
    to find the bug. `exhausted`: the service whose quota is used up in the runs of this bug.
    """

    name: str
    mistake: str
    cost: str
    changes: tuple[Change, ...]
    tolerated: str | None = None
    pending: str | None = None
    exhausted: str = ""


@contextmanager
def in_place(changes: tuple[Change, ...]) -> Iterator[None]:
    """Apply the changes for the duration of the context.

    Raises ValueError if an edit no longer fits the code.
    """
    edits: dict[FunctionType | str, list[Edit]] = defaultdict(list)
    with pytest.MonkeyPatch.context() as patch:
        for change in changes:
            if isinstance(change, Constant):
                patch.setattr(change.module, change.name, change.value)
            else:
                edits[change.of if isinstance(change.of, str) else function_of(change.of)].append(
                    change
                )
        for of, edits_of in edits.items():
            if isinstance(of, str):
                _edit_handler(patch, of, edits_of)
            else:
                patch.setattr(of, "__code__", _edited(of, edits_of))
        yield


def _edit_handler(patch: pytest.MonkeyPatch, handler: str, edits: list[Edit]) -> None:
    """Edit a handler's module, which runs anew at each cold start."""
    compiled = lambdas.compiled
    path = Path(compiled(handler).co_filename)
    edited = compile(_replaced(path.read_text(), edits), path, "exec", dont_inherit=True)
    patch.setattr(lambdas, "compiled", lambda name: edited if name == handler else compiled(name))


def function_of(of: Callable[..., Any] | property) -> FunctionType:
    """The function behind a property or decorators."""
    function = inspect.unwrap(of.fget if isinstance(of, property) and of.fget else of)  # type: ignore[arg-type]
    assert isinstance(function, FunctionType), of
    return function


def _edited(function: FunctionType, edits: list[Edit]) -> CodeType:
    tree = ast.parse(_replaced(textwrap.dedent(inspect.getsource(function)), edits))
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef), definition
    definition.decorator_list = []
    flags = function.__code__.co_flags & __future__.annotations.compiler_flag
    module = compile(tree, function.__code__.co_filename, "exec", flags=flags, dont_inherit=True)
    return next(
        c for c in module.co_consts if isinstance(c, CodeType) and c.co_name == function.__name__
    )


def _replaced(source: str, edits: list[Edit]) -> str:
    for edit in edits:
        pattern = re.escape(edit.old) if edit.old in source else _however_wrapped(edit.old)
        source, times = re.subn(pattern, lambda _, new=edit.new: new, source)  # type: ignore[misc]
        if times != 1:
            raise ValueError(f"{times} times, not once: {edit.old}")
    return source


def _however_wrapped(code: str) -> str:
    """A pattern that matches the code however the formatter wraps its lines."""
    pattern, before = "", ""
    for token in re.findall(r"\w+|[^\w\s]", code):
        pattern += r"\s+" if before[-1:].isidentifier() and token.isidentifier() else r"\s*"
        pattern += (r",?\s*" if token in ")]}" else "") + re.escape(token)
        before = token
    return pattern.removeprefix(r"\s*")
