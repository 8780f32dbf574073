"""The messages that a client sends over the stream, and their answers. The messages that we send
without a request are in `trading.adapters.messaging.sockets`.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from trading.domain.events import Topic
from trading.domain.values import Frozen, Timestamp

READS_ACCOUNTS = "accounts:read"
Name = Annotated[str | None, Field(max_length=64, description="Comes back with the answer.")]


class Subscribe(Frozen):
    """Asks for the events of these topics after `since`, and then for new ones.

    It replaces the earlier subscription of the connection. Without `topics`: all events. Without
    `since`: new events only.
    """

    action: Literal["subscribe"]
    id: Name = None
    topics: tuple[Topic, ...] = Field((), max_length=len(Topic))
    since: int | None = Field(None, ge=0, lt=10**12, strict=True)


class Ping(Frozen):
    """Asks whether the connection is still open. API Gateway closes it after ten minutes without a
    message.
    """

    action: Literal["ping"]
    id: Name = None


Request = Annotated[Subscribe | Ping, Field(discriminator="action")]
REQUEST: TypeAdapter[Subscribe | Ping] = TypeAdapter(Request)


class Subscribed(Frozen):
    """The events after `since` follow. The first of them may come before this answer.

    `subscription`: the number of this subscription of the connection.
    """

    type: Literal["subscribed"] = "subscribed"
    id: str | None = None
    subscription: int
    topics: tuple[Topic, ...]
    since: int
    expires_at: Timestamp = Field(description="When the token of the connection expires.")


class Pong(Frozen):
    """The connection is open. `since`: the last sequence sent to it, if it has subscribed."""

    type: Literal["pong"] = "pong"
    id: str | None = None
    since: int | None = None


class Refused(Frozen):
    """A message was refused. `problem` is the problem document that an HTTP request would get. From
    status 500 on, the message may have had its effect.
    """

    type: Literal["error"] = "error"
    id: str | None = None
    problem: dict[str, Any]
