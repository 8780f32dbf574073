"""Pushing: each connection gets every event after its own sequence, in order."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.deadlines import over_at
from tests.fakes.events import make_event
from tests.fakes.faults import CrashError
from tests.fakes.stream import CLIENT, TOKEN_LIFE, Fibers, StreamWorld
from trading.domain.accounts.cash import Account
from trading.domain.connections import MOST_FAILURES, Ending
from trading.domain.deadline import NEVER
from trading.domain.events import Topic, event_of
from trading.usecases.accounts.follow_events import LOST_AFTER, UNDER_WAY
from trading.usecases.ports import SocketFailedError, StaleError
from trading.usecases.streaming import push_events
from trading.usecases.streaming.push_events import FAILED_AGAIN, PAGE


@pytest.fixture
def world() -> StreamWorld:
    return StreamWorld()


def fail_until_given_up(world: StreamWorld) -> None:
    for _ in range(MOST_FAILURES):
        assert not world.push()


def test_without_connections_nothing_else_is_read(world: StreamWorld) -> None:
    world.happens()
    calls = len(world.moments.calls)
    assert world.push()
    assert world.moments.calls[calls:] == ["connections.of"]


def test_two_connections_get_what_each_was_not_told(world: StreamWorld) -> None:
    world.happens(5)
    world.connect("c1", since=1)
    world.connect("c2", since=4)
    assert world.push()
    assert world.sockets.messages == {"c1": [([2, 3, 4, 5], 5)], "c2": [([5], 5)]}
    assert [each.since for each in world.open.values()] == [5, 5]
    world.happens()
    assert world.push()
    assert (world.told("c1"), world.told("c2")) == ([2, 3, 4, 5, 6], [5, 6])


def test_connections_at_the_same_sequence_cost_one_read_of_the_log(world: StreamWorld) -> None:
    world.happens(3)
    for number in range(5):
        world.connect(f"c{number}", since=0)
    calls = len(world.moments.calls)
    world.push()
    assert world.moments.calls[calls:].count("log.after") == 1


def test_a_connection_that_has_not_subscribed_is_told_nothing(world: StreamWorld) -> None:
    world.happens(3)
    world.connect()
    writes = world.connections.writes
    assert world.push()
    assert world.sockets.messages == {}
    assert world.connections.writes == writes


def test_nothing_new_is_neither_sent_nor_written(world: StreamWorld) -> None:
    world.happens(3)
    world.connect(since=0)
    world.push()
    before = (world.connections.writes, dict(world.sockets.messages))
    assert world.push()
    assert (world.connections.writes, world.sockets.messages) == before


def test_more_than_a_page_comes_in_several_messages(world: StreamWorld) -> None:
    world.happens(2 * PAGE + 1)
    world.connect(since=0)
    assert world.push()
    assert [until for _, until in world.sockets.messages["c1"]] == [PAGE, 2 * PAGE, 2 * PAGE + 1]
    assert world.told() == list(range(1, 2 * PAGE + 2))


def test_what_others_subscribed_to_is_passed_over(world: StreamWorld) -> None:
    """The sequence goes on with events that are not shown, and so does the client's `since`."""
    for _ in range(4):
        sequence = world.commits()
        event = event_of([Account(client_id=CLIENT, version=sequence - 1)], world.clock())
        assert event is not None
        world.logs(event if sequence % 2 else make_event(sequence))
    world.connect("balance", since=0, topics=(Topic.BALANCE,))
    world.connect("orders", since=0, topics=(Topic.ORDERS,))
    assert world.push()
    assert world.sockets.messages == {"balance": [([1, 3], 4)]}
    assert [each.since for each in world.open.values()] == [4, 4]


def test_who_may_not_see_orders_sees_the_rest_of_an_event(world: StreamWorld) -> None:
    world.happens()
    event = world.log.events[CLIENT, 1]
    world.log.add(event.but(topics=(Topic.ORDERS,)))
    world.connect("sees", since=0, topics=(Topic.ORDERS,))
    world.connect("blind", since=0, sees_orders=False)
    world.connect("asks", since=0, topics=(Topic.ORDERS,), sees_orders=False)
    assert world.push()
    assert world.sockets.events == {
        "sees": [event.but(topics=(Topic.ORDERS,))],
        "blind": [event.without_orders()],
    }
    assert world.open["asks"].since == 1


def test_a_socket_that_is_gone_is_forgotten(world: StreamWorld) -> None:
    world.happens()
    world.connect("c1", since=0)
    world.connect("c2", since=0)
    world.sockets.gone = {"c1"}
    assert world.push()
    assert list(world.open) == ["c2"]
    assert world.told("c2") == [1]


def test_a_failing_socket_does_not_keep_others_from_being_served(world: StreamWorld) -> None:
    world.happens()
    for name in ("c1", "c2", "c3"):
        world.connect(name, since=0)
    world.sockets.failing = {"c2"}
    assert not world.push()
    assert {name: (each.since, each.failures) for name, each in world.open.items()} == {
        "c1": (1, 0),
        "c2": (0, 1),
        "c3": (1, 0),
    }
    world.sockets.failing = set()
    assert world.push()
    assert world.told("c2") == [1]
    assert world.open["c2"].failures == 0


def test_after_a_failure_another_push_is_asked_for_a_while_later(world: StreamWorld) -> None:
    """What was told to others is saved first, so that they do not get it again."""
    world.happens()
    world.connect("c1", since=0)
    world.connect("c2", since=0)
    world.sockets.failing = {"c2"}
    calls = len(world.moments.calls)
    world.push_events(CLIENT, NEVER)
    assert world.again.later == [(CLIENT, world.clock() + FAILED_AGAIN)]
    assert world.again.asked == []
    assert world.moments.calls[calls:][-2:] == ["connections.commit", "pushes.at"]


def test_several_failures_of_a_push_ask_for_one_push(world: StreamWorld) -> None:
    world.happens()
    for name in ("c1", "c2", "c3"):
        world.connect(name, since=0)
    world.sockets.failing = {"c1", "c2", "c3"}
    world.push_events(CLIENT, NEVER)
    assert len(world.again.later) == 1


def test_when_the_worker_dies_before_it_asks_its_repetition_does(world: StreamWorld) -> None:
    world.happens()
    world.connect("c1", since=0)
    world.sockets.failing = {"c1"}
    world.moments.before("pushes.at")
    with pytest.raises(CrashError):
        world.push()
    assert not world.push()
    world.sockets.failing = set()
    assert world.push()
    assert world.told() == [1]


def test_a_socket_that_fails_later_keeps_what_it_was_told_before(world: StreamWorld) -> None:
    world.happens(PAGE + 1)
    world.connect("c1", since=0)
    world.moments.before(len(world.moments.calls) + 6, SocketFailedError())
    assert not world.push()
    assert (world.open["c1"].since, world.open["c1"].failures) == (PAGE, 1)
    assert world.push()
    assert world.told() == list(range(1, PAGE + 2))


def test_a_socket_that_keeps_failing_is_given_up(world: StreamWorld) -> None:
    world.happens()
    world.connect("c1", since=0)
    world.sockets.failing = {"c1"}
    fail_until_given_up(world)
    assert world.open["c1"].ending is Ending.UNREACHABLE
    assert world.push()
    assert (world.open, world.sockets.closed, world.told()) == ({}, {}, [])


def test_a_socket_that_answers_at_the_end_is_told_why_it_is_closed(world: StreamWorld) -> None:
    world.happens()
    world.connect("c1", since=0)
    world.sockets.failing = {"c1"}
    fail_until_given_up(world)
    world.sockets.failing = set()
    assert world.push()
    assert (world.sockets.closed, world.open) == ({"c1": Ending.UNREACHABLE}, {})


@pytest.mark.parametrize("why", [Ending.TOO_MANY_CONNECTIONS, Ending.TOKEN_EXPIRED])
def test_what_must_end_and_keeps_failing_is_given_up_too(world: StreamWorld, why: Ending) -> None:
    """Otherwise all later pushes of the client would fail because of it."""
    world.connect("c1", since=0)
    if why is Ending.TOKEN_EXPIRED:
        world.clock.forward(seconds=TOKEN_LIFE.total_seconds())
    else:
        state = world.connections.of(CLIENT)
        world.connections.commit(state.with_changed(state.open[0].ended(why)))
    world.sockets.failing = {"c1"}
    for _ in range(MOST_FAILURES):
        assert not world.push()
    assert world.push()
    assert world.open == {}


def test_a_push_that_told_one_connection_leaves_the_failures_of_others(world: StreamWorld) -> None:
    """A push that began before, and had nothing to tell the connection that failed since."""
    world.happens()
    world.connect("behind", since=0)
    world.connect("c1", since=1)
    world.sockets.failing = {"c1"}

    def fails_meanwhile() -> None:
        world.happens()
        assert not world.push()

    # Just before its commit: connections.of, tokens.current, log.after, sockets.tell, log.after.
    world.moments.meanwhile[len(world.moments.calls) + 6] = fails_meanwhile
    assert world.push()
    assert world.open["c1"].failures == 1


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_connection_ends_with_its_token(world: StreamWorld, seconds: int) -> None:
    world.happens()
    world.connect("c1", since=0)
    world.clock.forward(seconds=TOKEN_LIFE.total_seconds() + seconds - 1)
    world.connect("c2", since=0, expires_at=world.clock() + TOKEN_LIFE)
    world.clock.forward(seconds=1)
    assert world.push()
    assert world.sockets.closed == {"c1": Ending.TOKEN_EXPIRED}
    assert (world.told("c1"), world.told("c2")) == ([], [1])
    assert list(world.open) == ["c2"]


def test_a_token_that_was_ended_gets_no_event_any_more(world: StreamWorld) -> None:
    world.happens()
    world.connect("c1", since=0, generation=3)
    world.connect("c2", since=0, generation=4)
    world.connect("c3", since=0, api_key="other")
    world.tokens.known = {"key-alice": 4}
    assert world.push()
    assert world.sockets.closed == {"c1": Ending.TOKEN_ENDED}
    assert world.told("c1") == []
    assert list(world.open) == ["c2", "c3"]


def test_a_connection_that_cannot_be_told_without_a_gap_is_closed(world: StreamWorld) -> None:
    """Its client reads the account again. Others are told."""
    world.connect("c1", since=0)
    for _ in range(4):
        world.commits()
    world.log.add(*(make_event(n, time=world.clock() - timedelta(days=1)) for n in (3, 4)))
    world.connect("c2", since=3)
    assert world.push()
    assert world.sockets.closed == {"c1": Ending.EVENTS_EXPIRED}
    assert (world.told("c1"), world.told("c2")) == ([], [4])
    assert list(world.open) == ["c2"]


def test_a_gap_in_the_log_is_waited_for(world: StreamWorld) -> None:
    world.connect("c1", since=0)
    late = [world.commits() for _ in range(4)]
    world.logs(*(make_event(n, time=world.clock()) for n in late if n != 2))
    assert world.push()
    assert (world.told(), world.open["c1"].since) == ([1], 1)
    world.logs(make_event(2, time=world.clock()))
    assert world.push()
    assert world.told() == [1, 2, 3, 4]


@pytest.mark.parametrize("age", [LOST_AFTER, LOST_AFTER + timedelta(seconds=1)])
def test_a_gap_is_waited_for_no_longer_than_an_event_can_be_found(
    world: StreamWorld, age: timedelta
) -> None:
    assert age > UNDER_WAY
    world.connect("c1", since=0)
    for sequence in [world.commits() for _ in range(3)]:
        if sequence != 2:
            world.log.add(make_event(sequence, time=world.clock() - age))
    assert world.push()
    assert world.told() == [1]
    expired = {"c1": Ending.EVENTS_EXPIRED} if age > LOST_AFTER else {}
    assert world.sockets.closed == expired


def test_after_the_deadline_another_push_goes_on(world: StreamWorld) -> None:
    world.happens(3 * PAGE)
    world.connect("c1", since=0)
    world.connect("c2", since=3 * PAGE - 1)
    world.connect("c3", since=3 * PAGE)
    assert not world.push(over_at(2))
    assert world.told() == list(range(1, PAGE + 1))
    assert world.open["c1"].since == PAGE
    assert not world.push(over_at(2))
    assert world.push()
    assert world.told("c1") == list(range(1, 3 * PAGE + 1))
    assert world.told("c2") == [3 * PAGE]


@pytest.mark.parametrize("failing", [set(), {"c2"}])
def test_a_push_that_is_cut_short_asks_for_another_one_at_once(
    world: StreamWorld, failing: set[str]
) -> None:
    """After it has saved how far it has come. What failed is asked for as well."""
    world.happens(2 * PAGE)
    world.connect("c2", since=2 * PAGE - 1)
    world.connect("c1", since=0)
    world.sockets.failing = failing
    calls = len(world.moments.calls)
    world.push_events(CLIENT, over_at(3))
    assert (world.open["c1"].since, world.told("c1")) == (PAGE, list(range(1, PAGE + 1)))
    assert world.again.asked == [CLIENT]
    assert len(world.again.later) == len(failing)
    last = ["connections.commit", *(["pushes.at"] if failing else []), "pushes.soon"]
    assert world.moments.calls[calls:][-len(last) :] == last


def test_a_push_that_is_cut_short_at_once_asks_without_a_write(world: StreamWorld) -> None:
    world.happens()
    world.connect("c1", since=0)
    writes = world.connections.writes
    world.push_events(CLIENT, over_at(1))
    assert (world.again.asked, world.again.later) == ([CLIENT], [])
    assert world.connections.writes == writes


def test_a_deadline_that_passes_when_all_is_told_is_no_reason_to_go_on(world: StreamWorld) -> None:
    world.happens(1)
    world.connect("c1", since=1)
    assert world.push(over_at(1))


def test_after_the_deadline_another_push_closes_what_must_end(world: StreamWorld) -> None:
    """Connections that hang would take more time than is left, and nothing would be saved."""
    world.connect("c1", since=0)
    world.connect("c2", since=0, expires_at=world.clock())
    assert not world.push(over_at(1))
    assert world.sockets.closed == {}
    assert world.push()
    assert world.sockets.closed == {"c2": Ending.TOKEN_EXPIRED}
    assert list(world.open) == ["c1"]


@pytest.mark.parametrize("call", ["connections.commit", "sockets.tell"])
def test_when_a_worker_dies_the_next_push_sends_the_same_again(
    world: StreamWorld, call: str
) -> None:
    world.happens(2)
    world.connect("c1", since=0)
    if call == "sockets.tell":
        world.moments.after(call)
    else:
        world.moments.before(call)
    with pytest.raises(CrashError):
        world.push()
    world.happens()
    assert world.push()
    assert world.sockets.messages["c1"] == [([1, 2], 2), ([1, 2, 3], 3)]
    assert world.seen(since=0) == 3


def test_when_the_log_fails_what_was_told_before_is_told_again(world: StreamWorld) -> None:
    world.happens(PAGE + 1)
    world.connect("c1", since=0)
    world.connect("c2", since=PAGE)
    world.moments.before("sockets.tell", RuntimeError("a bug"), times=1)
    with pytest.raises(RuntimeError):
        world.push()
    assert world.push()
    assert world.seen(since=0) == PAGE + 1
    assert world.told("c2") == [PAGE + 1]


@pytest.mark.parametrize("times", [1, 3])
def test_a_push_that_lost_a_race_saves_over_the_newer_state(world: StreamWorld, times: int) -> None:
    world.happens(2)
    world.connect("c1", since=0)
    world.moments.before("connections.commit", StaleError(), times)
    assert world.push()
    assert world.sockets.messages["c1"] == [([1, 2], 2)]
    assert world.open["c1"].since == 2


def test_a_connection_that_is_opened_or_closed_during_a_push_is_so_afterwards(
    world: StreamWorld,
) -> None:
    world.happens(2)
    world.connect("c1", since=0)
    world.connect("c2", since=0)

    def others() -> None:
        world.stream.close(CLIENT, "c1")
        world.connect("c3", since=2)

    world.moments.meanwhile[len(world.moments.calls) + 2] = others
    assert world.push()
    assert {name: each.since for name, each in world.open.items()} == {"c2": 2, "c3": 2}


@pytest.mark.parametrize("call", range(1, 6))
def test_a_subscription_during_a_push_gets_all_that_it_asks_for(
    world: StreamWorld, call: int
) -> None:
    """It goes back to an older sequence. What the push tells of the subscription before does not
    count for it.
    """
    world.happens(4)
    world.connect("c1", since=2)
    world.pushes.asked.clear()
    before: list[int] = []

    def again() -> None:
        world.stream.subscribe(CLIENT, "c1", (), 0)
        before.extend(world.told())

    world.moments.meanwhile[len(world.moments.calls) + call] = again
    assert world.push()
    world.push_all()
    assert world.open["c1"].subscription == 2
    assert world.open["c1"].since == 4
    after = world.told()[len(before) :]
    assert after[-4:] == [1, 2, 3, 4]
    assert world.seen(since=2, subscription=1) in (2, 4)
    assert world.seen(since=0, subscription=2) == 4


def test_messages_of_an_earlier_subscription_can_be_told_apart(world: StreamWorld) -> None:
    """The client skips from 2 to 4, and then hears of what the push has read before."""
    world.happens(4)
    world.connect("c1", since=2)
    world.moments.meanwhile[len(world.moments.calls) + 4] = lambda: world.stream.subscribe(
        CLIENT, "c1", (), 4
    )
    assert world.push()
    assert world.sockets.messages == {"c1": [([3, 4], 4)]}
    assert world.sockets.subscriptions == {"c1": [1]}
    world.happens()
    assert world.push()
    assert world.sockets.subscriptions == {"c1": [1, 2]}
    assert world.seen(since=4, subscription=2) == 5


def test_a_push_that_told_only_an_earlier_subscription_writes_nothing(world: StreamWorld) -> None:
    world.happens(4)
    world.connect("c1", since=2)
    world.moments.meanwhile[len(world.moments.calls) + 4] = lambda: world.stream.subscribe(
        CLIENT, "c1", (), 0
    )
    writes = world.connections.writes
    assert world.push()
    assert world.connections.writes == writes + 1
    assert world.open["c1"].since == 0


def test_a_push_writes_nothing_if_another_one_did_the_same(world: StreamWorld) -> None:
    world.happens(4)
    world.connect("c1", since=2)
    world.moments.meanwhile[len(world.moments.calls) + 5] = world.push
    writes = world.connections.writes
    assert world.push()
    assert world.connections.writes == writes + 1
    assert world.sockets.messages == {"c1": [([3, 4], 4)] * 2}


@given(
    since=st.integers(0, 4),
    schedule=st.lists(st.integers(0, 7), max_size=80),
    kills=st.sets(st.integers(0, 60), max_size=3),
    failures=st.integers(0, MOST_FAILURES - 1),
    arrives=st.booleans(),
)
def test_whatever_runs_at_once_no_client_misses_an_event_or_gets_one_too_early(
    since: int, schedule: list[int], kills: set[int], failures: int, arrives: bool
) -> None:
    """Events are written while clients subscribe and pushes run. Each can be killed at any call and
    begins again. Messages fail, before or after they arrive.
    """
    world = StreamWorld()
    world.happens(4)
    world.connect("c1")
    world.connect("c2", since=2)
    plan = world.moments.after if arrives else world.moments.before
    plan("sockets.tell", SocketFailedError(), failures)
    fibers = Fibers(world)
    fibers.start(lambda: world.stream.subscribe(CLIENT, "c1", (), since))
    for sequence in [world.commits() for _ in range(4)]:
        event = make_event(sequence, time=world.clock())
        fibers.start(lambda event=event: world.logs(event))  # type: ignore[misc]
    fibers.start(lambda: world.stream.open(CLIENT, world.open["c2"].but(connection_id="c3")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(push_events, "PAGE", 2)
        fibers.run(schedule, kills)
    assert world.seen(since, "c1") == 8
    assert world.seen(since, "c1", world.open["c1"].subscription) == 8
    assert world.seen(2, "c2") == 8
    assert [each.since for each in world.open.values()][:2] == [8, 8]
    assert world.push()


@given(
    begins=st.lists(st.integers(0, 4), min_size=2, max_size=3),
    schedule=st.lists(st.integers(0, 9), max_size=90),
    kills=st.sets(st.integers(0, 70), max_size=3),
    failures=st.integers(0, MOST_FAILURES - 1),
    arrives=st.booleans(),
)
def test_whatever_runs_at_once_the_messages_of_a_subscription_are_complete_on_their_own(
    begins: list[int], schedule: list[int], kills: set[int], failures: int, arrives: bool
) -> None:
    """A connection subscribes again and again, back and forth, while events come. The client goes
    by the messages of its last subscription alone.
    """
    world = StreamWorld()
    world.happens(4)
    world.connect("c1")
    plan = world.moments.after if arrives else world.moments.before
    plan("sockets.tell", SocketFailedError(), failures)
    answered: dict[int, int] = {}

    def subscribes(since: int) -> None:
        answer = world.stream.subscribe(CLIENT, "c1", (), since)
        answered[answer.subscription] = since

    fibers = Fibers(world)
    for since in begins:
        fibers.start(lambda since=since: subscribes(since))  # type: ignore[misc]
    for sequence in [world.commits() for _ in range(3)]:
        event = make_event(sequence, time=world.clock())
        fibers.start(lambda event=event: world.logs(event))  # type: ignore[misc]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(push_events, "PAGE", 2)
        fibers.run(schedule, kills)
    for number, since in answered.items():
        assert world.seen(since, subscription=number) <= 7
    last = world.open["c1"].subscription
    assert last == max(answered)
    assert world.seen(answered[last], subscription=last) == 7
    assert world.open["c1"].since == 7
    assert world.push()
