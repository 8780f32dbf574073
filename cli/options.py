"""Arguments and options that several commands have."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import profiles
from cli.failures import Failure
from trading.domain.values import Side


def _profile_names(incomplete: str) -> Iterator[str]:
    """Complete profile names in the shell. Errors are dropped: nobody would see them."""
    try:
        names = sorted(profiles.known())
    except Failure:
        return
    yield from (name for name in names if name.startswith(incomplete))


class State(StrEnum):
    """Whether an order may still be filled."""

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
        help="Profile: the API and your credentials. See `trading profile list`.",
        show_default=False,
    ),
]
Patience = Annotated[
    float,
    typer.Option(
        min=0,
        envvar="TRADING_PATIENCE",
        help="Seconds during which temporary failures are retried.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the JSON of the API instead of tables.")
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="Idempotency key. The API does a command once under one key.",
        show_default=False,
    ),
]
Code = Annotated[
    str | None,
    typer.Option(
        "--code",
        envvar="TRADING_CODE",
        help="Six digits of the authenticator, or a recovery code.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=100, help="Items on a page.")]
Cursor = Annotated[
    str | None, typer.Option(help="The next_cursor of the previous page.", show_default=False)
]
Everything = Annotated[bool, typer.Option("--all", help="Fetch all pages.")]
Since = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help="From this time on, for example 2026-11-24T14:30:00Z.",
        show_default=False,
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="TIME",
        help="Before this time, for example 2026-11-25T00:00:00Z.",
        show_default=False,
    ),
]
Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", parser=str.upper, show_default=False)]
OnlySymbol = Annotated[
    Any, typer.Option("--symbol", metavar="SYMBOL", parser=str.upper, show_default=False)
]
OnlySide = Annotated[Side | None, typer.Option("--side", case_sensitive=False, show_default=False)]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")]
OrderId = Annotated[str, typer.Argument(metavar="ORDER_ID", show_default=False)]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", show_default=False)]
Reason = Annotated[
    str,
    typer.Option("--reason", help="Why you do this. The audit log keeps it.", show_default=False),
]
