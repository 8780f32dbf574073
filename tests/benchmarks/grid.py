"""Tables of figures: Rich for people, Markdown for documents."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Grid:
    """A table in plain text. The first column is text, the others are numbers."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers_from: int = 1

    def show(self, console: Console) -> None:
        """The table for people."""
        table = Table()
        for index, name in enumerate(self.header):
            table.add_column(name, justify="right" if index >= self.numbers_from else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(f"\n[bold]{self.title}[/]", highlight=False)
        console.print(table)

    def markdown(self) -> str:
        """The table for a document."""
        rule = [
            "---:" if index >= self.numbers_from else "---" for index in range(len(self.header))
        ]
        lines = [f"| {' | '.join(row)} |" for row in (self.header, rule, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines])
