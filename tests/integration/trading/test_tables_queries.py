"""Queries of the tables: obligations, clients due, orders due, and trades in bulk."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.integration.trading import entities
from tests.integration.trading.books import NAMES, put
from trading.adapters.dynamodb.keys import (
    ATTENTION_SHARDS,
    attention_shard,
    due_shards,
    obligation_key,
)
from trading.adapters.dynamodb.tables import TableBooks
from trading.domain import identifiers
from trading.domain.clients.client import Client
from trading.domain.orders.order import Order
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import iso
from trading.usecases.ports import Discharged

FAR_AWAY = entities.NOW + timedelta(days=1000)
MONDAY, TUESDAY, WEDNESDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)


def owe(books: TableBooks, client_id: str, day: date, symbol: str, trade_id: str) -> None:
    books.commit(
        entities.obligation(trade_id, client_id=client_id, settlement_date=day, symbol=symbol)
    )


def test_an_order_under_review_is_listed_until_it_is_reviewed(books: TableBooks) -> None:
    books.commit(entities.order("ord_1", review_reason=None))
    books.commit(entities.order("ord_2", review_reason="OVERFILL"))
    assert books.orders_in_review(100) == ["ord_2"]
    (order,) = books.orders(["ord_2"])
    books.commit(order.reviewed())
    assert books.orders_in_review(100) == []


def test_obligations_due_by_a_date_are_read_oldest_first(books: TableBooks) -> None:
    for number, (day, symbol) in enumerate(
        [
            (WEDNESDAY, "AAPL"),
            (TUESDAY, "MSFT"),
            (TUESDAY, "AAPL"),
            (MONDAY, "KO"),
            (MONDAY, "AAPL"),
        ]
    ):
        owe(books, "alice", day, symbol, f"trd_{number}")
    owe(books, "bob", MONDAY, "AAPL", "trd_bob")
    books.commit(entities.account(), entities.position())

    def due(up_to: date) -> list[str]:
        return [obligation.trade_id for obligation in books.obligations("alice", up_to)]

    assert due(MONDAY - timedelta(days=1)) == []
    assert due(MONDAY) == ["trd_4", "trd_3"]
    assert due(TUESDAY) == ["trd_4", "trd_3", "trd_2", "trd_1"]
    assert due(WEDNESDAY) == ["trd_4", "trd_3", "trd_2", "trd_1", "trd_0"]


def test_obligations_in_a_symbol_have_only_that_symbol_and_date(books: TableBooks) -> None:
    owe(books, "alice", TUESDAY, "A", "trd_1")
    owe(books, "alice", TUESDAY, "A", "trd_2")
    owe(books, "alice", TUESDAY, "AA", "trd_3")
    owe(books, "alice", MONDAY, "A", "trd_4")
    owe(books, "bob", TUESDAY, "A", "trd_5")
    assert {o.trade_id for o in books.obligations_in("alice", TUESDAY, "A")} == {"trd_1", "trd_2"}


def clients_due(books: TableBooks, first: date, last: date, limit: int) -> list[str]:
    """The clients of all pages. None is on a page twice."""
    found: list[str] = []
    after: str | None = None
    while True:
        page, after = books.clients_due(first, last, after, limit)
        assert len(page) == len(set(page)) <= limit
        found += page
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_paging_through_the_clients_due_finds_each_client(books: TableBooks, limit: int) -> None:
    """Some ids begin like others."""
    clients = [f"client{end}" for end in ("", "-1", "-10", "1", "A", "_", "a", "z", "zz")]
    for client_id in clients:
        for number in range(3):
            owe(books, client_id, TUESDAY, "AAPL", f"trd_{client_id}_{number}")
    owe(books, "later", WEDNESDAY, "AAPL", "trd_later")
    owe(books, "earlier", MONDAY, "AAPL", "trd_earlier")
    assert sorted(clients_due(books, TUESDAY, TUESDAY, limit)) == sorted(clients)
    assert sorted(clients_due(books, MONDAY, WEDNESDAY, limit)) == sorted(
        [*clients, "earlier", "later"]
    )
    assert books.number_due(TUESDAY, TUESDAY) == 27
    assert books.number_due(MONDAY, WEDNESDAY) == 29
    assert books.due_since(MONDAY, WEDNESDAY) == MONDAY
    assert books.due_since(TUESDAY, WEDNESDAY) == TUESDAY
    assert books.due_since(MONDAY - timedelta(days=9), MONDAY - timedelta(days=1)) is None


def test_a_client_with_obligations_of_two_dates_is_found(books: TableBooks) -> None:
    for day in (MONDAY, WEDNESDAY):
        owe(books, "alice", day, "AAPL", f"trd_{day}")
    assert set(clients_due(books, MONDAY, WEDNESDAY, 1)) == {"alice"}
    assert clients_due(books, MONDAY, WEDNESDAY, 2) == ["alice"]


def test_pages_of_the_index_are_followed(books: TableBooks, dynamodb: Any) -> None:
    """DynamoDB ends a page after a megabyte. Here it ends a page after every item."""
    for number in range(4):
        owe(books, f"client-{number}", TUESDAY, "AAPL", f"trd_{number}")
    dynamodb.meta.events.register(
        "provide-client-params.dynamodb.Query", lambda params, **_: params | {"Limit": 1}
    )
    found, end = books.clients_due(TUESDAY, TUESDAY, None, 10)
    assert (sorted(found), end) == ([f"client-{number}" for number in range(4)], None)
    assert books.number_due(TUESDAY, TUESDAY) == 4


def owed_since_an_earlier_release(
    dynamodb: Any, client_id: str, day: date, symbol: str, trade_id: str
) -> None:
    """An obligation in the index of releases without shards, which wrote its date."""
    owed = entities.obligation(trade_id, client_id=client_id, settlement_date=day, symbol=symbol)
    key = obligation_key(client_id, day, symbol, trade_id)
    put(dynamodb, NAMES.accounts, owed.model_dump() | key | {"due_date": day.isoformat()})


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10])
def test_obligations_of_earlier_releases_are_found_until_they_settle(
    books: TableBooks, dynamodb: Any, limit: int
) -> None:
    for client_id in ("alice", "bob", "carol"):
        owed_since_an_earlier_release(dynamodb, client_id, TUESDAY, "AAPL", f"trd_{client_id}")
    for client_id in ("bob", "dave"):
        owe(books, client_id, WEDNESDAY, "MSFT", f"trd_new_{client_id}")
    assert set(clients_due(books, MONDAY, WEDNESDAY, limit)) == {"alice", "bob", "carol", "dave"}
    assert books.number_due(MONDAY, WEDNESDAY) == 5
    assert books.due_since(MONDAY, WEDNESDAY) == TUESDAY
    for client_id in ("alice", "bob", "carol"):
        for owed in books.obligations(client_id, TUESDAY):
            books.commit(Discharged(obligation=owed))
    assert books.number_due(MONDAY, WEDNESDAY) == 2
    assert books.due_since(MONDAY, WEDNESDAY) == WEDNESDAY
    assert sorted(clients_due(books, MONDAY, WEDNESDAY, limit)) == ["bob", "dave"]


def test_a_cursor_of_an_earlier_release_continues_after_its_client(
    books: TableBooks, dynamodb: Any
) -> None:
    """It named a date and the last client of it, or a date that is to begin."""
    for day in (MONDAY, TUESDAY):
        for client_id in ("alice", "bob"):
            owed_since_an_earlier_release(dynamodb, client_id, day, "AAPL", f"trd_{client_id}{day}")
    owe(books, "carol", MONDAY, "MSFT", "trd_new")
    for cursor, expected in (
        (f"{TUESDAY}#alice", ["bob", "carol"]),
        (f"{TUESDAY}#", ["alice", "bob", "carol"]),
        (f"{WEDNESDAY}#", ["carol"]),
    ):
        assert books.clients_due(MONDAY, TUESDAY, cursor, 9) == (expected, None)


def test_obligations_are_in_several_partitions(books: TableBooks, dynamodb: Any) -> None:
    for number in range(40):
        owe(books, f"client-{number}", TUESDAY, "AAPL", f"trd_{number}")
    items = dynamodb.scan(TableName=NAMES.accounts, IndexName="due-by-shard")["Items"]
    partitions = [item["due_shard"]["S"] for item in items]
    assert set(partitions) == set(due_shards())
    assert max(map(partitions.count, partitions)) < 40 / 2
    assert dynamodb.scan(TableName=NAMES.accounts, IndexName="obligations-due")["Count"] == 0


def open_orders(books: TableBooks, count: int) -> list[Order]:
    """Orders over all shards, each due one second after the previous one."""
    orders = [
        entities.order(f"ord_{number}", attention_at=entities.NOW + timedelta(seconds=number))
        for number in range(count)
    ]
    for order in orders:
        books.commit(order)
    assert {attention_shard(order.order_id) for order in orders} == set(
        map(str, range(ATTENTION_SHARDS))
    )
    return orders


def test_the_due_orders_of_one_shard_can_be_read(books: TableBooks) -> None:
    orders = open_orders(books, 24)
    later = entities.NOW + timedelta(hours=1)
    each = [books.orders_due(later, 500, str(shard)) for shard in range(ATTENTION_SHARDS)]
    assert sorted(order_id for due in each for order_id in due) == sorted(
        order.order_id for order in orders
    )
    assert all(
        attention_shard(order_id) == str(n) for n, due in enumerate(each) for order_id in due
    )
    assert [len(books.orders_due(later, 2, str(n))) for n, due in enumerate(each)] == [
        min(len(d), 2) for d in each
    ]


def test_orders_due_come_from_every_shard(books: TableBooks) -> None:
    orders = open_orders(books, 24)
    books.commit(entities.order("ord_at_rest", attention_at=None))
    due = books.orders_due(entities.NOW + timedelta(seconds=11), 500)
    assert sorted(due) == sorted(order.order_id for order in orders[:12])
    assert books.orders_due(entities.NOW - timedelta(microseconds=1), 500) == []


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_the_open_orders_of_a_shard_come_in_pages(books: TableBooks, limit: int) -> None:
    """Some of them are due at the same time."""
    orders = open_orders(books, 24)
    for number in range(8):
        books.commit(entities.order(f"ord_same_{number}", attention_at=entities.NOW))
    books.commit(entities.order("ord_at_rest", attention_at=None))
    found: list[str] = []
    for shard in books.attention_shards():
        after: str | None = None
        while True:
            page, after = books.orders_in(shard, after, limit)
            assert len(page) <= limit
            assert {attention_shard(order_id) for order_id in page} <= {shard}
            found += page
            if after is None:
                break
    assert sorted(found) == sorted(
        [order.order_id for order in orders] + [f"ord_same_{number}" for number in range(8)]
    )


def test_a_page_of_open_orders_goes_on_although_its_last_order_is_gone(books: TableBooks) -> None:
    orders = open_orders(books, 24)
    shard = attention_shard(orders[0].order_id)
    mine = [order.order_id for order in orders if attention_shard(order.order_id) == shard]
    page, after = books.orders_in(shard, None, 2)
    assert page == mine[:2]
    (last,) = books.orders([mine[1]])
    books.commit(last.at_rest())
    assert books.orders_in(shard, after, 100) == (mine[2:], None)


def test_a_sweep_reads_the_longest_overdue_orders_of_each_shard(books: TableBooks) -> None:
    orders = open_orders(books, 24)
    due = books.orders_due(entities.NOW + timedelta(hours=1), ATTENTION_SHARDS)
    oldest: dict[str, str] = {}
    for order in orders:
        oldest.setdefault(attention_shard(order.order_id), order.order_id)
    assert due == [oldest[shard] for shard in sorted(oldest)]


def test_an_order_is_postponed_unless_it_has_changed(books: TableBooks) -> None:
    books.commit(entities.order())
    read = entities.order().saved()
    later = entities.NOW + timedelta(minutes=1)
    books.postpone(read, later)
    assert books.orders_due(entities.NOW, 500) == []
    assert books.orders_due(later, 500) == ["ord_1"]
    books.commit(read.at_rest())
    books.postpone(read, later)
    assert books.orders_due(FAR_AWAY, 500) == []
    assert books.order("ord_1") == read.at_rest().saved()


def test_entries_of_many_trades_are_read_in_the_requested_order(
    books: TableBooks,
) -> None:
    ids = [f"trd_{number:03}" for number in range(60)]
    for trade_id in ids:
        books.commit(entities.fill(trade_id))
    asked = ids[::-1]
    assert [entry.trade_id for entry in books.entries(asked)] == asked


@pytest.mark.parametrize("trade_id", ["trd_1", identifiers.reversal_id("trd_1")])
def test_a_break_is_read_with_its_trade_or_its_reversal(books: TableBooks, trade_id: str) -> None:
    """Whoever records a mismatch looks here whether it is recorded."""
    kept = [entities.settlement(trade_id), entities.trade_break(trade_id)]
    books.commit(*kept)
    assert books.entries([trade_id]) == kept


def test_keys_that_dynamodb_leaves_unprocessed_are_requested_again(
    books: TableBooks, dynamodb: Any
) -> None:
    ids = [f"trd_{number}" for number in range(7)]
    for trade_id in ids:
        books.commit(entities.fill(trade_id), entities.novation(trade_id))
    calls: list[int] = []

    def leave_most(parsed: dict[str, Any], **_: Any) -> None:
        found = parsed["Responses"][NAMES.ledger]
        calls.append(len(found))
        kept, left = found[:3], found[3:]
        parsed["Responses"][NAMES.ledger] = kept
        if left:
            keys = [{"trade_id": item["trade_id"], "kind": item["kind"]} for item in left]
            parsed["UnprocessedKeys"] = {NAMES.ledger: {"Keys": keys, "ConsistentRead": True}}

    dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", leave_most)
    entries = books.entries(ids)
    assert [(entry.trade_id, entry.kind) for entry in entries] == [
        (trade_id, kind) for trade_id in ids for kind in ("FILL", "NOVATION")
    ]
    assert calls == [14, 11, 8, 5, 2]


def test_reference_data_and_clients_are_cached_for_ten_seconds(
    books: TableBooks, dynamodb: Any, clock: Clock
) -> None:
    def write(name: str) -> None:
        client = Client(
            client_id="alice", name=name, daily_trading_limit="1000.00", settlement_account="csd-1"
        )
        instrument = Instrument(symbol="AAPL", name=name, reference_price="228.50")
        exchange = Exchange(exchange_id="XNYS", name=name, fee_per_share="0.0030")
        put(dynamodb, NAMES.clients, client.model_dump())
        put(
            dynamodb,
            NAMES.reference,
            {"kind": "INSTRUMENT", "id": "AAPL", **instrument.model_dump()},
        )
        put(dynamodb, NAMES.reference, {"kind": "EXCHANGE", "id": "XNYS", **exchange.model_dump()})

    def read() -> list[str]:
        client, instrument = books.client("alice"), books.instrument("AAPL")
        assert client
        assert instrument
        return [client.name, instrument.name, *(exchange.name for exchange in books.exchanges())]

    write("old")
    assert read() == ["old", "old", "old"]
    write("new")
    clock.forward(seconds=9)
    assert read() == ["old", "old", "old"]
    clock.forward(seconds=2)
    assert read() == ["new", "new", "new"]


def test_times_in_the_index_sort_as_text() -> None:
    moments = [
        entities.NOW.replace(microsecond=0) + timedelta(microseconds=n)
        for n in (0, 1, 999_999, 1_000_000)
    ]
    assert sorted(map(iso, moments)) == [iso(moment) for moment in moments]
