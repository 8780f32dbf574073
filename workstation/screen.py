"""The output of the command lines: tables for people, JSON for scripts, notes beside both."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 220
"""Columns, when the output is no terminal."""


class Screen:
    """Writes the answer to standard output, and notes to standard error."""

    def __init__(self, as_json: bool = False) -> None:
        self._as_json = as_json
        self._out = Console(highlight=False)
        if not self._out.is_terminal:
            self._out = Console(highlight=False, width=PIPE_WIDTH)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)

    def show(self, answer: Any, *parts: RenderableType) -> None:
        """Write the answer as JSON, or its parts one below the other."""
        if self._as_json:
            self._out.file.write(json.dumps(answer, indent=2, default=str) + "\n")
            return
        for part in parts:
            self._out.print(Text(part) if isinstance(part, str) else part)

    def note(self, text: str, style: str = "dim") -> None:
        """Write a note to standard error."""
        self._err.print(Text(text, style=style))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Draw a table. A column whose name begins with `>` is aligned right."""
    drawn = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=box.SIMPLE_HEAD,
    )
    drawn.show_header = any(column.lstrip(">") for column in columns)
    for column in columns:
        drawn.add_column(
            column.lstrip(">"),
            justify="right" if column.startswith(">") else "left",
            overflow="fold",
        )
    for row in rows:
        drawn.add_row(
            *(
                cell if isinstance(cell, Text) else Text("" if cell is None else str(cell))
                for cell in row
            )
        )
    return drawn


def in_words(age: timedelta) -> str:
    """Format a duration in its two largest units: `3d 4h`, `5m 10s`."""
    seconds = max(int(age.total_seconds()), 0)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or unit == "s":
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])
