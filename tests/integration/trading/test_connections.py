"""The open connections of clients in their table, and the ended tokens as a push reads them."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.fakes.clock import Clock
from tests.fakes.events import make_event
from tests.fakes.stream import TOKEN_LIFE, make_connection
from tests.integration.backing import PREFIX
from tests.integration.trading.books import items, put
from trading.adapters.dynamodb.connections import TableConnections
from trading.adapters.dynamodb.event_log import Look, WritableEventLog
from trading.adapters.http.ended_tokens import TableEndedTokens
from trading.adapters.http.throttle import Throttle
from trading.domain.clients.credentials import LONGEST_TOKEN
from trading.domain.connections import KEPT_AFTER, MOST_CONNECTIONS, Connections, Ending
from trading.domain.events import Topic
from trading.usecases.ports import StaleError

TABLE, CONTROL, EVENTS = f"{PREFIX}connections", f"{PREFIX}control", f"{PREFIX}events"


@pytest.fixture
def table(dynamodb: Any, clock: Clock) -> TableConnections:
    return TableConnections(dynamodb, TABLE, clock)


def full(clock: Clock) -> Connections:
    """Connections in all states."""
    token = clock() + TOKEN_LIFE
    first = make_connection("c1", expires_at=token, sees_orders=False, generation=4)
    second = make_connection("c2", expires_at=token).subscribed((Topic.ORDERS, Topic.TRADES), 0)
    third = make_connection("c3", expires_at=token - timedelta(seconds=1)).subscribed((), 41)
    state = Connections(client_id="alice")
    for each in (first, second, third.not_reached().ended(Ending.UNREACHABLE)):
        state = state.opened(each)
    return state


def look(dynamodb: Any, clock: Clock, *clients: str) -> Look:
    return WritableEventLog(dynamodb, EVENTS, TABLE, clock).look([], clients)


def test_connections_are_stored_exactly(table: TableConnections, clock: Clock) -> None:
    state = full(clock)
    table.commit(state)
    assert table.of("alice") == state.saved()
    changed = table.of("alice").without("c2")
    table.commit(changed)
    assert table.of("alice") == changed.saved()


def test_a_client_without_connections_has_none(table: TableConnections) -> None:
    assert table.of("nobody") == Connections(client_id="nobody")


def test_of_two_who_read_the_same_connections_one_writes(
    table: TableConnections, clock: Clock
) -> None:
    state = full(clock)
    table.commit(state)
    with pytest.raises(StaleError):
        table.commit(state.without("c1"))
    first = second = table.of("alice")
    table.commit(first.without("c1"))
    with pytest.raises(StaleError):
        table.commit(second.without("c2"))
    assert [each.connection_id for each in table.of("alice").open] == ["c2", "c3"]


def test_the_item_stays_until_after_the_last_token(
    table: TableConnections, dynamodb: Any, clock: Clock
) -> None:
    table.commit(full(clock))
    (item,) = items(dynamodb, TABLE)
    assert item["expires_at"] == int((clock() + TOKEN_LIFE + KEPT_AFTER).timestamp())


def test_an_emptied_item_stays_and_stops_who_read_it_before(
    table: TableConnections, dynamodb: Any, clock: Clock
) -> None:
    """A push that began before must not write over what a new connection writes."""
    table.commit(full(clock))
    slow = table.of("alice")
    table.commit(slow.without("c1", "c2", "c3"))
    (item,) = items(dynamodb, TABLE)
    assert item["expires_at"] == int((clock() + KEPT_AFTER).timestamp())
    assert table.of("alice") == Connections(client_id="alice", version=2)
    table.commit(table.of("alice").opened(make_connection("new")))
    with pytest.raises(StaleError):
        table.commit(slow)
    assert [each.connection_id for each in table.of("alice").open] == ["new"]


def test_an_item_that_has_expired_begins_anew(
    table: TableConnections, dynamodb: Any, clock: Clock
) -> None:
    table.commit(full(clock))
    slow = table.of("alice")
    dynamodb.delete_item(TableName=TABLE, Key={"client_id": {"S": "alice"}})
    with pytest.raises(StaleError):
        table.commit(slow)
    table.commit(table.of("alice").opened(make_connection("new")))
    assert table.of("alice").version == 1


def test_attributes_of_a_later_release_are_left_out(
    table: TableConnections, dynamodb: Any, clock: Clock
) -> None:
    table.commit(full(clock))
    (item,) = items(dynamodb, TABLE)
    put(dynamodb, TABLE, item | {"later": "x"})
    assert table.of("alice") == full(clock).saved()


def test_the_largest_item_is_far_below_what_a_table_takes(
    table: TableConnections, dynamodb: Any, clock: Clock
) -> None:
    state = Connections(client_id="alice")
    for number in range(MOST_CONNECTIONS):
        connection = make_connection(f"{number}" * 16, expires_at=clock() + TOKEN_LIFE)
        state = state.opened(connection.subscribed(tuple(Topic), 10**12))
    table.commit(state)
    assert len(str(dynamodb.get_item(TableName=TABLE, Key={"client_id": {"S": "alice"}}))) < 16_000


# --- what the writer of the log sees of them


def test_only_clients_with_open_connections_are_connected(
    table: TableConnections, dynamodb: Any, clock: Clock
) -> None:
    table.commit(full(clock))
    bob = Connections(client_id="bob").opened(make_connection())
    table.commit(bob)
    table.commit(table.of("bob").without("c1"))
    found = look(dynamodb, clock, "alice", "bob", "carol")
    assert found == Look(connected=frozenset({"alice"}))


def test_missing_events_and_connected_clients_are_read_at_once(
    table: TableConnections, dynamodb: Any, clock: Clock
) -> None:
    table.commit(full(clock))
    log = WritableEventLog(dynamodb, EVENTS, TABLE, clock)
    assert log.write([make_event(2), make_event(1, "bob")]) == set()
    keys = [("alice", 0), ("alice", 1), ("alice", 2), ("bob", 1)]
    assert log.look(keys, ["bob", "alice"]) == Look(
        missing=frozenset({("alice", 1)}), connected=frozenset({"alice"})
    )
    assert log.look(keys, []) == Look(missing=frozenset({("alice", 1)}))
    assert log.look([], []) == Look()


# --- tokens that ended


def test_a_push_learns_of_tokens_that_ended_as_a_request_does(dynamodb: Any, clock: Clock) -> None:
    ended = TableEndedTokens(dynamodb, CONTROL, clock)
    keys = frozenset({"key-1", "key-2", "key-3"})
    assert ended.current(keys) == {}
    ended.end_before("key-1", 2)
    ended.end_before("key-2", 7)
    assert ended.current(keys) == {"key-1": 2, "key-2": 7}
    assert ended.current({"key-3"}) == {}


def test_what_ended_is_known_as_long_as_a_token_could_be_used(dynamodb: Any, clock: Clock) -> None:
    ended = TableEndedTokens(dynamodb, CONTROL, clock)
    ended.end_before("key-1", 2)
    until = clock() + LONGEST_TOKEN
    while clock() <= until:
        assert ended.current(["key-1"]) == {"key-1": 2}, clock()
        clock.forward(minutes=7)


def test_a_key_whose_requests_are_only_counted_has_no_ended_tokens(
    dynamodb: Any, clock: Clock
) -> None:
    Throttle(dynamodb, CONTROL, clock, limit=9, window_seconds=10).take("key-1", 0)
    assert TableEndedTokens(dynamodb, CONTROL, clock).current(["key-1"]) == {}


@pytest.mark.parametrize("table_name", [CONTROL, f"{PREFIX}no-such-table"])
def test_when_the_table_does_not_answer_no_token_has_ended(
    dynamodb: Any, clock: Clock, table_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at a request: a rate limit must not stop trading."""
    TableEndedTokens(dynamodb, CONTROL, clock).end_before("key-1", 2)
    if table_name == CONTROL:

        def no_answer(**_: object) -> None:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")

        monkeypatch.setattr(dynamodb, "batch_get_item", no_answer)
    assert TableEndedTokens(dynamodb, table_name, clock).current(["key-1"]) == {}
