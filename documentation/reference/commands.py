"""The command lines, from their typer applications, and make's targets."""

import inspect
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import typer
from typer.core import TyperGroup

from documentation.markdown import code, first_paragraph, paragraph, section, table
from documentation.places import ROOT

TARGET = re.compile(r"^([a-z-]+):.*?## (.*)$", re.MULTILINE)


def trading() -> str:
    """Commands of clients and operators."""
    from cli.__main__ import app

    return _rendered(app, "bin/trading")


def ops() -> str:
    """Commands of the operator."""
    from ops.__main__ import app

    return _rendered(app, "ops")


def trading_exit_statuses() -> str:
    """The exit statuses of `bin/trading`."""
    from cli.failures import Exit

    return _statuses((status, status.name, status.sentence) for status in Exit)


def ops_exit_statuses() -> str:
    """The exit statuses of the operator's commands."""
    from ops.exit_status import Exit

    return _statuses((status, status.name, status.sentence) for status in Exit)


def _statuses(found: Iterable[tuple[int, str, str]]) -> str:
    rows = ((str(int(status)), code(name), sentence) for status, name, sentence in found)
    return table(("status", "name", "meaning"), rows)


def _rendered(app: typer.Typer, name: str) -> str:
    root = typer.main.get_command(app)
    return "\n".join(
        section(
            2, code(path), paragraph(command.help or ""), _parameters(command), anchor=_anchor(path)
        )
        for path, command in walk(root, name)
    )


def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command below this one, without groups that have no options."""
    if isinstance(command, TyperGroup):
        if command.params:
            yield path, command
        for name, each in command.commands.items():
            yield from walk(each, f"{path} {name}")
    else:
        yield path, command


def _anchor(path: str) -> str:
    return re.sub(r"[^a-z]+", "-", path.lower()).strip("-")


def _parameters(command: Any) -> str:
    rows = (
        (
            _names(each),
            _values(each),
            "yes" if each.required else "",
            _default(each),
            first_paragraph(getattr(each, "help", "") or ""),
        )
        for each in command.params
        if each.name != "help"
    )
    return table(("parameter", "value", "required", "default", ""), rows)


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return code((parameter.metavar or parameter.name or "").upper())
    return ", ".join(map(code, (*parameter.opts, *parameter.secondary_opts)))


def _values(parameter: Any) -> str:
    """Its type, or its possible values."""
    annotation = parameter.type_descriptor.annotation
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return ", ".join(code(each.value) for each in annotation)
    if getattr(parameter, "is_flag", False):
        return ""
    return str(parameter.metavar or getattr(annotation, "__name__", annotation)).lower()


def _default(parameter: Any) -> str:
    value = parameter.default
    if value is None or value is False or callable(value):
        return ""
    return code(getattr(value, "value", value))


def make_targets() -> str:
    """Every target with its description in the Makefile."""
    return table(
        ("target", "what it does"),
        ((code(f"make {name}"), said) for name, said in targets().items()),
    )


def targets() -> dict[str, str]:
    """Target → its description."""
    return dict(TARGET.findall((ROOT / "Makefile").read_text()))
