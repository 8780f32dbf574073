"""`ops operators`: who may use the internal API, in which roles, and with which key."""

import secrets
from typing import Annotated

import typer

from ops import operator_factors
from ops.exit_status import Exit
from ops.operator_keys import Name, OneKey, Operators, audit, or_exit
from ops.options import AsJson, Reason
from ops.target import Target
from trading.adapters.identity import passwords
from trading.adapters.identity.signature_keys import read_public_key
from trading.adapters.runtime import clock
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, Credential, CredentialStatus
from trading.domain.clients.roles import Role, permissions_of
from trading.domain.values import iso
from workstation.public_key_options import PublicKeyFile, read_pem
from workstation.screen import Screen, table

app = typer.Typer(no_args_is_help=True, help="Operators: who may use the internal API, and how.")

Roles = Annotated[
    list[Role],
    typer.Option("--role", help="A role. Repeat it for several roles.", show_default=False),
]


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    roles: Roles,
    reason: Reason,
    if_none: Annotated[
        bool, typer.Option("--if-none", help="Do nothing if there is an active operator.")
    ] = False,
    public_key_file: PublicKeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Make an operator with an API key of the internal API. The secret is shown once. A program
    gets a public key at once, and a person enrols an authenticator.

    Exit status 1 if the name is taken. Example: ops --aws --stage prod operators create anna
    --role client-administrator --reason "first operator"
    """
    screen, operators = Screen(as_json), Operators(ctx.obj)
    public_key = read_public_key(read_pem(public_key_file)) if public_key_file else None
    if if_none and (active := [each.client_id for each in operators.all() if each.is_active]):
        screen.show({"active": active}, f"There is an operator already: {', '.join(active)}.")
        return
    or_exit(screen, lambda: operators.check_is_new(name))
    secret, stored = passwords.new_secret()
    credential = Credential(
        api_key=f"{name}-{secrets.token_hex(8)}",
        client_id=name,
        secrets=(stored,),
        permissions=permissions_of(roles),
        roles=tuple(sorted(set(roles))),
        audience=INTERNAL_AUDIENCE,
        public_key=public_key,
    )
    registered = public_key or "none"
    audit(ctx.obj, "create", credential, reason, roles=_text(credential), public_key=registered)
    operators.save(credential)
    _show_secret(screen, credential, secret)
    if credential.public_key is None:
        screen.note("A person enrols at once: trading second-factor enrol")


@app.command("set-roles")
def set_roles(
    ctx: typer.Context, name: Name, roles: Roles, reason: Reason, as_json: AsJson = False
) -> None:
    """Give every key of an operator these roles and no others. All tokens are refused at once."""
    screen, operators = Screen(as_json), Operators(ctx.obj)
    keys = or_exit(screen, lambda: operators.keys_of(name))
    changed = [each.with_roles(roles) for each in keys]
    for key, after in zip(keys, changed, strict=True):
        audit(ctx.obj, "set-roles", key, reason, before=_text(key), roles=_text(after))
    operators.save(*changed)
    screen.show(
        {
            "name": name,
            "api_keys": [each.api_key for each in changed],
            "roles": [*changed[0].roles],
        },
        f"{name} has the roles: {_text(changed[0])}.",
    )


@app.command("rotate-secret")
def rotate_secret(
    ctx: typer.Context,
    name: Name,
    reason: Reason,
    api_key: OneKey = None,
    as_json: AsJson = False,
) -> None:
    """Replace the secret of an operator's key. It is shown once. The old one is refused at once,
    and so are all tokens of the key.
    """
    screen, operators = Screen(as_json), Operators(ctx.obj)
    credential = or_exit(screen, lambda: operators.key_of(name, api_key))
    secret, stored = passwords.new_secret()
    now = clock.now()
    audit(ctx.obj, "rotate-secret", credential, reason)
    operators.save(credential.rotated(stored, f"ops {iso(now)}", now, now))
    _show_secret(screen, credential, secret)


@app.command()
def disable(ctx: typer.Context, name: Name, reason: Reason, as_json: AsJson = False) -> None:
    """Let an operator log in no more. All tokens are refused at once."""
    _set_status(ctx.obj, Screen(as_json), name, reason, CredentialStatus.INACTIVE)


@app.command()
def enable(ctx: typer.Context, name: Name, reason: Reason, as_json: AsJson = False) -> None:
    """Let a disabled operator log in again. Tokens from before stay refused."""
    _set_status(ctx.obj, Screen(as_json), name, reason, CredentialStatus.ACTIVE)


@app.command("list")
def list_operators(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the operators with their roles and second factors. Exit status 1 if there is no active
    one.
    """
    found = sorted(Operators(ctx.obj).all(), key=lambda each: each.client_id)
    factor_of = operator_factors.statuses(ctx.obj)
    factors = [factor_of(each.client_id) for each in found]
    Screen(as_json).show(
        [
            {
                "name": each.client_id,
                "api_key": each.api_key,
                "status": str(each.status),
                "roles": [*each.roles],
                "second_factor": str(factor),
                "public_key": each.public_key,
            }
            for each, factor in zip(found, factors, strict=True)
        ],
        table(
            "Operators",
            ("name", "api key", "status", "second factor", "public key", "roles"),
            (
                (
                    each.client_id,
                    each.api_key,
                    each.status,
                    factor,
                    "registered" if each.public_key else "none",
                    _text(each),
                )
                for each, factor in zip(found, factors, strict=True)
            ),
        ),
    )
    raise typer.Exit(Exit.OK if any(each.is_active for each in found) else Exit.ATTENTION)


app.command("set-public-key")(operator_factors.set_public_key)
app.command("reset-second-factor")(operator_factors.reset_second_factor)


def _set_status(
    target: Target, screen: Screen, name: str, reason: str, status: CredentialStatus
) -> None:
    operators = Operators(target)
    keys = or_exit(screen, lambda: operators.keys_of(name))
    is_active = status is CredentialStatus.ACTIVE
    audit(target, "enable" if is_active else "disable", keys[0], reason)
    if changed := [each.with_status(status) for each in keys if each.status is not status]:
        operators.save(*changed)
    screen.show(
        {"name": name, "api_keys": [each.api_key for each in keys], "status": str(status)},
        f"{name} may log in again." if is_active else f"{name} may log in no more.",
    )


def _text(credential: Credential) -> str:
    return " ".join(credential.roles)


def _show_secret(screen: Screen, credential: Credential, secret: str) -> None:
    rows = (
        ("api key", credential.api_key),
        ("api secret", secret),
        ("roles", _text(credential)),
    )
    screen.show(
        {
            "name": credential.client_id,
            "api_key": credential.api_key,
            "api_secret": secret,
            "roles": [*credential.roles],
        },
        table(f"Operator {credential.client_id}", ("", ""), rows),
    )
    screen.note(
        "The secret is shown only now. Next: trading profile add NAME --url PUBLIC_API "
        f"--admin-url INTERNAL_API --api-key {credential.api_key}"
    )
