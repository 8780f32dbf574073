"""The connections of a client to the stream, and the last sequence that was sent to each.

See docs/explanation/stream.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trading.domain.coded import Coded
from trading.domain.errors import ErrorCode
from trading.domain.events import Topic
from trading.domain.values import Frozen, Timestamp, Versioned

MOST_CONNECTIONS = 10
"""The most that a client may have. The next one ends the oldest, because an old connection may be
dead without our knowledge, and must not keep its client out."""
MOST_FAILURES = 3
"""The number of failed pushes in a row after which we give up a connection."""
KEPT_AFTER = timedelta(hours=1)
"""How long a client's item stays after the last token of its connections has expired. Without
connections: after the last write. No push takes so long."""


class Ending(Coded):
    """Why we close a connection. The client may open another one."""

    TOKEN_EXPIRED = "TOKEN_EXPIRED", "The token of the connection has expired. Log in again."
    TOKEN_ENDED = "TOKEN_ENDED", "The token of the connection was ended. Log in again."
    EVENTS_EXPIRED = ErrorCode.EVENTS_EXPIRED.value, ErrorCode.EVENTS_EXPIRED.sentence
    TOO_MANY_CONNECTIONS = (
        "TOO_MANY_CONNECTIONS",
        "The client has opened more connections than it may have. The oldest one ends.",
    )
    UNREACHABLE = "UNREACHABLE", "Messages to the connection failed again and again."


class Connection(Frozen):
    """An open connection. Its token expires at `expires_at`, or ends earlier with the tokens of its
    `generation`.

    `since`: the last sequence that was sent to it; None: it has not subscribed. `subscription`: how
    often it has subscribed. `topics`: those that it wants; none: all events. `failures`: how many
    pushes in a row have failed. `ending`: why the next push closes it.
    """

    connection_id: str
    api_key: str
    generation: int
    expires_at: Timestamp
    sees_orders: bool
    topics: tuple[Topic, ...] = ()
    since: int | None = None
    subscription: int = 0
    failures: int = 0
    ending: Ending | None = None

    def subscribed(self, topics: tuple[Topic, ...], since: int) -> "Connection":
        """The connection with a new subscription: these topics, after a sequence."""
        return self.but(topics=topics, since=since, subscription=self.subscription + 1)

    def told(self, since: int) -> "Connection":
        """The connection after a push that sent everything up to a sequence. Another push may have
        sent more meanwhile.
        """
        return self.but(since=max(since, self.since or 0), failures=0)

    def not_reached(self) -> "Connection":
        """The connection after a push that failed."""
        after = self.but(failures=self.failures + 1)
        return after.ended(Ending.UNREACHABLE) if after.is_given_up else after

    @property
    def is_given_up(self) -> bool:
        """Whether so many pushes in a row have failed that the next one closes the connection."""
        return self.failures >= MOST_FAILURES

    def ended(self, why: Ending) -> "Connection":
        """The connection that the next push closes."""
        return self.but(ending=why)

    def why_it_ends(self, now: datetime, generations: Mapping[str, int]) -> Ending | None:
        """Why it must be closed now, or None. `generations`: by API key, the first generation that
        has not ended.
        """
        if self.ending:
            return self.ending
        if self.expires_at <= now:
            return Ending.TOKEN_EXPIRED
        if self.generation < generations.get(self.api_key, 0):
            return Ending.TOKEN_ENDED
        return None


class Connections(Versioned):
    """All open connections of a client, the oldest first."""

    client_id: str
    open: tuple[Connection, ...] = ()

    @property
    def in_use_until(self) -> datetime | None:
        """When the last token of the connections expires. None: there is no connection."""
        return max((each.expires_at for each in self.open), default=None)

    @property
    def api_keys(self) -> frozenset[str]:
        """The API keys of the tokens of the connections."""
        return frozenset(each.api_key for each in self.open)

    def connection(self, connection_id: str) -> Connection | None:
        """An open connection by its id."""
        return next((each for each in self.open if each.connection_id == connection_id), None)

    def opened(self, connection: Connection) -> "Connections":
        """The connections with a new one. If there are too many, mark the oldest to be closed."""
        others = [each for each in self.open if each.connection_id != connection.connection_id]
        staying = [each for each in others if each.ending is None]
        surplus = staying[: max(0, len(staying) + 1 - MOST_CONNECTIONS)]
        kept = (
            each.ended(Ending.TOO_MANY_CONNECTIONS) if each in surplus else each for each in others
        )
        return self.but(open=(*kept, connection))

    def with_changed(self, changed: Connection) -> "Connections":
        """The connections with one changed. If that one is not open any more, nothing changes."""
        return self.but(
            open=tuple(
                changed if each.connection_id == changed.connection_id else each
                for each in self.open
            )
        )

    def without(self, *connection_ids: str) -> "Connections":
        """The connections without those that are closed."""
        return self.but(
            open=tuple(each for each in self.open if each.connection_id not in connection_ids)
        )

    def after_push(self, pushed: "Pushed") -> "Connections":
        """Apply the result of a push to the current state. A newer subscription stays as it is."""
        current = self.without(*pushed.closed)
        for connection_id, told in pushed.told.items():
            found = current.connection(connection_id)
            if found and found.subscription == told.subscription:
                current = current.with_changed(found.told(told.since))
        for connection_id in pushed.failed:
            found = current.connection(connection_id)
            if found:
                current = current.with_changed(found.not_reached())
        return current


@dataclass(frozen=True)
class Told:
    """The last sequence that a push has sent to a connection, and its subscription."""

    subscription: int
    since: int


@dataclass
class Pushed:
    """The result of a push, by connection id."""

    told: dict[str, Told] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)

    @property
    def changes_nothing(self) -> bool:
        """Whether the push told, failed to reach and closed no connection."""
        return not (self.told or self.failed or self.closed)
