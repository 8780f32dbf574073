"""Options that commands share."""

import re
from datetime import timedelta
from typing import Annotated, Any

import typer

from trading.domain import patterns

DURATION = re.compile(r"([0-9]{1,6})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: Any) -> timedelta:
    """Parse `90s`, `5m`, `2h` or `1d`."""
    if isinstance(text, timedelta):
        return text
    match = DURATION.fullmatch(str(text))
    if not match:
        raise typer.BadParameter("write it as 90s, 5m, 2h or 1d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables, for scripts.")]
LONGEST_REASON = 500


def _reason(text: str) -> str:
    if len(text) > LONGEST_REASON or not re.fullmatch(patterns.FREE_TEXT, text):
        raise typer.BadParameter(
            f"write one line of visible text, at most {LONGEST_REASON} characters"
        )
    return text


Reason = Annotated[
    str,
    typer.Option(
        "--reason",
        help="Why you do this. The audit log keeps it.",
        show_default=False,
        callback=_reason,
    ),
]
Limit = Annotated[int, typer.Option(min=4, help="Look at this many at most, oldest first.")]
