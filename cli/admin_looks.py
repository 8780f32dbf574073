"""Commands with which operators look up orders and portfolios."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli import view
from cli.accounts import portfolio_parts
from cli.options import AsJson, ClientId, Cursor, Everything, Limit, OrderId, State
from cli.pages import fetch, tell_of_more
from cli.session import Session

CLIENTS = "/api/v1/admin/clients"


def order(ctx: typer.Context, order_id: OrderId, as_json: AsJson = False) -> None:
    """Show an order of any client: history, children, workflow, ledger entries."""
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.get(f"/api/v1/admin/orders/{order_id}")
    session.show(answer, *_order_parts(answer))


def list_orders(
    ctx: typer.Context,
    client_id: ClientId,
    state: Annotated[
        State | None,
        typer.Option(help="open: may still be filled. closed: may not.", show_default=False),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """List the orders of a client, newest first."""
    session: Session = ctx.obj.begin(as_json)
    query = {"state": state, "limit": limit, "cursor": cursor}
    page = fetch(session.api, f"{CLIENTS}/{client_id}/orders", query, everything)
    session.show(page, view.orders(f"Orders of {client_id}", page["items"]))
    tell_of_more(session, page["next_cursor"])


def portfolio(ctx: typer.Context, client_id: ClientId, as_json: AsJson = False) -> None:
    """Show cash and open positions of a client at one moment."""
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.get(f"{CLIENTS}/{client_id}/portfolio")
    session.show(answer, *portfolio_parts(answer))


def _order_parts(answer: Mapping[str, Any]) -> list[RenderableType]:
    children = ("number", "exchange_id", ">quantity", ">filled", ">leaves", "status", "reason")
    entries = [
        {
            **entry,
            "postings": "\n".join(
                f"{p['account']} {p['amount']} {p['asset']}" for p in entry["postings"]
            ),
        }
        for entry in answer["ledger_entries"]
    ]
    workflow = answer["workflow"]
    return [
        *view.order(answer["order"]),
        view.record("Behind it", answer),
        view.record("Workflow", workflow) if workflow else "It has no workflow.",
        view.rows("Children", children, answer["children"]),
        view.rows("Ledger", ("booked_at", "kind", "trade_id", "postings"), entries),
    ]
