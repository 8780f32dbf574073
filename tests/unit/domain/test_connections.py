"""The connections of a client: how many, how far each was told, and what ends it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import NOW
from tests.fakes.stream import make_connection
from trading.domain.connections import (
    MOST_CONNECTIONS,
    MOST_FAILURES,
    Connection,
    Connections,
    Ending,
    Pushed,
    Told,
)
from trading.domain.events import Topic


def connections(*open_: Connection) -> Connections:
    return Connections(client_id="alice", open=open_)


def subscribed(since: int, connection_id: str = "c1") -> Connection:
    return make_connection(connection_id).subscribed((), since)


def opened(count: int) -> Connections:
    state = connections()
    for number in range(count):
        state = state.opened(make_connection(f"c{number}"))
    return state


def ids(state: Connections) -> list[str]:
    return [each.connection_id for each in state.open]


def ending(state: Connections) -> list[str]:
    return [each.connection_id for each in state.open if each.ending]


def test_as_many_connections_as_are_allowed_stay() -> None:
    state = opened(MOST_CONNECTIONS)
    assert ids(state) == [f"c{number}" for number in range(MOST_CONNECTIONS)]
    assert ending(state) == []


def test_one_more_ends_the_oldest() -> None:
    state = opened(MOST_CONNECTIONS + 1)
    assert ending(state) == ["c0"]
    assert state.open[0].ending is Ending.TOO_MANY_CONNECTIONS
    assert ids(state)[-1] == f"c{MOST_CONNECTIONS}"


def test_a_connection_that_ends_already_counts_no_more() -> None:
    """Otherwise each new one would end two."""
    state = opened(MOST_CONNECTIONS + 1).opened(make_connection("new"))
    assert ending(state) == ["c0", "c1"]
    assert len(state.open) - len(ending(state)) == MOST_CONNECTIONS


def test_the_limit_leaves_another_ending_as_it_is() -> None:
    state = opened(MOST_CONNECTIONS)
    state = state.with_changed(state.open[0].ended(Ending.UNREACHABLE))
    state = state.opened(make_connection("new"))
    assert ending(state) == ["c0"]
    assert state.open[0].ending is Ending.UNREACHABLE


def test_a_handshake_that_is_handled_twice_makes_one_connection() -> None:
    state = opened(MOST_CONNECTIONS)
    again = state.opened(state.open[0])
    assert ending(again) == []
    assert sorted(ids(again)) == sorted(ids(state))


@given(st.lists(st.sampled_from([f"c{n}" for n in range(25)]), max_size=40))
def test_whatever_is_opened_the_newest_stay_and_no_more_than_allowed(names: list[str]) -> None:
    state = connections()
    for name in names:
        state = state.opened(make_connection(name))
    staying = [each.connection_id for each in state.open if each.ending is None]
    assert len(ids(state)) == len(set(ids(state)))
    assert staying == ids(state)[len(ids(state)) - len(staying) :]
    assert len(staying) <= MOST_CONNECTIONS
    assert set(ids(state)) == set(names)


def test_in_use_until_the_last_token_expires() -> None:
    assert connections().in_use_until is None
    later = NOW + timedelta(hours=2)
    state = connections(make_connection("c1", expires_at=later), make_connection("c2"))
    assert state.in_use_until == later


def test_the_keys_are_those_of_all_connections() -> None:
    state = connections(
        make_connection("c1"), make_connection("c2"), make_connection("c3", api_key="other")
    )
    assert state.api_keys == {"key-alice", "other"}


def test_a_subscription_replaces_the_one_before_and_is_counted() -> None:
    first = make_connection().subscribed((Topic.ORDERS,), 5)
    second = first.subscribed((), 2)
    assert (first.topics, first.since, first.subscription) == ((Topic.ORDERS,), 5, 1)
    assert (second.topics, second.since, second.subscription) == ((), 2, 2)


def test_failures_count_until_a_message_arrives() -> None:
    connection = subscribed(0).not_reached()
    assert (connection.failures, connection.ending) == (1, None)
    assert connection.told(3).failures == 0


@pytest.mark.parametrize("ending", [None, Ending.TOKEN_EXPIRED, Ending.TOO_MANY_CONNECTIONS])
def test_after_so_many_failures_in_a_row_a_connection_is_given_up(ending: Ending | None) -> None:
    """Also one that is to be closed for another reason, and cannot be reached with it."""
    connection = subscribed(0).but(ending=ending)
    for _ in range(MOST_FAILURES - 1):
        connection = connection.not_reached()
        assert (connection.ending, connection.is_given_up) == (ending, False)
    connection = connection.not_reached()
    assert (connection.ending, connection.is_given_up) == (Ending.UNREACHABLE, True)


def test_what_another_push_has_told_is_not_taken_back() -> None:
    assert subscribed(9).told(5).since == 9
    assert subscribed(5).told(9).since == 9


@pytest.mark.parametrize(
    ("connection", "why"),
    [
        (make_connection(), None),
        (make_connection(expires_at=NOW + timedelta(microseconds=1)), None),
        (make_connection(expires_at=NOW), Ending.TOKEN_EXPIRED),
        (make_connection(expires_at=NOW - timedelta(days=1)), Ending.TOKEN_EXPIRED),
        (make_connection(generation=2), None),
        (make_connection(generation=3), None),
        (make_connection(generation=1), Ending.TOKEN_ENDED),
        (make_connection(api_key="unknown", generation=1), None),
        (make_connection(generation=1, expires_at=NOW), Ending.TOKEN_EXPIRED),
        (
            make_connection(generation=1).ended(Ending.TOO_MANY_CONNECTIONS),
            Ending.TOO_MANY_CONNECTIONS,
        ),
    ],
)
def test_why_a_connection_ends(connection: Connection, why: Ending | None) -> None:
    """Without a known generation, no token has ended."""
    connection = connection.but(generation=connection.generation or 2)
    assert connection.why_it_ends(NOW, {"key-alice": 2}) is why


def test_a_change_of_a_connection_that_is_not_open_is_dropped() -> None:
    state = connections(make_connection("c1"))
    assert state.with_changed(make_connection("c2")) == state
    assert state.connection("c2") is None
    assert state.without("c2") == state


# --- what a push did, applied to a newer state


def told(**until: int) -> Pushed:
    """A push that told these connections, in their first subscription."""
    return Pushed(told={name: Told(1, since) for name, since in until.items()})


def test_a_push_moves_the_connections_that_it_told() -> None:
    read = connections(subscribed(1, "c1"), subscribed(4, "c2"))
    after = read.after_push(told(c1=7))
    assert [each.since for each in after.open] == [7, 4]


@pytest.mark.parametrize("pushed", [Pushed(), told(c2=7), Pushed(failed={"c2"}, closed={"c3"})])
def test_what_a_push_did_not_touch_stays(pushed: Pushed) -> None:
    """The failures of another push too."""
    read = connections(subscribed(1).not_reached())
    assert read.after_push(pushed) == read


@pytest.mark.parametrize(
    ("pushed", "changes_nothing"),
    [
        (Pushed(), True),
        (told(c1=7), False),
        (Pushed(failed={"c1"}), False),
        (Pushed(closed={"c1"}), False),
    ],
)
def test_whether_a_push_changed_anything(pushed: Pushed, changes_nothing: bool) -> None:
    assert pushed.changes_nothing is changes_nothing


def test_a_newer_cursor_is_never_taken_back() -> None:
    current = connections(subscribed(1).told(9))
    assert current.after_push(told(c1=5)).open[0].since == 9


@pytest.mark.parametrize("since", [0, 3, 20])
def test_a_subscription_that_was_made_meanwhile_stands(since: int) -> None:
    current = connections(subscribed(1).subscribed((Topic.TRADES,), since))
    assert current.after_push(told(c1=10)) == current


@pytest.mark.parametrize("subscription", [0, 1, 3])
def test_what_counts_is_the_subscription_that_was_told(subscription: int) -> None:
    current = connections(subscribed(1).subscribed((), 4))
    pushed = Pushed(told={"c1": Told(subscription, 10)})
    assert current.after_push(pushed) == current
    assert current.after_push(Pushed(told={"c1": Told(2, 10)})).open[0].since == 10


def test_a_connection_that_was_opened_meanwhile_stays() -> None:
    current = connections(subscribed(1, "c1")).opened(make_connection("c2"))
    after = current.after_push(told(c1=5))
    assert [(each.connection_id, each.since) for each in after.open] == [("c1", 5), ("c2", None)]


def test_a_connection_that_was_forgotten_meanwhile_does_not_come_back() -> None:
    current = connections(subscribed(1, "c2"))
    pushed = Pushed(told={"c1": Told(1, 5), "c2": Told(1, 5)}, failed={"c1"}, closed={"c1"})
    assert ids(current.after_push(pushed)) == ["c2"]


def test_what_was_closed_goes_even_with_a_newer_subscription() -> None:
    current = connections(subscribed(1, "c1").subscribed((), 0), subscribed(1, "c2"))
    after = current.after_push(Pushed(told={"c1": Told(1, 5)}, closed={"c1", "never-there"}))
    assert ids(after) == ["c2"]


def test_failures_of_a_push_are_added_to_those_of_others() -> None:
    read = connections(subscribed(1))
    after = read.after_push(Pushed(failed={"c1"}))
    assert (after.open[0].since, after.open[0].failures) == (1, 1)
    after = after.after_push(Pushed(failed={"c1"}))
    assert (after.open[0].failures, after.open[0].ending) == (2, None)
    assert after.after_push(Pushed(failed={"c1"})).open[0].ending is Ending.UNREACHABLE


def test_a_push_that_failed_after_it_told_something_counts_as_failed() -> None:
    """The failures before it do not: a message has arrived."""
    current = connections(subscribed(1).not_reached().not_reached())
    after = current.after_push(Pushed(told={"c1": Told(1, 5)}, failed={"c1"}))
    assert (after.open[0].since, after.open[0].failures) == (5, 1)


def test_a_connection_that_must_end_does_so_whatever_an_older_push_told() -> None:
    current = connections(subscribed(1).ended(Ending.TOO_MANY_CONNECTIONS))
    after = current.after_push(told(c1=5))
    assert after.open[0].ending is Ending.TOO_MANY_CONNECTIONS


PUSHES = st.lists(
    st.dictionaries(st.sampled_from(["c1", "c2", "c3"]), st.integers(0, 30), max_size=3),
    max_size=6,
)


@given(PUSHES, st.permutations(range(6)))
def test_pushes_of_one_state_end_up_the_same_in_any_order(
    pushes: Sequence[dict[str, int]], order: Sequence[int]
) -> None:
    """Each connection ends up where the furthest push has told it."""
    current = connections(*(subscribed(3, name) for name in ("c1", "c2", "c3")))
    for number in (each for each in order if each < len(pushes)):
        pushed = told(**{name: max(3, until) for name, until in pushes[number].items()})
        before, current = current, current.after_push(pushed)
        for old, new in zip(before.open, current.open, strict=True):
            assert (new.since or 0) >= (old.since or 0)
        assert current.after_push(pushed) == current
    for each in current.open:
        furthest = max((push.get(each.connection_id, 3) for push in pushes), default=3)
        assert each.since == max(3, furthest)


PUSHED = st.builds(
    Pushed,
    told=st.dictionaries(
        st.sampled_from(["c1", "c2", "c3"]), st.builds(Told, st.integers(0, 2), st.integers(0, 30))
    ),
    failed=st.sets(st.sampled_from(["c1", "c2", "c3"])),
    closed=st.sets(st.sampled_from(["c1", "c2", "c3"])),
)


@given(st.lists(PUSHED, max_size=6))
def test_no_push_moves_a_cursor_back_or_touches_another_subscription(
    pushes: Sequence[Pushed],
) -> None:
    current = connections(subscribed(3, "c1"), subscribed(3, "c2").subscribed((), 1))
    for pushed in pushes:
        before, current = current, current.after_push(pushed)
        assert set(ids(current)) == set(ids(before)) - pushed.closed
        for new in current.open:
            old = before.connection(new.connection_id)
            assert old is not None
            assert (new.subscription, new.topics) == (old.subscription, old.topics)
            moved = pushed.told.get(new.connection_id)
            counts = moved is not None and moved.subscription == old.subscription
            assert new.since == (
                max(old.since or 0, moved.since) if moved and counts else old.since
            )
            assert new.failures == (0 if counts else old.failures) + (
                new.connection_id in pushed.failed
            )
