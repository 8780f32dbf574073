"""Options that commands share."""

import re
from datetime import timedelta
from typing import Annotated, Any

import typer

DURATION = re.compile(r"([0-9]{1,6})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: Any) -> timedelta:
    """`90s`, `5m`, `2h`, `1d`."""
    if isinstance(text, timedelta):
        return text
    match = DURATION.fullmatch(str(text))
    if not match:
        raise typer.BadParameter("write it as 90s, 5m, 2h or 1d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of tables, for scripts.")]
Reason = Annotated[
    str, typer.Option("--reason", help="Why. It is kept in the audit log.", show_default=False)
]
Limit = Annotated[int, typer.Option(min=4, help="Look at so many at most, the oldest first.")]
