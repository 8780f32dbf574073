"""The command that follows the events of the account."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import typer

from cli import view
from cli.failures import Failure
from cli.options import AsJson
from cli.session import Session
from trading.domain.events import Topic

PATH = "/api/v1/events"
PAGE = 100
WAIT_SECONDS = 20
PAUSE_SECONDS = 5
"""The pause before the next try, after all retries of a request have failed."""
EMPTY_PAUSE_SECONDS = 1
"""The API answers at once if too many requests wait."""


def events(
    ctx: typer.Context,
    since: Annotated[
        int | None,
        typer.Option(
            "--since",
            min=0,
            metavar="SEQUENCE",
            help="Print the events after this sequence. Without it, print the account's current "
            "sequence, or with --follow, new events only.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    topic: Annotated[
        Topic | None, typer.Option("--topic", help="Only this topic.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the events of the account in order, one line for each.

    A line has the sequence, the time, the type, and what changed. With --follow, the command tries
    again after time-outs and failures of the API. Example: trading events --since 0 --follow
    """
    session: Session = ctx.obj.begin(as_json)
    try:
        if since is None:
            page = session.api.get(PATH)
            since = page["since"]
            if not follow:
                session.show(page, f"The account is at sequence {since}.")
                return
            session.note(f"The account is at sequence {since}.")
        for event in followed(session, since, topic, follow):
            sys.stdout.write((json.dumps(event) if as_json else line(event)) + "\n")
            sys.stdout.flush()
    except KeyboardInterrupt:
        return


def followed(
    session: Session,
    since: int,
    topic: Topic | None,
    forever: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[dict[str, Any]]:
    """The events after `since`, each once. `forever`: wait for those that come. Raises Failure."""
    wait = WAIT_SECONDS if forever else None
    while True:
        try:
            page = session.api.get(PATH, since=since, topic=topic, limit=PAGE, wait=wait)
        except Failure as failure:
            if not (forever and failure.may_be_repeated):
                raise
            session.note(f"{failure.lines[0]} Trying again in {PAUSE_SECONDS} s.")
            sleep(PAUSE_SECONDS)
            continue
        yield from page["items"]
        is_end = page["since"] == since
        since = page["since"]
        if is_end and forever:
            sleep(EMPTY_PAUSE_SECONDS)
        elif is_end:
            if page["is_delayed"]:
                session.note(f"Event {since + 1} has not arrived yet, although later ones have.")
            return


def line(event: Mapping[str, Any]) -> str:
    """An event for people."""
    head = f"{event['sequence']:>6}  {view.moment(event['time'])}  {event['type']:<17}"
    return f"{head}  {'; '.join(_essentials(event['data']))}".rstrip()


def _essentials(data: Mapping[str, Any]) -> Iterator[str]:
    """What changed: trades, transfers, orders, and the cash that is there then."""
    entries = data.get("entries", ())
    yield from (_entry(entry) for entry in entries)
    yield from (_order(order) for order in data.get("orders", ()))
    if client := data.get("client"):
        yield f"client {client['status']}"
    if balance := data.get("balance"):
        yield f"{balance['available']} {balance['currency']} available"


def _entry(entry: Mapping[str, Any]) -> str:
    parts = (
        entry["kind"].lower().replace("_", " "),
        entry.get("side"),
        entry.get("quantity"),
        entry.get("symbol"),
        f"@ {entry['price']}" if entry.get("price") else None,
        entry.get("amount") if not entry.get("price") else None,
        entry.get("code"),
    )
    return " ".join(str(part) for part in parts if part is not None)


def _order(order: Mapping[str, Any]) -> str:
    done = f" {order['filled_quantity']}/{order['quantity']}" if order["filled_quantity"] else ""
    return f"{order['order_id']}: {_terms(order)} {order['status']}{done}"


def _terms(order: Mapping[str, Any]) -> str:
    """The terms under the names that events have for them."""
    return view.terms({**order, "stock_symbol": order["symbol"], "price": order.get("limit_price")})
