"""Commands about orders."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli import view
from cli.api import new_key
from cli.failures import Exit, Failure
from cli.options import (
    AsJson,
    Cursor,
    Everything,
    Key,
    Limit,
    OnlySide,
    OnlySymbol,
    OrderId,
    Since,
    State,
    Symbol,
    Until,
)
from cli.pages import fetch, tell_of_more
from cli.session import Session
from cli.stream import waiting
from cli.watch import watch
from trading.domain.events import Topic
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import OrderType, Side, TimeInForce

PATH = "/api/v1/orders"

LimitPrice = Annotated[
    str | None,
    typer.Option(
        "--limit",
        metavar="PRICE",
        help="Limit price in USD, for example 61.20.",
        show_default=False,
    ),
]
StopPrice = Annotated[
    str | None,
    typer.Option(
        "--stop",
        metavar="PRICE",
        help="Stop price in USD. The exchange starts the order at this last price.",
        show_default=False,
    ),
]


def place(
    ctx: typer.Context,
    side: Annotated[Side, typer.Argument(case_sensitive=False, show_default=False)],
    quantity: Annotated[int, typer.Argument(min=1, show_default=False)],
    symbol: Symbol,
    limit: LimitPrice = None,
    stop: StopPrice = None,
    time_in_force: Annotated[
        TimeInForce, typer.Option("--tif", case_sensitive=False)
    ] = TimeInForce.DAY,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Place an order. Without --limit and --stop it is a market order.

    Examples: trading place buy 10 KO; trading place sell 5 AAPL --limit 199.50 --tif GTC
    """
    session: Session = ctx.obj.begin(as_json)
    if session.profile.client_id is None:
        raise Failure.here(
            Exit.CONFIGURATION,
            "NO_CLIENT_ID",
            "The profile has no client_id (or set TRADING_CLIENT_ID).",
        )
    order = {
        "client_id": session.profile.client_id,
        "stock_symbol": symbol,
        "quantity": quantity,
        "order_type": _order_type(limit, stop),
        "side": side,
        "time_in_force": time_in_force,
        "price": limit,
        "stop_price": stop,
    }
    answer = session.api.change("POST", PATH, session.key(key, new_key()), order)
    session.show(answer, *_accepted(answer))
    if answer["status"] == OrderStatus.REJECTED:
        raise typer.Exit(Exit.ORDER_REJECTED)


def cancel(
    ctx: typer.Context,
    order_id: Annotated[str | None, typer.Argument(metavar="ORDER_ID", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Cancel all open orders.")] = False,
    symbol: OnlySymbol = None,
    side: OnlySide = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Request the cancel of an order. Fills that happen before the exchange confirms it stand.

    Name the order by its id, or by the key that it was placed with. With --all, --symbol and --side
    say which open orders to cancel. Example: trading cancel --all --symbol KO
    """
    session: Session = ctx.obj.begin(as_json)
    if (order_id is None) != everything:
        raise typer.BadParameter("name one ORDER_ID, or say --all")
    if order_id is not None and (symbol or side):
        raise typer.BadParameter("--symbol and --side go with --all")
    key = session.key(key, new_key())
    if order_id is not None:
        answer = session.api.change("DELETE", f"{PATH}/{order_id}", key)
        session.show(answer, f"{order_id}: {view.status(answer)}")
        return
    answer = session.api.change("DELETE", PATH, key, symbol=symbol, side=side)
    session.show(answer, *answer["order_ids"], f"{len(answer['order_ids'])} cancels requested.")
    if answer["more"]:
        session.note("There are more open orders. Repeat the command with another key.")


def replace(
    ctx: typer.Context,
    order_id: OrderId,
    quantity: Annotated[
        int | None,
        typer.Option(
            min=1, help="Total shares, including those that are filled.", show_default=False
        ),
    ] = None,
    limit: LimitPrice = None,
    stop: StopPrice = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Replace an open order by a new one with another quantity or price.

    Name the order by its id, or by the key that it was placed with.
    The new order has its own id. Example: trading replace ORDER_ID --quantity 20 --limit 57.00
    """
    session: Session = ctx.obj.begin(as_json)
    terms = {"quantity": quantity, "price": limit, "stop_price": stop}
    if not any(terms.values()):
        raise typer.BadParameter("say at least one of --quantity, --limit, --stop")
    answer = session.api.change("PATCH", f"{PATH}/{order_id}", session.key(key, new_key()), terms)
    session.show(answer, *_accepted(answer), f"It replaces the unfilled part of {order_id}.")


def list_orders(
    ctx: typer.Context,
    state: Annotated[
        State | None,
        typer.Option(help="open: may still be filled. closed: may not.", show_default=False),
    ] = None,
    status: Annotated[
        OrderStatus | None, typer.Option(case_sensitive=False, show_default=False)
    ] = None,
    symbol: OnlySymbol = None,
    side: OnlySide = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    everything: Everything = False,
    live: Annotated[bool, typer.Option("--watch", help="Refresh the list until Ctrl-C.")] = False,
    interval: Annotated[
        float,
        typer.Option(min=0.5, help="Most seconds between two refreshes. An event comes before."),
    ] = 2,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first. Example: trading orders --state open --symbol KO"""
    session: Session = ctx.obj.begin(as_json)
    query = {
        "state": state,
        "status": status,
        "symbol": symbol,
        "side": side,
        "from": since,
        "to": until,
    }

    def look() -> Any:
        return fetch(session.api, PATH, query | {"limit": limit, "cursor": cursor}, everything)

    def draw(page: Any) -> RenderableType:
        return view.orders("Orders", page["items"])

    if live:
        with waiting(session, [Topic.ORDERS]) as wait:
            watch(session, interval, look, draw, wait)
        return
    page = look()
    session.show(page, draw(page))
    tell_of_more(session, page["next_cursor"])


def show(
    ctx: typer.Context,
    order_id: Annotated[str | None, typer.Argument(metavar="ORDER_ID", show_default=False)] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", help="Idempotency key that the order was placed with.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show an order with its history, executions, clearing and settlement.

    Name it by its id, or by the key that it was placed with (--key).
    """
    session: Session = ctx.obj.begin(as_json)
    if (order_id is None) == (key is None):
        raise typer.BadParameter("name one ORDER_ID, or say --key")
    if order_id is not None:
        answer = session.api.get(f"{PATH}/{order_id}")
    else:
        answer = session.api.get(f"{PATH}:by_client_order_id", client_order_id=key)
    session.show(answer, *view.order(answer))


def _order_type(limit: str | None, stop: str | None) -> str:
    if stop is not None:
        return "stop" if limit is None else "stop_limit"
    return OrderType.MARKET if limit is None else OrderType.LIMIT


def _accepted(answer: dict[str, Any]) -> list[str]:
    reason = answer.get("reason")
    return [f"{answer['order_id']}: {answer['status']}"] + (
        [f"{reason['code']}: {reason['message']}"] if reason else []
    )
