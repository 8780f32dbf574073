"""Commands about access: API keys, signatures, second factors, operators, and keys of venues."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli import view
from cli.admin_changes import CLIENTS, change, change_client, send
from cli.api import new_key
from cli.options import AsJson, ClientId, Key, Reason
from cli.session import Session
from workstation.public_key_options import PublicKeyFile, Remove, chosen_pem

ADMIN = "/api/v1/admin"
ApiKey = Annotated[
    str, typer.Option("--api-key", help="API key of the client.", show_default=False)
]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the operator.", show_default=False)
]
Venue = Annotated[
    str, typer.Argument(metavar="VENUE", help="Id of the exchange.", show_default=False)
]
SHOWN = ("api_key", "status", "permissions", "previous_secret_valid_until")


def disable_key(
    ctx: typer.Context,
    client_id: ClientId,
    api_key: ApiKey,
    reason: Reason,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Refuse log-ins with an API key of a client, and its tokens. Open orders stand."""
    _set_key(ctx.obj.begin(as_json), client_id, api_key, "disable", reason, key)


def enable_key(
    ctx: typer.Context,
    client_id: ClientId,
    api_key: ApiKey,
    reason: Reason,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Allow log-ins with a disabled API key of a client again."""
    _set_key(ctx.obj.begin(as_json), client_id, api_key, "enable", reason, key)


def set_public_key(
    ctx: typer.Context,
    client_id: ClientId,
    api_key: ApiKey,
    reason: Reason,
    public_key_file: PublicKeyFile = None,
    remove: Remove = False,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Register the public key of a client's program, or remove it. Log-ins that the program signs
    count as two factors. The tokens of the API key are refused from now on.
    """
    session: Session = ctx.obj.begin(as_json)
    body = {"public_key": chosen_pem(public_key_file, remove), "reason": reason}
    path = f"{CLIENTS}/{client_id}/keys/{api_key}/public-key"
    sent = session.key(key, new_key())
    answer = session.api.change("PUT", path, sent, body, with_nulls=True)
    session.show(answer, view.record(f"API key {api_key}", answer))


def set_signing(
    ctx: typer.Context,
    client_id: ClientId,
    reason: Reason,
    required: Annotated[
        bool,
        typer.Option(
            "--required/--not-required",
            help="Whether all orders of the client must be signed.",
            show_default=False,
        ),
    ],
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Require a signature on each request that places, replaces or cancels orders of a client."""
    body = {"required": required}
    change_client(ctx.obj.begin(as_json), client_id, "PUT", "signing", key, reason, body)


def reset_second_factor(
    ctx: typer.Context,
    client_id: ClientId,
    reason: Reason,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """End the second factor of a client who has lost the phone and the recovery codes."""
    change_client(ctx.obj.begin(as_json), client_id, "POST", "second-factor-reset", key, reason)


def operator(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show an operator: status, roles, API keys."""
    session: Session = ctx.obj.begin(as_json)
    _show(session, session.api.get(f"{ADMIN}/operators/{name}"))


def disable_operator(
    ctx: typer.Context, name: Name, reason: Reason, key: Key = None, as_json: AsJson = False
) -> None:
    """Refuse log-ins and tokens of an operator. Nobody disables oneself."""
    _set_operator(ctx.obj.begin(as_json), name, "disable", reason, key)


def enable_operator(
    ctx: typer.Context, name: Name, reason: Reason, key: Key = None, as_json: AsJson = False
) -> None:
    """Allow log-ins of a disabled operator again."""
    _set_operator(ctx.obj.begin(as_json), name, "enable", reason, key)


def venue_key(ctx: typer.Context, venue: Venue, as_json: AsJson = False) -> None:
    """Show whether the reports of an exchange are accepted."""
    session: Session = ctx.obj.begin(as_json)
    _show_venue(session, session.api.get(f"{ADMIN}/venues/{venue}/key"))


def disable_venue_key(
    ctx: typer.Context, venue: Venue, reason: Reason, key: Key = None, as_json: AsJson = False
) -> None:
    """Refuse the reports of an exchange, which repeats them. Open orders stand."""
    _set_venue(ctx.obj.begin(as_json), venue, "disable", reason, key)


def enable_venue_key(
    ctx: typer.Context, venue: Venue, reason: Reason, key: Key = None, as_json: AsJson = False
) -> None:
    """Accept the reports of an exchange again. Replace a leaked secret first."""
    _set_venue(ctx.obj.begin(as_json), venue, "enable", reason, key)


def _set_key(
    session: Session, client_id: str, api_key: str, status: str, reason: str, key: str | None
) -> None:
    path = f"{CLIENTS}/{client_id}/keys/{api_key}/{status}"
    change(session, f"API key {api_key}", "PUT", path, key, {"reason": reason})


def _set_operator(session: Session, name: str, status: str, reason: str, key: str | None) -> None:
    path = f"{ADMIN}/operators/{name}/{status}"
    _show(session, send(session, "PUT", path, key, {"reason": reason}))


def _set_venue(session: Session, venue: str, status: str, reason: str, key: str | None) -> None:
    path = f"{ADMIN}/venues/{venue}/key/{status}"
    _show_venue(session, send(session, "PUT", path, key, {"reason": reason}))


def _show_venue(session: Session, answer: Mapping[str, Any]) -> None:
    session.show(answer, view.record(f"Key of {answer['venue']}", answer, ("venue",)))


def _show(session: Session, answer: Mapping[str, Any]) -> None:
    shown = {**answer, "roles": " ".join(answer["roles"])}
    session.show(
        answer,
        view.record(f"Operator {answer['operator']}", shown, ("operator",)),
        view.rows("API keys", SHOWN, answer["api_keys"]),
    )
