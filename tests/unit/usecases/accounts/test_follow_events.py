"""Following an account: everything after a sequence, in order, each once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.fakes.books import MemoryBooks
from tests.fakes.clock import Clock
from tests.fakes.events import MemoryEventLog, make_event
from trading.domain.accounts.cash import Account
from trading.domain.deadline import Deadline
from trading.domain.errors import ErrorCode, ErrorKind
from trading.usecases.accounts.follow_events import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    LOST_AFTER,
    PATIENCE,
    UNDER_WAY,
    EventsExpiredError,
    Followed,
    FollowEvents,
)

LIMIT = 100


class Following:
    """The use case over a log in memory. A pause lets time pass, and may do more."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.log = MemoryEventLog()
        self.books = MemoryBooks()
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.follow = FollowEvents(self.log, self.books, self.clock, self._pause)

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.forward(seconds=seconds)
        self.meanwhile()

    def happens(
        self, *sequences: int, ago: timedelta = timedelta(0), client: str = "alice"
    ) -> None:
        """Events of these sequences are in the log."""
        self.log.add(*(make_event(n, client, self.clock() - ago) for n in sequences))
        self.stands(max(sequences), client)

    def stands(self, version: int, client: str = "alice") -> None:
        """The account has at least this version."""
        version = max(version, self.books.account(client).version)
        self.books.items["account", client] = Account(client_id=client, version=version)

    def after(self, since: int, limit: int = LIMIT, wait: float = 0) -> Followed:
        deadline = Deadline.after(timedelta(seconds=wait), self.clock)
        return self.follow("alice", since, limit, deadline)


@pytest.fixture
def following() -> Following:
    return Following()


def sequences(followed: Followed) -> list[int]:
    return [event.sequence for event in followed.events]


def test_all_events_after_a_sequence_come_in_order(following: Following) -> None:
    following.happens(3, 1, 2, 4)
    following.happens(3, client="bob")
    found = following.after(1)
    assert sequences(found) == [2, 3, 4]
    assert {event.client_id for event in found.events} == {"alice"}
    assert (found.since, found.is_delayed) == (4, False)


def test_pages_follow_each_other_without_gap_and_without_repetition(following: Following) -> None:
    following.happens(*range(1, 8))
    since, seen = 0, []
    while (page := following.after(since, limit=3)).events:
        seen += sequences(page)
        assert len(page.events) <= 3
        since = page.since
    assert seen == list(range(1, 8))


def test_nothing_new_leaves_the_sequence_where_it_is(following: Following) -> None:
    following.happens(1, 2)
    assert following.after(2) == Followed(events=(), since=2, is_delayed=False)


def test_a_sequence_that_the_account_never_had_is_refused(following: Following) -> None:
    """The books were restored to an earlier state. The client knows events that are undone."""
    following.happens(1, 2)
    with pytest.raises(EventsExpiredError, match="has no event 900"):
        following.after(900, wait=20)
    assert following.pauses == []


def test_no_event_comes_before_one_that_is_under_way(following: Following) -> None:
    following.happens(1, 2, 4, 5)
    first = following.after(0)
    assert (sequences(first), first.since, first.is_delayed) == ([1, 2], 2, True)
    waiting = following.after(2)
    assert (sequences(waiting), waiting.since, waiting.is_delayed) == ([], 2, True)
    following.happens(3)
    assert sequences(following.after(2)) == [3, 4, 5]


@pytest.mark.parametrize("age", [LOST_AFTER, LOST_AFTER + timedelta(seconds=1)])
def test_a_gap_between_events_that_are_kept_is_a_delay_for_an_hour(
    following: Following, age: timedelta
) -> None:
    """Until then, operators look for an event that did not come. Then the client starts again."""
    following.happens(1, 3, ago=age)
    assert sequences(following.after(0)) == [1]
    if age == LOST_AFTER:
        found = following.after(1)
        assert (sequences(found), found.since, found.is_delayed) == ([], 1, True)
    else:
        with pytest.raises(EventsExpiredError, match="events up to 2 are not there"):
            following.after(1)


def test_the_account_tells_of_an_event_that_is_not_in_the_log_yet(following: Following) -> None:
    following.happens(1, 2)
    following.stands(3)
    assert following.after(2) == Followed(events=(), since=2, is_delayed=True)
    assert following.pauses == []


def test_when_all_events_have_expired_the_client_starts_again(following: Following) -> None:
    following.stands(9)
    began = following.clock()
    with pytest.raises(EventsExpiredError, match="events after 5 are not kept"):
        following.after(5)
    assert timedelta() < following.clock() - began < 2 * PATIENCE


@pytest.mark.parametrize("wait", [0, 20])
def test_the_first_event_after_a_week_may_be_under_way(following: Following, wait: int) -> None:
    """The log has nothing, and the account has an event more. It is not yet clear why."""
    following.stands(6)
    following.meanwhile = lambda: following.happens(6) if len(following.pauses) == 3 else None
    assert sequences(following.after(5, wait=wait)) == [6]


def test_after_a_restore_no_sequence_is_given_again(following: Following) -> None:
    """The log is empty, and the account has a version far above those that were undone."""
    following.stands(10_000)
    with pytest.raises(EventsExpiredError):
        following.after(50)
    following.happens(10_001, ago=UNDER_WAY)
    with pytest.raises(EventsExpiredError):
        following.after(50)
    assert sequences(following.after(10_000)) == [10_001]


def test_what_came_after_events_that_are_not_kept_any_more_is_refused(
    following: Following,
) -> None:
    following.happens(8, 9, ago=timedelta(days=1))
    with pytest.raises(EventsExpiredError, match=r"events up to 7 are not there") as raised:
        following.after(3)
    assert (raised.value.code, raised.value.kind) == (ErrorCode.EVENTS_EXPIRED, ErrorKind.GONE)
    assert sequences(following.after(7)) == [8, 9]


@pytest.mark.parametrize("age", [UNDER_WAY - timedelta(seconds=1), UNDER_WAY])
def test_the_first_events_of_a_log_may_come_out_of_order(
    following: Following, age: timedelta
) -> None:
    """Until the later event is older than any way takes, the earlier one is just late."""
    following.happens(2, ago=age)
    if age < UNDER_WAY:
        assert following.after(0).is_delayed
    else:
        with pytest.raises(EventsExpiredError):
            following.after(0)


def test_a_wait_ends_with_the_first_event(following: Following) -> None:
    following.meanwhile = lambda: following.happens(1) if len(following.pauses) == 3 else None
    found = following.after(0, wait=20)
    assert sequences(found) == [1]
    assert following.pauses == [FIRST_PAUSE_SECONDS * 2**n for n in range(3)]


def test_a_wait_ends_when_a_gap_is_filled(following: Following) -> None:
    following.happens(2)
    following.meanwhile = lambda: following.happens(1)
    found = following.after(0, wait=20)
    assert (sequences(found), found.is_delayed) == ([1, 2], False)
    assert len(following.pauses) == 1


def test_a_wait_without_an_event_ends_at_its_deadline(following: Following) -> None:
    began = following.clock()
    assert following.after(0, wait=20) == Followed(events=(), since=0)
    waited = (following.clock() - began).total_seconds()
    assert 20 <= waited < 20 + LONGEST_PAUSE_SECONDS
    assert max(following.pauses) == LONGEST_PAUSE_SECONDS
    assert following.pauses == sorted(following.pauses)


def test_there_is_no_wait_when_events_are_there(following: Following) -> None:
    following.happens(1)
    assert sequences(following.after(0, wait=20)) == [1]
    assert following.pauses == []


def test_from_now_on_is_after_the_last_event_of_the_account(following: Following) -> None:
    following.stands(2)
    following.happens(1)  # the second is under way
    now = following.follow.now("alice")
    assert now == Followed(events=(), since=2)
    assert following.follow.now("nobody").since == 0
