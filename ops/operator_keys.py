"""The keys of operators, as the commands of `ops operators` find and change them."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

import typer

from ops.audit import AuditLog
from ops.exit_status import Exit
from ops.target import Target
from trading.adapters.dynamodb.names import TableNames
from trading.adapters.dynamodb.registry import TableOperators
from trading.adapters.dynamodb.transactions import from_item
from trading.domain import patterns
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, Credential
from workstation.screen import Screen

Found = TypeVar("Found")


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
OneKey = Annotated[
    str | None,
    typer.Option("--api-key", help="The key, if the operator has several.", show_default=False),
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


def or_exit(screen: Screen, look: Callable[[], Found]) -> Found:
    """What `look` finds. Exits with a note if it is refused."""
    try:
        return look()
    except RefusedError as error:
        screen.note(str(error), "red")
        raise typer.Exit(Exit.ATTENTION) from error


def audit(target: Target, action: str, credential: Credential, reason: str, **details: str) -> None:
    """Announce a change of an operator in the audit log."""
    subject = f"operator/{credential.client_id}"
    AuditLog(target).record(subject, action, reason, api_key=credential.api_key, **details)
