"""Commands about the second factor of a client or an operator."""

import io
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli import view
from cli.api import new_key
from cli.failures import Exit, Failure
from cli.options import AsJson, Code, Key
from cli.session import Session, ask_code

PATH = "/api/v1/auth/second-factor"
POLICIES = {
    "none": "No order needs a second factor.",
    "all": "Every order needs a second factor.",
}

app = typer.Typer(
    no_args_is_help=True, help="Enrol an authenticator, and say which orders need its codes."
)
FirstCode = Annotated[
    str, typer.Argument(metavar="CODE", help="What the authenticator shows.", show_default=False)
]
Which = Annotated[str, typer.Argument(metavar="none|above|all", show_default=False)]
Amount = Annotated[
    str | None,
    typer.Argument(
        metavar="AMOUNT", help="With `above`: orders worth more need it.", show_default=False
    ),
]
Withdrawals = Annotated[
    bool | None,
    typer.Option(
        "--withdrawals/--no-withdrawals",
        help="Whether each withdrawal needs a code. By default, this stays as it is.",
        show_default=False,
    ),
]


@app.command()
def show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show whether there is a second factor, and which orders need it."""
    session: Session = ctx.obj.begin(as_json)
    _check_is_client(session)
    _show(session, session.api.get(PATH))


@app.command()
def enrol(ctx: typer.Context, code: Code = None, key: Key = None, as_json: AsJson = False) -> None:
    """Begin to enrol an authenticator. It takes effect with `second-factor confirm`.

    To replace an authenticator, give one of its codes or a recovery code.
    """
    session: Session = ctx.obj.begin(as_json)
    sent = session.key(key, new_key())
    api = session.api
    answer = api.with_secret("POST", PATH, sent, {"code": code}, signed=api.has_private_key)
    session.show(
        answer,
        f"Scan this with your authenticator, or type the secret {answer['secret']} into it:",
        _qr_code(answer["uri"]),
        "Keep these recovery codes away from the phone. Each works once:",
        "\n".join(answer["recovery_codes"]),
    )
    session.note("Nothing has changed yet. Go on with: trading second-factor confirm CODE")


@app.command()
def confirm(ctx: typer.Context, code: FirstCode, key: Key = None, as_json: AsJson = False) -> None:
    """Make the enrolled authenticator your second factor, by its first code."""
    session: Session = ctx.obj.begin(as_json)
    sent = session.key(key, new_key())
    path = f"{PATH}/confirmation"
    api = session.api
    _show(
        session,
        api.with_secret("POST", path, sent, {"code": code}, signed=api.has_private_key),
    )


@app.command()
def policy(
    ctx: typer.Context,
    orders: Which,
    amount: Amount = None,
    withdrawals: Withdrawals = None,
    code: Code = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Say which orders need a second factor: none, those above an amount, or all.

    With --withdrawals, an operator also needs one of your codes for each withdrawal.
    """
    session: Session = ctx.obj.begin(as_json)
    _check_is_client(session)
    body = {
        "orders": orders,
        "amount": amount,
        "withdrawals": withdrawals,
        "code": code or ask_code(),
    }
    sent = session.key(key, new_key())
    _show(session, session.api.with_secret("PUT", f"{PATH}/policy", sent, body))


def _check_is_client(session: Session) -> None:
    """Raises Failure for an operator: the internal API has no such route."""
    if session.profile.admin_url:
        raise Failure.here(
            Exit.CONFIGURATION,
            "FOR_CLIENTS",
            "This is for clients. Operators always need a second factor: see ops operators list",
        )


def _show(session: Session, answer: Mapping[str, Any]) -> None:
    shown = {
        "status": answer["status"],
        "recovery codes left": answer["recovery_codes_left"],
    }
    if needed := answer.get("policy"):  # a confirmation is answered without it
        above = f"Orders worth more than {needed['amount']} need a second factor."
        shown["policy"] = POLICIES.get(needed["orders"], above)
        shown["withdrawals"] = (
            "Each needs a code." if needed["withdrawals"] else "None needs a code."
        )
    session.show(answer, view.record("Second factor", shown))


def _qr_code(uri: str) -> str:
    # Other commands start faster without this import.
    import segno

    drawn = io.StringIO()
    segno.make(uri, micro=False).terminal(drawn, compact=True)
    return drawn.getvalue()
