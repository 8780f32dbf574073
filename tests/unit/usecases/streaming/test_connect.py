"""Connections to the stream: opened, subscribed, asked and closed. A subscription gets history and
then what comes, without a gap in between.
"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.events import make_event
from tests.fakes.faults import CrashError
from tests.fakes.stream import CLIENT, Fibers, StreamWorld, make_connection
from trading.domain.connections import MOST_CONNECTIONS, Ending
from trading.domain.errors import ErrorCode, ErrorKind
from trading.domain.events import Topic
from trading.usecases.accounts.follow_events import PATIENCE, EventsExpiredError
from trading.usecases.ports import StaleError
from trading.usecases.streaming.connect import CLOCK_DIFFERENCE, NotConnectedError


@pytest.fixture
def world() -> StreamWorld:
    return StreamWorld()


def test_a_new_connection_is_kept_and_closed_when_its_token_expires(world: StreamWorld) -> None:
    connection = make_connection()
    world.stream.open(CLIENT, connection)
    assert list(world.open.values()) == [connection]
    assert world.pushes.later == [(CLIENT, connection.expires_at + CLOCK_DIFFERENCE)]
    assert world.pushes.asked == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_no_connection_is_kept_without_a_push_at_its_end(world: StreamWorld, moment: str) -> None:
    """A worker that dies in between leaves a push that finds nothing."""
    plan = world.moments.before if moment == "before" else world.moments.after
    plan("pushes.at")
    with pytest.raises(CrashError):
        world.stream.open(CLIENT, make_connection())
    assert world.open == {}
    assert world.push()


def test_the_push_at_the_end_of_a_token_closes_its_connection(world: StreamWorld) -> None:
    world.connect(since=0)
    [(_, moment)] = world.pushes.later
    world.clock.now = moment
    assert world.push()
    assert (world.sockets.closed, world.open) == ({"c1": Ending.TOKEN_EXPIRED}, {})


def test_one_connection_too_many_closes_the_oldest(world: StreamWorld) -> None:
    for number in range(MOST_CONNECTIONS + 1):
        world.connect(f"c{number}")
    assert world.pushes.asked == [CLIENT]
    world.push_all()
    assert world.sockets.closed == {"c0": Ending.TOO_MANY_CONNECTIONS}
    assert list(world.open) == [f"c{number}" for number in range(1, MOST_CONNECTIONS + 1)]


def test_clients_do_not_see_each_other(world: StreamWorld) -> None:
    world.connect("c1")
    with pytest.raises(NotConnectedError):
        world.stream.told_until("bob", "c1")
    with pytest.raises(NotConnectedError):
        world.stream.subscribe("bob", "c1", (), None)
    world.stream.close("bob", "c1")
    assert list(world.open) == ["c1"]


def test_a_subscription_without_since_begins_after_the_last_event(world: StreamWorld) -> None:
    world.happens(3)
    world.commits()  # its event is under way
    world.connect()
    assert world.stream.subscribe(CLIENT, "c1", (), None).since == 4
    world.push_all()
    world.logs(make_event(4, time=world.clock()))
    world.happens()
    world.push_all()
    assert world.told() == [5]


@pytest.mark.parametrize("since", [0, 2, 3])
def test_a_subscription_gets_history_and_then_what_comes(world: StreamWorld, since: int) -> None:
    world.happens(3)
    world.connect()
    assert world.stream.subscribe(CLIENT, "c1", (), since).since == since
    world.push_all()
    world.happens(2)
    world.push_all()
    assert world.told() == list(range(since + 1, 6))


def test_a_subscription_replaces_the_one_before(world: StreamWorld) -> None:
    world.happens(3)
    world.connect(since=3, topics=(Topic.ORDERS,))
    world.stream.subscribe(CLIENT, "c1", (), 1)
    world.push_all()
    assert world.told() == [2, 3]
    assert world.open["c1"].topics == ()


def test_subscriptions_are_numbered_and_each_answer_says_what_is_valid(world: StreamWorld) -> None:
    """With the number the client tells its messages from those of the subscription before."""
    world.happens(3)
    world.connect()
    first = world.stream.subscribe(CLIENT, "c1", (Topic.ORDERS,), 3)
    second = world.stream.subscribe(CLIENT, "c1", (), 1)
    assert (first.subscription, first.topics, first.since) == (1, (Topic.ORDERS,), 3)
    assert (second.subscription, second.topics, second.since) == (2, (), 1)
    assert second == world.open["c1"]
    world.push_all()
    assert world.sockets.subscriptions["c1"] == [2]


def test_events_that_are_not_kept_are_refused_at_once(world: StreamWorld) -> None:
    """The subscription before stands."""
    world.connect(since=0)
    for _ in range(9):
        world.commits()
    world.log.add(*(make_event(n, time=world.clock() - timedelta(days=1)) for n in (8, 9)))
    before = world.open
    for since in (3, 900):
        with pytest.raises(EventsExpiredError):
            world.stream.subscribe(CLIENT, "c1", (Topic.ORDERS,), since)
    assert world.open == before
    assert world.stream.subscribe(CLIENT, "c1", (), 7).since == 7


def test_a_silent_account_is_waited_for_no_longer_than_an_event_takes(world: StreamWorld) -> None:
    """All events have expired. The function may not run into its time-out."""
    for _ in range(9):
        world.commits()
    world.connect()
    began = world.clock()
    with pytest.raises(EventsExpiredError):
        world.stream.subscribe(CLIENT, "c1", (), 5)
    assert world.clock() - began < 2 * PATIENCE


@pytest.mark.parametrize("state", ["never opened", "closed", "ends"])
def test_who_is_not_connected_is_told_so(world: StreamWorld, state: str) -> None:
    if state != "never opened":
        world.connect()
    if state == "closed":
        world.stream.close(CLIENT, "c1")
    if state == "ends":
        for number in range(MOST_CONNECTIONS):
            world.connect(f"new{number}")
    writes, asked = world.connections.writes, list(world.pushes.asked)
    with pytest.raises(NotConnectedError) as raised:
        world.stream.subscribe(CLIENT, "c1", (), None)
    with pytest.raises(NotConnectedError):
        world.stream.told_until(CLIENT, "c1")
    assert (raised.value.code, raised.value.kind) == (ErrorCode.NOT_CONNECTED, ErrorKind.GONE)
    assert (world.connections.writes, world.pushes.asked) == (writes, asked)


def test_a_client_can_ask_how_far_it_was_told(world: StreamWorld) -> None:
    world.happens(2)
    world.connect()
    assert world.stream.told_until(CLIENT, "c1") is None
    world.stream.subscribe(CLIENT, "c1", (), 0)
    assert world.stream.told_until(CLIENT, "c1") == 0
    world.push_all()
    assert world.stream.told_until(CLIENT, "c1") == 2


def test_a_closed_connection_is_forgotten_and_the_others_stay(world: StreamWorld) -> None:
    world.connect("c1")
    world.connect("c2")
    world.stream.close(CLIENT, "c1")
    assert list(world.open) == ["c2"]
    writes = world.connections.writes
    world.stream.close(CLIENT, "c1")
    assert world.connections.writes == writes


def test_who_lost_a_race_starts_over(world: StreamWorld) -> None:
    world.connect("c1")
    world.moments.meanwhile[len(world.moments.calls) + 2] = lambda: world.connect("c2")
    world.stream.subscribe(CLIENT, "c1", (), None)
    assert {name: each.since for name, each in world.open.items()} == {"c1": 0, "c2": None}


def test_a_race_that_is_always_lost_reaches_the_client(world: StreamWorld) -> None:
    world.connect("c1")
    world.moments.before("connections.commit", StaleError(), times=20)
    with pytest.raises(StaleError):
        world.stream.subscribe(CLIENT, "c1", (), None)
    assert world.pushes.asked == []


def calls_of_a_subscription() -> int:
    world = StreamWorld()
    world.happens(2)
    world.connect()
    before = len(world.moments.calls)
    world.stream.subscribe(CLIENT, "c1", (), 1)
    world.push_all()
    return len(world.moments.calls) - before


CALLS = range(1, calls_of_a_subscription() + 1)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("pushes_first", [False, True])
def test_an_event_that_comes_at_any_point_of_a_subscription_is_told(
    world: StreamWorld, call: int, pushes_first: bool
) -> None:
    """`pushes_first`: the push that the event asks for runs at once, before the subscription goes
    on.
    """
    world.happens(2)
    world.connect()

    def comes() -> None:
        world.happens()
        if pushes_first:
            world.push_all()

    world.moments.meanwhile[len(world.moments.calls) + call] = comes
    world.stream.subscribe(CLIENT, "c1", (), 1)
    world.push_all()
    assert world.moments.meanwhile == {}
    assert world.seen(since=1) == 3
    assert world.open["c1"].since == 3


@pytest.mark.parametrize("looked_at", CALLS)
@pytest.mark.parametrize("written_at", CALLS)
def test_the_two_steps_of_the_log_may_fall_anywhere(
    world: StreamWorld, written_at: int, looked_at: int
) -> None:
    """The event is written at one point. At a later one, its writer looks for connections."""
    world.happens(2)
    world.connect()
    event = make_event(world.commits(), time=world.clock())
    begins = len(world.moments.calls)

    def written() -> None:
        world.log.add(event)

    def looked() -> None:
        if (CLIENT, 3) in world.log.events and world.connections.of(CLIENT).open:
            world.pushes.soon(CLIENT)

    world.moments.meanwhile[begins + written_at] = written
    world.moments.meanwhile[begins + max(looked_at, written_at) + 1] = looked
    world.stream.subscribe(CLIENT, "c1", (), 1)
    world.push_all()
    for late in list(world.moments.meanwhile.values()):
        late()
    world.moments.meanwhile.clear()
    world.push_all()
    assert world.seen(since=1) == 3


@given(
    st.lists(st.integers(0, 5), max_size=60),
    st.integers(0, 3),
    st.booleans(),
)
def test_connecting_while_events_come_is_never_too_late(
    schedule: list[int], since: int, with_since: bool
) -> None:
    """The first connection of the client opens and subscribes while events are written."""
    world = StreamWorld()
    world.happens(3)
    begins: list[int] = []

    def connects() -> None:
        world.stream.open(CLIENT, make_connection())
        wanted = since if with_since else None
        begins.append(world.stream.subscribe(CLIENT, "c1", (), wanted).since or 0)

    fibers = Fibers(world)
    fibers.start(connects)
    for _ in range(3):
        fibers.start(world.happens)
    fibers.run(schedule)
    assert world.seen(begins[0]) == world.version == 6


@pytest.mark.parametrize("call", ["connections.commit", "pushes.soon"])
def test_when_a_worker_dies_the_client_subscribes_again(world: StreamWorld, call: str) -> None:
    world.happens(2)
    world.connect()
    world.moments.after(call)
    with pytest.raises(CrashError):
        world.stream.subscribe(CLIENT, "c1", (), 0)
    assert world.stream.subscribe(CLIENT, "c1", (), 0).since == 0
    world.push_all()
    assert world.seen(since=0) == 2
