"""Refreshes what a command shows, until Ctrl-C."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live

from cli.failures import Failure
from cli.session import Session
from workstation.screen import PIPE_WIDTH


def watch(
    session: Session,
    seconds: float,
    look: Callable[[], Any],
    draw: Callable[[Any], RenderableType],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show what `look` returns, again and again, in place. In a pipe, show changes only.

    `sleep`: waits before the next look, for so many seconds at most.

    A temporary failure (no answer, a rate limit) is shown in the caption. Any other raises Failure.
    """
    console = (
        Console(highlight=False)
        if sys.stdout.isatty()
        else Console(highlight=False, width=PIPE_WIDTH)
    )
    shown: Any = None
    try:
        with Live(console=console, auto_refresh=False, transient=False) as live:
            while True:
                caption = "Ctrl-C ends it."
                try:
                    seen = look()
                except Failure as failure:
                    if not failure.may_be_repeated:
                        raise
                    seen, caption = shown, failure.lines[0]
                if session.as_json:
                    if seen != shown:
                        sys.stdout.write(json.dumps(seen) + "\n")
                        sys.stdout.flush()
                elif console.is_terminal:
                    live.update(
                        Group(draw(seen) if seen is not None else "", caption), refresh=True
                    )
                elif seen != shown:
                    console.print(draw(seen))
                shown = seen
                sleep(seconds)
    except KeyboardInterrupt:
        return
