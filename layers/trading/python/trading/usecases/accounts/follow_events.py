"""Follow the events of an account: everything after a sequence, in order, each once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from trading.domain.deadline import Deadline
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.events import Event
from trading.domain.values import Frozen
from trading.usecases.ports import Accounts, Clock, EventLog

UNDER_WAY = timedelta(minutes=2)
"""If the event after a gap is older than this, the missing events are not just late."""
LOST_AFTER = timedelta(hours=1)
"""The missing events are lost if the event after them is older than this. Until then, operators can
find them in a dead-letter queue."""
PATIENCE = timedelta(seconds=5)
"""So long the next event may be under way if the log does not have the one before it."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0


class EventsExpiredError(DomainError):
    """The events after this sequence are not kept any more."""

    code = ErrorCode.EVENTS_EXPIRED
    kind = ErrorKind.GONE


class Followed(Frozen):
    """What follows a sequence. `since`: where to go on. `is_delayed`: a later event is there, and
    the next one is not.
    """

    events: tuple[Event, ...]
    since: int
    is_delayed: bool = False


class FollowedAccounts(Accounts, Protocol):
    """The accounts whose versions count their events."""


@dataclass(frozen=True)
class FollowEvents:
    """The events of a client's account after a sequence."""

    log: EventLog
    books: FollowedAccounts
    clock: Clock
    pause: Callable[[float], None]

    def now(self, client_id: str) -> Followed:
        """The sequence of the last event, for a client that follows from now on."""
        return Followed(events=(), since=self.books.account(client_id).version)

    def __call__(self, client_id: str, since: int, limit: int, deadline: Deadline) -> Followed:
        """The events after `since`, without a gap. If there are none, wait for the first until the
        deadline. Raises EventsExpiredError.
        """
        patience = Deadline.after(PATIENCE, self.clock)
        longest = FIRST_PAUSE_SECONDS
        while True:
            followed = self._read(client_id, since, limit)
            if followed is None and patience.is_over:
                raise _expired(f"The events after {since} are not kept any more.")
            if followed is not None and (followed.events or deadline.is_over):
                return followed
            self.pause(longest)
            longest = min(2 * longest, LONGEST_PAUSE_SECONDS)

    def _read(self, client_id: str, since: int, limit: int) -> Followed | None:
        """What the log has now. None: the next event is under way, or all have expired."""
        followed = next_events(self.log, self.clock, client_id, since, limit)
        if followed.events or followed.is_delayed:
            return followed
        return self._read_nothing(client_id, since)

    def _read_nothing(self, client_id: str, since: int) -> Followed | None:
        version = self.books.account(client_id).version
        if since > version:
            raise _expired(f"The account has no event {since}. Perhaps its books were restored.")
        if since < version and self.log.before(client_id, since) is None:
            return None
        return Followed(events=(), since=since, is_delayed=since < version)


def next_events(log: EventLog, clock: Clock, client_id: str, since: int, limit: int) -> Followed:
    """The events after `since` that the log has, up to the first that is missing.

    Raises EventsExpiredError if the next one will not come any more.
    """
    found = log.after(client_id, since, limit)
    events = _without_gap(found, since)
    if found and not events and _is_gone(log, clock, client_id, found[0]):
        raise _expired(f"The events up to {found[0].sequence - 1} are not there any more.")
    return Followed(
        events=events,
        since=events[-1].sequence if events else since,
        is_delayed=len(events) < len(found),
    )


def _is_gone(log: EventLog, clock: Clock, client_id: str, first: Event) -> bool:
    """Whether what was before `first` will not come, because it has expired or was lost."""
    age = clock() - first.time
    if age < UNDER_WAY:
        return False
    return age > LOST_AFTER or log.before(client_id, first.sequence - 1) is None


def _expired(what: str) -> EventsExpiredError:
    advice = "Ask for events without `since`, and then read the account."
    return EventsExpiredError(f"{what} {advice}", field="since")


def _without_gap(found: Sequence[Event], since: int) -> tuple[Event, ...]:
    """The events up to the first that is missing."""
    expected = range(since + 1, since + 1 + len(found))
    return tuple(
        event for event, sequence in zip(found, expected, strict=True) if event.sequence == sequence
    )
