"""Commands for operators, over the internal API."""

from typing import Annotated, Any

import typer

from cli import admin_keys, admin_looks, admin_proposals, view
from cli.admin_changes import CLIENTS, change, change_client
from cli.failures import Exit, Failure
from cli.options import AsJson, ClientId, Key, Reason, Symbol
from cli.session import Session

app = typer.Typer(
    no_args_is_help=True,
    help="Administer clients and instruments. Needs a profile with an admin_url.",
)

ADVANCES = "/api/v1/admin/advances"
INSTRUMENTS = "/api/v1/admin/instruments"

Margin = Annotated[
    str | None,
    typer.Option(
        "--margin",
        metavar="PERCENT",
        help="Margin in percent: the share of a purchase that the client pays.",
        show_default=False,
    ),
]
Credit = Annotated[
    str | None,
    typer.Option("--credit", metavar="AMOUNT", help="Credit limit in USD.", show_default=False),
]
Amount = Annotated[
    str | None,
    typer.Option(
        "--amount", metavar="AMOUNT", help="Cash in USD, for example 2500.00.", show_default=False
    ),
]
Shares = Annotated[
    int | None, typer.Option("--quantity", min=1, help="Number of shares.", show_default=False)
]
ClientsCode = Annotated[
    str | None,
    typer.Option(
        "--code",
        help="Code of the client's authenticator, if the client protects withdrawals.",
        show_default=False,
    ),
]
OfSymbol = Annotated[
    Any,
    typer.Option(
        "--symbol",
        metavar="SYMBOL",
        parser=str.upper,
        help="Symbol of the shares, for example KO.",
        show_default=False,
    ),
]
Reference = Annotated[
    str,
    typer.Option(
        "--reference",
        help="Names the transfer. One reference is booked once for a client.",
        show_default=False,
    ),
]
Case = Annotated[
    str,
    typer.Option("--reference", help="Names the case in your own records.", show_default=False),
]


@app.command()
def create(
    ctx: typer.Context,
    client_id: ClientId,
    name: Annotated[str, typer.Option(show_default=False)],
    daily: Annotated[
        str,
        typer.Option(
            "--daily", metavar="AMOUNT", help="Daily trading limit in USD.", show_default=False
        ),
    ],
    settlement_account: Annotated[
        str, typer.Option(help="Account of the client at the depository.", show_default=False)
    ],
    reason: Reason,
    margin: Margin = None,
    credit: Credit = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Open an account. The secret of its API key is shown once."""
    session: Session = ctx.obj.begin(as_json)
    body = {
        "client_id": client_id,
        "name": name,
        "margin_percent": margin,
        "credit_limit": credit,
        "daily_trading_limit": daily,
        "settlement_account": settlement_account,
        "reason": reason,
    }
    change(session, f"Client {client_id}", "POST", CLIENTS, key, body)


@app.command()
def show(ctx: typer.Context, client_id: ClientId, as_json: AsJson = False) -> None:
    """Show a client: profile, limits, cash and credit, API keys."""
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.get(f"{CLIENTS}/{client_id}")
    keys = ("api_key", "status", "permissions", "previous_secret_valid_until")
    session.show(
        answer,
        view.record(f"Client {client_id}", answer, ("client_id",)),
        view.record("Account", answer["account"]),
        view.rows("API keys", keys, answer["api_keys"]),
    )


@app.command()
def suspend(
    ctx: typer.Context,
    client_id: ClientId,
    reason: Reason,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Block log-in and new orders of a client, and request the cancel of all open orders."""
    change_client(ctx.obj.begin(as_json), client_id, "POST", "suspension", key, reason)


@app.command()
def activate(
    ctx: typer.Context,
    client_id: ClientId,
    reason: Reason,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Allow log-in and new orders of a suspended client again."""
    change_client(ctx.obj.begin(as_json), client_id, "POST", "activation", key, reason)


@app.command()
def limits(
    ctx: typer.Context,
    client_id: ClientId,
    reason: Reason,
    margin: Margin = None,
    credit: Credit = None,
    daily: Annotated[
        str | None,
        typer.Option(
            "--daily", metavar="AMOUNT", help="Daily trading limit in USD.", show_default=False
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Version that you have read. The API refuses if the client has changed since.",
            show_default=False,
        ),
    ] = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Set limits of a client. Limits that you do not name keep their values."""
    session: Session = ctx.obj.begin(as_json)
    wanted: dict[str, str | int | None] = {
        "margin_percent": margin,
        "credit_limit": credit,
        "daily_trading_limit": daily,
    }
    if not any(wanted.values()):
        raise typer.BadParameter("say at least one of --margin, --credit, --daily")
    wanted["version"] = version
    if None in wanted.values():
        if key is not None:
            raise typer.BadParameter(
                "with --key, say --margin, --credit, --daily and --version: what is sent is the "
                "same"
            )
        seen = session.api.get(f"{CLIENTS}/{client_id}")
        wanted = {name: seen[name] if value is None else value for name, value in wanted.items()}
        sent = zip(("--margin", "--credit", "--daily", "--version"), wanted.values(), strict=True)
        session.note(" ".join(f"{option} {value}" for option, value in sent))
    change_client(session, client_id, "PUT", "limits", key, reason, wanted)


@app.command("rotate-secret")
def rotate_secret(
    ctx: typer.Context,
    client_id: ClientId,
    reason: Reason,
    api_key: Annotated[
        str | None,
        typer.Option(help="API key. Needed only if the client has several.", show_default=False),
    ] = None,
    grace_hours: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=168,
            help="Hours for which the present secret stays valid (default: 24). 0 ends it now.",
            show_default=False,
        ),
    ] = None,
    newest_was_lost: Annotated[
        bool,
        typer.Option(
            "--newest-was-lost",
            help="Nobody has the newest secret. It ends now. The previous one stays as it is.",
        ),
    ] = False,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Issue a new secret for an API key. It is shown once.

    If it did not arrive, issue another with --newest-was-lost.
    """
    session: Session = ctx.obj.begin(as_json)
    if newest_was_lost and grace_hours is not None:
        raise typer.BadParameter(
            "--newest-was-lost goes without --grace-hours: the secret before it keeps its time"
        )
    key_named = api_key or _only_key(session, client_id)
    of = {"api_key": key_named, "grace_hours": grace_hours, "newest_was_lost": newest_was_lost}
    change_client(session, client_id, "POST", "secret-rotation", key, reason, of)


@app.command()
def deposit(
    ctx: typer.Context,
    client_id: ClientId,
    reference: Reference,
    reason: Reason,
    amount: Amount = None,
    symbol: OfSymbol = None,
    quantity: Shares = None,
    cost: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="Total cost of the shares in USD.", show_default=False),
    ] = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Book incoming cash (--amount) or shares (--symbol, --quantity, --cost)."""
    what = {
        "reference": reference,
        "amount": amount,
        "symbol": symbol,
        "quantity": quantity,
        "cost": cost,
    }
    change_client(ctx.obj.begin(as_json), client_id, "POST", "deposits", key, reason, what)


@app.command()
def withdraw(
    ctx: typer.Context,
    client_id: ClientId,
    reference: Reference,
    reason: Reason,
    amount: Amount = None,
    symbol: OfSymbol = None,
    quantity: Shares = None,
    code: ClientsCode = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Book outgoing cash (--amount) or shares (--symbol, --quantity).

    They must be settled, not held for orders, and not owed.
    """
    what = {"reference": reference, "amount": amount, "symbol": symbol, "quantity": quantity}
    what |= {"code": code}
    change_client(ctx.obj.begin(as_json), client_id, "POST", "withdrawals", key, reason, what)


@app.command("close-advance")
def close_advance(
    ctx: typer.Context,
    trade_id: Annotated[
        str,
        typer.Argument(
            metavar="TRADE_ID", help="Reversal that the break names.", show_default=False
        ),
    ],
    repaid_cash: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT",
            help="Cash in USD that the client pays back, for example 0.00.",
            show_default=False,
        ),
    ],
    repaid_shares: Annotated[
        int,
        typer.Option(min=0, help="Shares that the client pays back.", show_default=False),
    ],
    reference: Case,
    reason: Reason,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Close an advance of the error account. The broker writes off what is not paid back."""
    body = {
        "repaid_cash": repaid_cash,
        "repaid_shares": repaid_shares,
        "reference": reference,
        "reason": reason,
    }
    path = f"{ADVANCES}/{trade_id}/closure"
    change(ctx.obj.begin(as_json), f"Advance {trade_id}", "POST", path, key, body)


@app.command()
def halt(
    ctx: typer.Context, symbol: Symbol, reason: Reason, key: Key = None, as_json: AsJson = False
) -> None:
    """Stop new orders in an instrument. Orders at the exchanges stay there."""
    path = f"{INSTRUMENTS}/{symbol}/halt"
    change(ctx.obj.begin(as_json), f"Instrument {symbol}", "PUT", path, key, {"reason": reason})


@app.command()
def resume(
    ctx: typer.Context, symbol: Symbol, reason: Reason, key: Key = None, as_json: AsJson = False
) -> None:
    """Allow new orders in an instrument again."""
    path = f"{INSTRUMENTS}/{symbol}/resume"
    change(ctx.obj.begin(as_json), f"Instrument {symbol}", "PUT", path, key, {"reason": reason})


app.command("disable-key")(admin_keys.disable_key)
app.command("enable-key")(admin_keys.enable_key)
app.command("operator")(admin_keys.operator)
app.command("disable-operator")(admin_keys.disable_operator)
app.command("enable-operator")(admin_keys.enable_operator)
app.command("venue-key")(admin_keys.venue_key)
app.command("disable-venue-key")(admin_keys.disable_venue_key)
app.command("enable-venue-key")(admin_keys.enable_venue_key)
app.command("proposals")(admin_proposals.list_proposals)
app.command("proposal")(admin_proposals.proposal)
app.command("set-signing")(admin_keys.set_signing)
app.command("set-public-key")(admin_keys.set_public_key)
app.command("reset-second-factor")(admin_keys.reset_second_factor)
app.command("approve")(admin_proposals.approve)
app.command("reject")(admin_proposals.reject)
app.command("order")(admin_looks.order)
app.command("orders")(admin_looks.list_orders)
app.command("portfolio")(admin_looks.portfolio)


def _only_key(session: Session, client_id: str) -> str:
    keys = [key["api_key"] for key in session.api.get(f"{CLIENTS}/{client_id}")["api_keys"]]
    if len(keys) != 1:
        raise Failure.here(
            Exit.USAGE,
            "NAME_THE_KEY",
            f"Say which --api-key: {client_id} has {', '.join(keys) or 'none'}.",
        )
    return str(keys[0])
