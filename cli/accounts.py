"""Commands about cash, positions and their history."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli import view
from cli.options import (
    AsCsv,
    AsJson,
    Cursor,
    Everything,
    Limit,
    OnlySide,
    OnlySymbol,
    Since,
    Symbol,
    Until,
)
from cli.pages import csv_lines, fetch, tell_of_more
from cli.session import Session
from trading.domain.accounts.movements import MovementType

TRADE = (
    "booked_at",
    "trade_id",
    "side",
    ">quantity",
    "symbol",
    ">price",
    ">fees",
    ">amount",
    "exchange_id",
    "status",
    "settlement_date",
    "settled_at",
)
MOVEMENT = (
    "booked_at",
    "type",
    "symbol",
    ">quantity",
    ">price",
    ">amount",
    ">unsettled_amount",
    ">unsettled_quantity",
    "reference",
    "trade_id",
)


def balance(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show cash: available, held for orders, unsettled, and buying power (USD)."""
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.get("/api/v1/balance")
    session.show(answer, view.balance(answer))


def positions(
    ctx: typer.Context,
    closed: Annotated[bool, typer.Option("--closed", help="Include closed positions.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """List positions in the order of their symbols."""
    session: Session = ctx.obj.begin(as_json)
    query = {"closed": closed or None, "limit": limit, "cursor": cursor}
    page = fetch(session.api, "/api/v1/positions", query, everything)
    session.show(page, view.holdings(page["items"]))
    tell_of_more(session, page["next_cursor"])


def position(ctx: typer.Context, symbol: Symbol, as_json: AsJson = False) -> None:
    """Show the position in one symbol."""
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.get(f"/api/v1/positions/{symbol}")
    session.show(answer, view.record(f"Position in {symbol}", answer, ("symbol",)))


def portfolio(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show cash and open positions at one moment, with profit and loss."""
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.get("/api/v1/portfolio")
    session.show(answer, *portfolio_parts(answer))


def portfolio_parts(answer: Mapping[str, Any]) -> list[RenderableType]:
    """A portfolio as tables."""
    return [
        view.record("Portfolio", answer),
        view.balance(answer["cash"]),
        view.holdings(answer["positions"]),
    ]


def trades(
    ctx: typer.Context,
    symbol: OnlySymbol = None,
    side: OnlySide = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: Everything = False,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """List executions, newest first, with fees and settlement.

    Example: trading trades --from 2026-11-01T00:00:00Z --all --csv
    """
    session: Session = ctx.obj.begin(as_json)
    query = {
        "symbol": symbol,
        "side": side,
        "from": since,
        "to": until,
        "limit": limit,
        "cursor": cursor,
    }
    _list(session, "/api/v1/trades", query, "Trades", TRADE, everything, as_csv)


def history(
    ctx: typer.Context,
    kind: Annotated[
        MovementType | None,
        typer.Option(
            "--type", case_sensitive=False, help="Only this type of movement.", show_default=False
        ),
    ] = None,
    symbol: OnlySymbol = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: Everything = False,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """List all movements of cash and shares, newest first: the account statement."""
    session: Session = ctx.obj.begin(as_json)
    query = {
        "type": kind,
        "symbol": symbol,
        "from": since,
        "to": until,
        "limit": limit,
        "cursor": cursor,
    }
    _list(session, "/api/v1/transactions", query, "Transactions", MOVEMENT, everything, as_csv)


def _list(
    session: Session,
    path: str,
    query: Mapping[str, Any],
    title: str,
    columns: Sequence[str],
    everything: bool,
    as_csv: bool,
) -> None:
    if as_csv:
        for line in csv_lines(session, path, query, everything):
            sys.stdout.write(line)
        return
    page = fetch(session.api, path, query, everything)
    session.show(page, view.rows(title, columns, page["items"]))
    tell_of_more(session, page["next_cursor"])
