"""Messages of the mailboxes, and the formats in which we speak with venues."""

import inspect
from collections.abc import Iterable
from types import ModuleType
from typing import get_args

from pydantic import BaseModel

from documentation.markdown import code, first_paragraph, link, table
from documentation.reference.models import render
from documentation.reference.sources import parsed
from infra.catalog.names import MAILBOXES
from infra.catalog.routes import VENUE_ROUTES
from trading import messages, wire


def by_mailbox() -> str:
    """Which messages each mailbox carries."""
    return table(
        ("mailbox", "`kind`", "message", "what it asks for"),
        (
            (
                code(f"{mailbox}.fifo"),
                code(message.model_fields["kind"].default),
                link(message.__name__, f"#{message.__name__.lower()}"),
                first_paragraph(message.__doc__),
            )
            for mailbox in MAILBOXES
            for message in of(mailbox)
        ),
    )


def of(mailbox: str) -> tuple[type[BaseModel], ...]:
    """The messages of a mailbox: those that its worker, the function of that name, imports."""
    found: dict[type[BaseModel], None] = {}
    for node in parsed()[f"functions.{mailbox}.handler"].body:
        if getattr(node, "module", "") == messages.__name__:
            for alias in node.names:  # type: ignore[attr-defined]
                found |= dict.fromkeys(_models(getattr(messages, alias.name)))
    return tuple(found)


def _models(named: object) -> Iterable[type[BaseModel]]:
    """The message of that name, or the messages of a union."""
    if inspect.isclass(named) and issubclass(named, BaseModel):
        return (named,)
    return tuple(
        each
        for union in get_args(named)[:1]
        for each in get_args(union)
        if issubclass(each, BaseModel)
    )


def message_models() -> str:
    """The fields of each message, and of what they carry."""
    return render([message for mailbox in MAILBOXES for message in of(mailbox)])


def wire_models() -> str:
    """The formats of the venues' interfaces."""
    return render(_own(wire, BaseModel))


def venue_routes() -> str:
    """The routes of the venues' interfaces, as the simulators answer them."""
    return table(
        ("route", "answered by"),
        ((code(f"{each.method} {each.path}"), code(each.function)) for each in VENUE_ROUTES),
    )


def _own(module: ModuleType, base: type) -> list[type]:
    return [
        each
        for each in vars(module).values()
        if inspect.isclass(each) and issubclass(each, base) and each.__module__ == module.__name__
    ]
