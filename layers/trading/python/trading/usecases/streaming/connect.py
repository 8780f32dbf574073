"""The requests of a client to the stream: open a connection, subscribe, ping, close it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from trading.domain.connections import Connection, Connections
from trading.domain.deadline import Deadline
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.events import Topic
from trading.usecases.accounts.follow_events import FollowEvents
from trading.usecases.ports import Clock, ConnectionTable, Pushes
from trading.usecases.retrying import on_fresh_state

NO_TIME = timedelta()
CLOCK_DIFFERENCE = timedelta(seconds=2)
"""The clock of the worker that closes a connection may be slower than ours by this much."""


class NotConnectedError(DomainError):
    """The client has no such open connection. We send nothing to it any more."""

    code = ErrorCode.NOT_CONNECTED
    kind = ErrorKind.GONE

    def __init__(self) -> None:
        super().__init__("This connection is not open any more. Open another one.")


@dataclass(frozen=True)
class Stream:
    """The connections of clients. The caller has checked the client's token."""

    connections: ConnectionTable
    follow: FollowEvents
    pushes: Pushes
    clock: Clock

    def open(self, client_id: str, connection: Connection) -> None:
        """Record a new connection, and ask for a push when its token expires. If the client has too
        many connections, a push closes the oldest.
        """
        # Ask for the push first: a push without a connection does no harm.
        self.pushes.at(client_id, connection.expires_at + CLOCK_DIFFERENCE)
        after = self._change(client_id, lambda state: state.opened(connection))
        if any(each.ending for each in after.open):
            self.pushes.soon(client_id)

    def subscribe(
        self, client_id: str, connection_id: str, topics: tuple[Topic, ...], since: int | None
    ) -> Connection:
        """Subscribe the connection to these topics: all events after `since`, and then new ones.
        None: new ones only. Returns the changed connection.

        A subscription replaces the earlier one. Raises NotConnectedError, EventsExpiredError.
        """
        begins = self._checked(client_id, since)

        def subscribed(state: Connections) -> Connections:
            return state.with_changed(_open(state, connection_id).subscribed(topics, begins))

        after = self._change(client_id, subscribed)
        # The subscription is written before the push reads the log. If the writer of an event did
        # not find the connection, the push finds the event.
        self.pushes.soon(client_id)
        return _open(after, connection_id)

    def told_until(self, client_id: str, connection_id: str) -> int | None:
        """The last sequence that was sent to the connection. Raises NotConnectedError."""
        return _open(self.connections.of(client_id), connection_id).since

    def close(self, client_id: str, connection_id: str) -> None:
        """Delete the record of a closed connection."""
        self._change(client_id, lambda state: state.without(connection_id))

    def _checked(self, client_id: str, since: int | None) -> int:
        """The sequence after which a subscription begins. Raises EventsExpiredError."""
        if since is None:
            return self.follow.now(client_id).since
        at_once = Deadline.after(NO_TIME, self.clock)
        self.follow(client_id, since, 1, at_once)
        return since

    def _change(self, client_id: str, change: Callable[[Connections], Connections]) -> Connections:
        @on_fresh_state
        def commit() -> Connections:
            state = self.connections.of(client_id)
            after = change(state)
            if after != state:
                self.connections.commit(after)
            return after

        return commit()


def _open(state: Connections, connection_id: str) -> Connection:
    found = state.connection(connection_id)
    if found is None or found.ending is not None:
        raise NotConnectedError
    return found
