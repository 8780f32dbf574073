"""Commands about what a client owns."""

from typing import Annotated

import typer

from cli import view
from cli.options import AsJson, Cursor, Everything, Limit, Symbol
from cli.pages import fetch, tell_of_more
from cli.session import Session


def balance(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the cash: available, held for orders, unsettled, buying power."""
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.get("/api/v1/balance")
    session.show(answer, view.balance(answer))


def positions(
    ctx: typer.Context,
    closed: Annotated[bool, typer.Option("--closed", help="With positions that are closed.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """List positions, by symbol."""
    session: Session = ctx.obj.begin(as_json)
    page = fetch(session.api, "/api/v1/positions", {"closed": closed or None}, limit, cursor, everything)
    session.show(page, view.holdings(page["items"]))
    tell_of_more(session, page)


def position(ctx: typer.Context, symbol: Symbol, as_json: AsJson = False) -> None:
    """Show the position in one symbol."""
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.get(f"/api/v1/positions/{symbol}")
    session.show(answer, view.record(f"Position in {symbol}", answer, ("symbol",)))


def portfolio(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show cash and open positions of one moment, with profit and loss."""
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.get("/api/v1/portfolio")
    session.show(
        answer, view.record("Portfolio", answer), view.balance(answer["cash"]), view.holdings(answer["positions"])
    )
