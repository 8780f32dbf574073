"""The stream of events in memory: connections, sockets and pushes. Fibers interleave what uses
them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from greenlet import getcurrent, greenlet

from tests.fakes.books import MemoryBooks
from tests.fakes.builders import NOW
from tests.fakes.clock import Clock
from tests.fakes.events import MemoryEventLog, make_event
from tests.fakes.faults import CrashError, Faults, faulty
from trading.domain.accounts.cash import Account
from trading.domain.connections import Connection, Connections, Ending
from trading.domain.deadline import NEVER, Deadline
from trading.domain.events import Event, Topic
from trading.usecases.accounts.follow_events import FollowEvents
from trading.usecases.ports import SocketFailedError, SocketGoneError, StaleError
from trading.usecases.streaming.connect import Stream
from trading.usecases.streaming.push_events import FAILED_AGAIN, PushEvents

CLIENT = "alice"
TOKEN_LIFE = timedelta(minutes=15)


class Moments(Faults):
    """Faults of the ports, and what others do in between. `meanwhile`: what happens just before the
    call of that number. `pause` is called before each call.
    """

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: dict[int, Callable[[], object]] = {}
        self.pause: Callable[[], None] = lambda: None

    def around(self, name: str, effect: Callable[[], Any]) -> Any:
        self.pause()
        if happens := self.meanwhile.pop(len(self.calls) + 1, None):
            happens()
        return super().around(name, effect)


class MemoryConnections:
    """The port `ConnectionTable`. It counts its `writes`."""

    port = "connections"

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.items: dict[str, Connections] = {}
        self.writes = 0

    @faulty
    def of(self, client_id: str) -> Connections:
        return self.items.get(client_id, Connections(client_id=client_id))

    @faulty
    def commit(self, connections: Connections) -> None:
        stored = self.items.get(connections.client_id)
        if connections.version != (stored.version if stored else 0):
            raise StaleError
        self.items[connections.client_id] = connections.saved()
        self.writes += 1


class FakeSockets:
    """The port `Sockets`, and what arrived: by connection, the sequences and the `since` of each
    message, and of which of its `subscriptions` each message was.
    """

    port = "sockets"

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.messages: dict[str, list[tuple[list[int], int]]] = {}
        self.subscriptions: dict[str, list[int]] = {}
        self.events: dict[str, list[Event]] = {}
        self.closed: dict[str, Ending] = {}
        self.gone: set[str] = set()
        self.failing: set[str] = set()

    @faulty
    def tell(self, connection: Connection, events: Sequence[Event], since: int) -> None:
        connection_id = connection.connection_id
        self._reach(connection_id)
        told = [event.sequence for event in events]
        self.messages.setdefault(connection_id, []).append((told, since))
        self.subscriptions.setdefault(connection_id, []).append(connection.subscription)
        self.events.setdefault(connection_id, []).extend(events)

    @faulty
    def close(self, connection_id: str, why: Ending) -> None:
        self._reach(connection_id)
        self.closed[connection_id] = why

    def _reach(self, connection_id: str) -> None:
        if connection_id in self.gone or connection_id in self.closed:
            raise SocketGoneError
        if connection_id in self.failing:
            raise SocketFailedError


class FakePushes:
    """The port `Pushes`. `asked`: pushes that were asked for and did not begin. `later`: those for
    a later time.
    """

    port = "pushes"

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.asked: list[str] = []
        self.later: list[tuple[str, datetime]] = []

    @faulty
    def soon(self, client_id: str) -> None:
        self.asked.append(client_id)

    @faulty
    def at(self, client_id: str, moment: datetime) -> None:
        self.later.append((client_id, moment))


class FakeGenerations:
    """The port `TokenGenerations`. `known`: the first generation that has not ended."""

    port = "tokens"

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.known: dict[str, int] = {}

    @faulty
    def current(self, api_keys: Collection[str]) -> Mapping[str, int]:
        return {each: self.known[each] for each in api_keys if each in self.known}


class LogWithFaults(MemoryEventLog):
    """The log of events, whose calls count and can fail."""

    port = "log"

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    @faulty
    def add(self, *events: Event) -> None:
        super().add(*events)

    @faulty
    def after(self, client_id: str, sequence: int, limit: int) -> Sequence[Event]:
        return super().after(client_id, sequence, limit)

    @faulty
    def before(self, client_id: str, sequence: int) -> int | None:
        return super().before(client_id, sequence)


def make_connection(connection_id: str = "c1", **changes: Any) -> Connection:
    """A connection that has not subscribed."""
    made = {"api_key": "key-alice", "generation": 0, "expires_at": NOW + TOKEN_LIFE}
    return Connection(
        **{"connection_id": connection_id, "sees_orders": True, **made, **changes}  # type: ignore[arg-type]
    )


class StreamWorld:
    """The use cases of the stream for one client, over ports in memory. `again`: the pushes that a
    push asks for, because it did not tell everything.
    """

    def __init__(self) -> None:
        self.moments = Moments()
        self.clock = Clock()
        self.clock.now = NOW
        self.books = MemoryBooks()
        self.log = LogWithFaults(self.moments)
        self.connections = MemoryConnections(self.moments)
        self.sockets = FakeSockets(self.moments)
        self.pushes = FakePushes(self.moments)
        self.again = FakePushes(self.moments)
        self.tokens = FakeGenerations(self.moments)
        self.follow = FollowEvents(
            self.log, self.books, self.clock, lambda seconds: self.clock.forward(seconds=seconds)
        )
        self.stream = Stream(self.connections, self.follow, self.pushes, self.clock)
        self.push_events = PushEvents(
            self.connections, self.log, self.sockets, self.tokens, self.again, self.clock
        )

    @property
    def version(self) -> int:
        """The sequence of the account's last event."""
        return self.books.account(CLIENT).version

    @property
    def open(self) -> dict[str, Connection]:
        """The connections as they are stored, by their ids."""
        stored = self.connections.items.get(CLIENT)
        return {each.connection_id: each for each in stored.open} if stored else {}

    def connect(
        self,
        connection_id: str = "c1",
        since: int | None = None,
        topics: tuple[Topic, ...] = (),
        **changes: Any,
    ) -> None:
        """Open a connection. With `since`, it subscribes. The push is only asked for."""
        self.stream.open(CLIENT, make_connection(connection_id, **changes))
        if since is not None:
            self.stream.subscribe(CLIENT, connection_id, topics, since)

    def commits(self) -> int:
        """A transaction of the account, whose event is under way."""
        sequence = self.version + 1
        self.books.items["account", CLIENT] = Account(client_id=CLIENT, version=sequence)
        return sequence

    def logs(self, *events: Event) -> None:
        """What the writer of the log does with events."""
        self.log.add(*events)
        if self.connections.of(CLIENT).open:
            self.pushes.soon(CLIENT)

    def happens(self, times: int = 1, ago: timedelta = timedelta()) -> None:
        """Transactions, whose events are logged."""
        for _ in range(times):
            self.logs(make_event(self.commits(), CLIENT, self.clock() - ago))

    def push(self, deadline: Deadline = NEVER) -> bool:
        """A push. Returns whether everything is told, so that it asked for no other one."""
        self.push_events(CLIENT, deadline)
        is_done = not (self.again.asked or self.again.later)
        self.again.asked.clear()
        self.again.later.clear()
        return is_done

    def push_all(self) -> None:
        """All the pushes that were asked for."""
        while self.pushes.asked:
            self.push_events(self.pushes.asked.pop(0), NEVER)

    def told(self, connection_id: str = "c1") -> list[int]:
        """The sequences that a connection got, in order of arrival."""
        return [n for told, _ in self.sockets.messages.get(connection_id, ()) for n in told]

    def seen(self, since: int, connection_id: str = "c1", subscription: int | None = None) -> int:
        """How far a client has come that followed from `since`. It leaves out what it has seen.
        With `subscription`, it leaves out the messages of others too.

        Raises AssertionError if an event came before the one that precedes it.
        """
        seen = since
        numbers = self.sockets.subscriptions.get(connection_id, ())
        messages = self.sockets.messages.get(connection_id, ())
        for number, (told, until) in zip(numbers, messages, strict=True):
            if subscription not in (None, number):
                continue
            assert told == sorted(told)
            for sequence in told:
                assert sequence <= seen + 1, f"{sequence} after {seen}"
                seen = max(seen, sequence)
            assert until <= seen, f"the client goes on at {until} and has {seen}"
        return seen


class Fibers:
    """Processes that stop before each call of a port. A schedule says which one goes on. A push
    that is asked for because a message failed comes when all others have ended.
    """

    def __init__(self, world: StreamWorld) -> None:
        self._world = world
        self._waiting: list[tuple[greenlet, Callable[[], object]]] = []
        world.moments.pause = self._pause

    def start(self, work: Callable[[], object]) -> None:
        """A process. If it is killed or its message fails, it begins again."""
        self._waiting.append((greenlet(lambda: self._run(work)), work))

    def run(self, schedule: Iterable[int], kills: Collection[int] = ()) -> None:
        """Run all processes to their ends, and each push that they ask for. `kills`: the steps at
        which the chosen process is killed, if it has begun.
        """
        choices = iter(schedule)
        step = 0
        pushes, again = self._world.pushes, self._world.again
        while self._waiting or pushes.asked or again.later:
            while pushes.asked:
                pushes.asked.pop()
                self.start(self._push)
            if not self._waiting:
                assert again.later.pop() == (CLIENT, self._world.clock() + FAILED_AGAIN)
                self.start(self._push)
            fiber, work = self._waiting[next(choices, 0) % len(self._waiting)]
            is_killed = step in kills and bool(fiber)
            fails = fiber.throw(CrashError("killed")) if is_killed else fiber.switch()
            if fiber.dead:
                self._waiting.remove((fiber, work))
                if fails:
                    self.start(work)
            step += 1

    def _push(self) -> None:
        self._world.push_events(CLIENT, NEVER)

    @staticmethod
    def _run(work: Callable[[], object]) -> bool:
        """Returns whether the work must begin again."""
        try:
            work()
        except (CrashError, StaleError):
            return True
        return False

    @staticmethod
    def _pause() -> None:
        if (parent := getcurrent().parent) is not None:
            parent.switch(False)
