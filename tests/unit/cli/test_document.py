"""docs/cli.md says what there is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.__main__ import app
from cli.failures import MEANING, Exit
from tests.unit.test_runbook import table

ROOT = Path(__file__).resolve().parents[3]


def commands(group: Any, prefix: str = "") -> Iterator[list[str]]:
    """A row for each command: how it is called, and the first paragraph of its help."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            arguments = [
                f"[{p.metavar or p.name.upper()}]"
                if not p.required
                else p.metavar or p.name.upper()
                for p in command.params
                if p.param_type_name == "argument"
            ]
            summary = " ".join(command.help.split("\n\n")[0].split())
            yield [f"`{' '.join((prefix + name, *arguments))}`", summary]


def test_every_command_is_in_the_document() -> None:
    assert table("cli.md", "command") == list(commands(typer.main.get_command(app)))


def test_every_exit_status_is_in_the_document() -> None:
    assert table("cli.md", "exit status") == [
        [str(int(status)), MEANING[status]] for status in Exit
    ]


@pytest.mark.parametrize(
    ("typed", "offered"), [("trading bal", "balance"), ("trading admin rot", "rotate-secret")]
)
def test_the_shell_completes(typed: str, offered: str) -> None:
    words = {
        "_TRADING_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(typed.count(" ")),
    }
    answer = subprocess.run(
        [sys.executable, "-m", "cli"],
        cwd=ROOT,
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == offered
