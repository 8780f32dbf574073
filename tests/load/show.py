"""The progress of a run: a table that stays in place on a terminal, otherwise a line every few
seconds.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from tests.load.killer import Killer
from tests.load.standing import Standing
from tests.load.traffic import Tally

LINE_SECONDS = 5.0


@dataclass
class Board:
    """The progress on display. The run keeps it up to date."""

    planned: int
    tally: Tally
    killer: Killer
    stage: str = "starting"
    standing: Standing = field(default_factory=Standing)
    announce: Callable[[str], None] = field(default=lambda _: None)
    """Receives a line when another phase begins."""
    _began: float = field(default_factory=time.monotonic)
    _placing_since: float | None = None

    def say(self, stage: str) -> None:
        """Show what happens now."""
        self.stage = stage
        self.announce(self.line())

    def placing(self) -> None:
        """Show the placing of orders from now on."""
        self._placing_since = time.monotonic()
        self.say("placing orders")

    def facts(self) -> dict[str, str]:
        """All counts."""
        since = time.monotonic() - self._placing_since if self._placing_since is not None else 0.0
        tally, standing = self.tally, self.standing
        return {
            "placed": f"{tally.placed}/{self.planned}",
            "accepted": str(tally.accepted),
            "rejected": str(tally.rejected),
            "filled": str(standing.filled),
            "cleared": str(standing.cleared),
            "under way": str(standing.under_way),
            "killed workers": str(self.killer.killed.total()),
            "errors": str(tally.retries.total()),
            "orders/s": f"{standing.at_rest / since:.1f}" if since else "–",
        }

    def line(self) -> str:
        """The progress in one line."""
        facts = "  ".join(f"{name} {value}" for name, value in self.facts().items())
        return f"{time.monotonic() - self._began:4.0f} s  {self.stage}: {facts}"

    def table(self) -> Table:
        """The progress for a terminal."""
        table = Table(
            title=f"{self.stage} ({time.monotonic() - self._began:.0f} s)", title_justify="left"
        )
        facts = self.facts()
        for name in facts:
            table.add_column(name, justify="right")
        table.add_row(*facts.values())
        grid = Table.grid()
        grid.add_row(table)
        grid.add_row(
            ProgressBar(
                self.planned, self.standing.at_rest + self.tally.placed - self.standing.orders, 80
            )
        )
        return grid


@contextmanager
def shown(board: Board, console: Console) -> Iterator[None]:
    """Show the progress while the block runs."""
    if console.is_terminal:
        with Live(console=console, get_renderable=board.table, refresh_per_second=4):
            yield
        return
    over = threading.Event()
    board.announce = partial(console.print, highlight=False, soft_wrap=True)

    def lines() -> None:
        while not over.wait(LINE_SECONDS):
            board.announce(board.line())

    printer = threading.Thread(target=lines, name="progress")
    printer.start()
    try:
        yield
    finally:
        over.set()
        printer.join()
