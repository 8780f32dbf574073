"""Ports of the stream of events to connected clients."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from trading.domain.connections import Connection, Connections, Ending
from trading.domain.events import Event


class ConnectionTable(Protocol):
    """The open connections of each client."""

    def of(self, client_id: str) -> Connections:
        """The connections of a client, never from a cache. Without any: an empty `Connections`."""
        ...

    def commit(self, connections: Connections) -> None:
        """Save them, if the version is still the one that was read. Raises StaleError."""
        ...


class Sockets(Protocol):
    """Sends messages to connections. Each method raises SocketGoneError if the connection is
    closed. It raises SocketFailedError if the message may not have arrived.
    """

    def tell(self, connection: Connection, events: Sequence[Event], since: int) -> None:
        """Send events, in order. `since`: the sequence with which the client subscribes again."""
        ...

    def close(self, connection_id: str, why: Ending) -> None:
        """Send the reason, and close the connection."""
        ...


class Pushes(Protocol):
    """Asks for pushes to the connections of a client. To ask again is harmless."""

    def soon(self, client_id: str) -> None: ...

    def at(self, client_id: str, moment: datetime) -> None:
        """Ask for a push at this time, or a little later."""
        ...


class TokenGenerations(Protocol):
    """Which tokens were ended before they expired."""

    def current(self, api_keys: Collection[str]) -> Mapping[str, int]:
        """By API key, the first generation whose tokens were not ended, if it is known."""
        ...
