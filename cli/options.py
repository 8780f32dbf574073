"""Arguments and options that commands share."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import profiles
from cli.failures import Failure
from trading.domain.values import Side


def _profile_names(incomplete: str) -> Iterator[str]:
    """For the shell's completion, where nobody sees an error."""
    try:
        names = sorted(profiles.known())
    except Failure:
        return
    yield from (name for name in names if name.startswith(incomplete))


class State(StrEnum):
    """Whether an order may still execute."""

    OPEN = "open"
    CLOSED = "closed"


ProfileName = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=_profile_names, show_default=False)
]
UsedProfile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        envvar="TRADING_PROFILE",
        autocompletion=_profile_names,
        help="Where the API is and who asks.",
        show_default=False,
    ),
]
Patience = Annotated[
    float,
    typer.Option(
        min=0, envvar="TRADING_PATIENCE", help="Seconds in which what may pass is tried again."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The API's own JSON instead of tables.")]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="Idempotency key: the same command under the same key is done once.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=100, help="So many on a page.")]
Cursor = Annotated[
    str | None, typer.Option(help="The next_cursor of the page before.", show_default=False)
]
Everything = Annotated[bool, typer.Option("--all", help="All pages.")]
Since = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="At this time or later (ISO 8601).", show_default=False
    ),
]
Until = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Before this time (ISO 8601).", show_default=False),
]
Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", parser=str.upper, show_default=False)]
OnlySymbol = Annotated[
    Any, typer.Option("--symbol", metavar="SYMBOL", parser=str.upper, show_default=False)
]
OnlySide = Annotated[Side | None, typer.Option("--side", case_sensitive=False, show_default=False)]
AsCsv = Annotated[bool, typer.Option("--csv", help="CSV instead of a table.")]
OrderId = Annotated[str, typer.Argument(metavar="ORDER_ID", show_default=False)]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", show_default=False)]
Reason = Annotated[
    str, typer.Option("--reason", help="Why. It is kept in the audit log.", show_default=False)
]
