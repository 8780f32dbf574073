"""`ops operators`: who may use the internal API, in which roles, and with which key."""

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

import typer

from ops.audit import AuditLog
from ops.exit_status import Exit
from ops.options import AsJson, Reason
from ops.target import Target
from trading.adapters.dynamodb.names import TableNames
from trading.adapters.dynamodb.registry import TableOperators
from trading.adapters.dynamodb.transactions import from_item
from trading.adapters.identity import passwords
from trading.adapters.runtime import clock
from trading.domain import patterns
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, Credential, CredentialStatus
from trading.domain.clients.roles import Role, permissions_of
from trading.domain.values import iso
from workstation.screen import Screen, table

Found = TypeVar("Found")

app = typer.Typer(no_args_is_help=True, help="Operators: who may use the internal API, and how.")


def _name(text: Any) -> str:
    if not re.fullmatch(patterns.NEW_CLIENT_ID, str(text)):
        raise typer.BadParameter("at most 30 letters, digits, - and _")
    return str(text)


Name = Annotated[
    Any,
    typer.Argument(
        metavar="NAME", parser=_name, help="The operator's name. The audit log shows it."
    ),
]
Roles = Annotated[
    list[Role],
    typer.Option("--role", help="A role. Repeat it for several roles.", show_default=False),
]


class RefusedError(Exception):
    """The operator is not as the command expects."""


class Operators:
    """The credentials of one deployment's internal API."""

    def __init__(self, target: Target) -> None:
        self._target = target
        names = TableNames(**{name: target.named(name) for name in TableNames.__dataclass_fields__})
        self._registry = TableOperators(
            target.dynamodb, names, target.named("credentials"), target.books
        )

    def all(self) -> Iterator[Credential]:
        """Every key of the internal API."""
        pages = self._target.dynamodb.get_paginator("scan").paginate(
            TableName=self._target.named("credentials"),
            FilterExpression="audience = :internal",
            ExpressionAttributeValues={":internal": {"S": INTERNAL_AUDIENCE}},
            ConsistentRead=True,
        )
        for item in (from_item(each) for page in pages for each in page["Items"]):
            if credential := self._registry.credential(item["api_key"]):
                yield credential

    def keys_of(self, name: str) -> list[Credential]:
        """Every key of the operator. Raises RefusedError if there is none."""
        if found := [each for each in self.all() if each.client_id == name]:
            return found
        raise RefusedError(f"there is no operator {name}: ops operators list")

    def key_of(self, name: str, api_key: str | None) -> Credential:
        """The named key of the operator, or the only one. Raises RefusedError."""
        keys = self.keys_of(name)
        found = [each for each in keys if api_key in (None, each.api_key)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(each.api_key for each in keys)
        if found:
            raise RefusedError(f"{name} has several keys: name one with --api-key ({known})")
        raise RefusedError(f"{name} has no key {api_key}, but {known}")

    def check_is_new(self, name: str) -> None:
        """Raises RefusedError if a client or an operator has the name."""
        if self._registry.profile(name):
            raise RefusedError(f"{name} is a client: choose another name")
        if any(each.client_id == name for each in self.all()):
            raise RefusedError(
                f"there is an operator {name} already: "
                f"ops operators rotate-secret {name} makes a new secret"
            )

    def save(self, *keys: Credential) -> None:
        """Write the keys, unless somebody else has changed one. Raises StaleError."""
        self._registry.commit(*keys)


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    roles: Roles,
    reason: Reason,
    if_none: Annotated[
        bool, typer.Option("--if-none", help="Do nothing if there is an active operator.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an operator with an API key of the internal API. The secret is shown once.

    Exit status 1 if the name is taken. Example: ops --aws --stage prod operators create anna
    --role client-administrator --reason "first operator"
    """
    screen, operators = Screen(as_json), Operators(ctx.obj)
    if if_none and (active := [each.client_id for each in operators.all() if each.is_active]):
        screen.show({"active": active}, f"There is an operator already: {', '.join(active)}.")
        return
    _or_exit(screen, lambda: operators.check_is_new(name))
    secret, stored = passwords.new_secret()
    credential = Credential(
        api_key=f"{name}-{secrets.token_hex(8)}",
        client_id=name,
        secrets=(stored,),
        permissions=permissions_of(roles),
        roles=tuple(sorted(set(roles))),
        audience=INTERNAL_AUDIENCE,
    )
    _audit(ctx.obj, "create", credential, reason, roles=_text(credential))
    operators.save(credential)
    _show_secret(screen, credential, secret)


@app.command("set-roles")
def set_roles(
    ctx: typer.Context, name: Name, roles: Roles, reason: Reason, as_json: AsJson = False
) -> None:
    """Give every key of an operator these roles and no others. All tokens are refused at once."""
    screen, operators = Screen(as_json), Operators(ctx.obj)
    keys = _or_exit(screen, lambda: operators.keys_of(name))
    changed = [each.with_roles(roles) for each in keys]
    for key, after in zip(keys, changed, strict=True):
        _audit(ctx.obj, "set-roles", key, reason, before=_text(key), roles=_text(after))
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
    api_key: Annotated[
        str | None,
        typer.Option("--api-key", help="The key, if the operator has several.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replace the secret of an operator's key. It is shown once. The old one is refused at once,
    and so are all tokens of the key.
    """
    screen, operators = Screen(as_json), Operators(ctx.obj)
    credential = _or_exit(screen, lambda: operators.key_of(name, api_key))
    secret, stored = passwords.new_secret()
    now = clock.now()
    _audit(ctx.obj, "rotate-secret", credential, reason)
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
    """List the operators with their roles. Exit status 1 if there is no active one."""
    found = sorted(Operators(ctx.obj).all(), key=lambda each: each.client_id)
    Screen(as_json).show(
        [
            {
                "name": each.client_id,
                "api_key": each.api_key,
                "status": str(each.status),
                "roles": [*each.roles],
            }
            for each in found
        ],
        table(
            "Operators",
            ("name", "api key", "status", "roles"),
            ((each.client_id, each.api_key, each.status, _text(each)) for each in found),
        ),
    )
    raise typer.Exit(Exit.OK if any(each.is_active for each in found) else Exit.ATTENTION)


def _set_status(
    target: Target, screen: Screen, name: str, reason: str, status: CredentialStatus
) -> None:
    operators = Operators(target)
    keys = _or_exit(screen, lambda: operators.keys_of(name))
    is_active = status is CredentialStatus.ACTIVE
    _audit(target, "enable" if is_active else "disable", keys[0], reason)
    if changed := [each.with_status(status) for each in keys if each.status is not status]:
        operators.save(*changed)
    screen.show(
        {"name": name, "api_keys": [each.api_key for each in keys], "status": str(status)},
        f"{name} may log in again." if is_active else f"{name} may log in no more.",
    )


def _or_exit(screen: Screen, look: Callable[[], Found]) -> Found:
    try:
        return look()
    except RefusedError as error:
        screen.note(str(error), "red")
        raise typer.Exit(Exit.ATTENTION) from error


def _text(credential: Credential) -> str:
    return " ".join(credential.roles)


def _audit(
    target: Target, action: str, credential: Credential, reason: str, **details: str
) -> None:
    subject = f"operator/{credential.client_id}"
    AuditLog(target).record(subject, action, reason, api_key=credential.api_key, **details)


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
    screen.note("The secret is shown only now. Next: trading profile add NAME --admin-url ...")
