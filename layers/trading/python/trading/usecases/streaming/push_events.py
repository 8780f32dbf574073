"""Push new events to the connections of a client: each gets all events after its own sequence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from trading.domain.connections import Connection, Connections, Ending, Pushed, Told
from trading.domain.deadline import Deadline
from trading.domain.events import shown
from trading.usecases.accounts.follow_events import EventsExpiredError, Followed, next_events
from trading.usecases.ports import (
    Clock,
    ConnectionTable,
    EventLog,
    Pushes,
    SocketFailedError,
    SocketGoneError,
    Sockets,
    TokenGenerations,
)
from trading.usecases.retrying import on_fresh_state

PAGE = 50
FAILED_AGAIN = timedelta(seconds=10)
"""The pause before the next push, if a connection was not reached."""


@dataclass
class _Push:
    """The state and the result of one push. `pages`: the pages of the log that were read, by the
    sequence before each. `is_cut_short`: the deadline passed before all events were sent.
    """

    state: Connections
    generations: Mapping[str, int]
    done: Pushed = field(default_factory=Pushed)
    pages: dict[int, Followed] = field(default_factory=dict)
    is_cut_short: bool = False


@dataclass(frozen=True)
class PushEvents:
    """Sends the events of a client to its connections. A push may be repeated, and several may run
    at once. Each begins at a sequence that the client has, and sends in order. So a client can get
    an event again, but misses none.
    """

    connections: ConnectionTable
    log: EventLog
    sockets: Sockets
    tokens: TokenGenerations
    pushes: Pushes
    clock: Clock

    def __call__(self, client_id: str, deadline: Deadline) -> None:
        """Send each connection the events after its sequence, and close those that must end.

        If the deadline passes first, ask for another push at once. If a message may not have
        arrived, ask for a push that sends it again ten seconds later.
        """
        state = self.connections.of(client_id)
        if not state.open:
            return
        push = _Push(state, self.tokens.current(state.api_keys))
        for connection in state.open:
            self._serve(connection, push, deadline)
        self._save(push)
        if push.done.failed:
            self.pushes.at(client_id, self.clock() + FAILED_AGAIN)
        if push.is_cut_short:
            self.pushes.soon(client_id)

    def _serve(self, connection: Connection, push: _Push, deadline: Deadline) -> None:
        """Send the new events to one connection, or close it."""
        name = connection.connection_id
        try:
            ending = connection.why_it_ends(self.clock(), push.generations)
            if ending is None:
                try:
                    self._tell(connection, push, deadline)
                    return
                except EventsExpiredError:
                    ending = Ending.EVENTS_EXPIRED
            if deadline.is_over:
                push.is_cut_short = True
                return
            self.sockets.close(name, ending)
            push.done.closed.add(name)
        except SocketGoneError:
            push.done.closed.add(name)
        except SocketFailedError:
            # If the client of a given-up connection is still there, a ping tells it.
            (push.done.closed if connection.is_given_up else push.done.failed).add(name)

    def _tell(self, connection: Connection, push: _Push, deadline: Deadline) -> None:
        """Send all new events, until the deadline."""
        since = connection.since
        while since is not None:
            page = self._page(since, push)
            if not page.events:
                return
            if deadline.is_over:
                push.is_cut_short = True
                return
            events = shown(page.events, connection.topics, sees_orders=connection.sees_orders)
            if events:
                self.sockets.tell(connection, events, page.since)
            since = page.since
            push.done.told[connection.connection_id] = Told(connection.subscription, since)
            if len(page.events) < PAGE and not page.is_delayed:
                return  # whoever writes a later event asks for a push

    def _page(self, since: int, push: _Push) -> Followed:
        """The next events after a sequence. Most connections of a client have the same sequence."""
        if since not in push.pages:
            client_id = push.state.client_id
            push.pages[since] = next_events(self.log, self.clock, client_id, since, PAGE)
        return push.pages[since]

    def _save(self, push: _Push) -> None:
        """Save the result of the push, unless it changed nothing."""
        if push.done.changes_nothing:
            return
        known = [push.state]

        @on_fresh_state
        def commit() -> None:
            current = known.pop() if known else self.connections.of(push.state.client_id)
            after = current.after_push(push.done)
            if after != current:
                self.connections.commit(after)

        commit()
