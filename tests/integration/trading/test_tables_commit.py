"""Commits to the tables: every entity is stored exactly, all or nothing, and once."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.trading import entities
from tests.integration.trading.books import NAMES, items
from trading.adapters.dynamodb.entities import load_entry
from trading.adapters.dynamodb.tables import TableBooks
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import LedgerEntry
from trading.domain.values import TimeInForce
from trading.usecases.ports import Change, Discharged, StaleError

ENTRIES: list[LedgerEntry] = [
    entities.fill(),
    entities.novation(),
    entities.settlement(),
    entities.trade_break(),
]


def test_orders_accounts_and_positions_are_stored_exactly(books: TableBooks) -> None:
    books.commit(entities.order(), entities.account(), entities.position())
    assert books.order("ord_1") == entities.order().saved()
    assert books.account("alice") == entities.account().saved()
    assert books.position("alice", "AAPL") == entities.position().saved()


def test_an_order_with_few_fields_is_stored_exactly(books: TableBooks) -> None:
    little = entities.order(
        children=(),
        trades=(),
        limit_price=None,
        previous_order_id=None,
        review_reason=None,
        attention_at=None,
    )
    books.commit(little)
    assert books.order("ord_1") == little.saved()


def test_each_kind_of_ledger_entry_is_stored_exactly(books: TableBooks) -> None:
    for entry in ENTRIES:
        books.commit(entry)
    assert books.entries(["trd_1"]) == ENTRIES
    assert books.fill("trd_1") == entities.fill()


def test_a_deposit_is_stored_exactly(books: TableBooks, dynamodb: Any) -> None:
    books.commit(entities.deposit())
    (item,) = items(dynamodb, NAMES.ledger)
    assert load_entry(item) == entities.deposit()


def test_an_obligation_is_stored_exactly(books: TableBooks) -> None:
    books.commit(entities.obligation())
    assert books.obligations("alice", entities.SETTLEMENT_DATE) == [entities.obligation()]


def test_money_is_a_number_in_the_table_and_never_a_float(books: TableBooks, dynamodb: Any) -> None:
    books.commit(entities.account())
    (item,) = items(dynamodb, NAMES.accounts)
    assert item["available"] == entities.EXACT
    assert isinstance(item["available"], Decimal)


def test_an_entity_that_was_never_written_is_new_or_absent(books: TableBooks) -> None:
    assert books.account("nobody") == Account(client_id="nobody")
    assert books.position("nobody", "AAPL") == Position(client_id="nobody", symbol="AAPL")
    assert books.order("ord_none") is None
    assert books.fill("trd_none") is None
    assert books.client("nobody") is None
    assert books.instrument("NONE") is None
    assert books.entries(["trd_none"]) == []


@pytest.mark.parametrize("entity", [entities.order(), entities.account(), entities.position()])
def test_a_version_is_overwritten_once(books: TableBooks, entity: Any) -> None:
    books.commit(entity)
    read = entity.saved()
    books.commit(read)
    with pytest.raises(StaleError):
        books.commit(read)
    with pytest.raises(StaleError):
        books.commit(entity)
    books.commit(read.saved())


@pytest.mark.parametrize("entry", [*ENTRIES, entities.deposit(), entities.obligation()])
def test_an_immutable_entity_is_created_once(books: TableBooks, entry: Any) -> None:
    books.commit(entry)
    with pytest.raises(StaleError):
        books.commit(entry)


@pytest.mark.parametrize(
    "stale",
    [
        lambda: entities.account(version=3),
        lambda: entities.position(version=1),
        lambda: entities.fill(),
        lambda: Discharged(obligation=entities.obligation("trd_2")),
    ],
)
def test_one_stale_change_stops_the_whole_commit(
    books: TableBooks, dynamodb: Any, stale: Callable[[], Change]
) -> None:
    books.commit(entities.fill())
    before = list(items(dynamodb, NAMES.ledger))
    with pytest.raises(StaleError):
        books.commit(entities.order(), stale(), entities.novation("trd_3"))
    assert books.order("ord_1") is None
    assert list(items(dynamodb, NAMES.ledger)) == before
    assert list(items(dynamodb, NAMES.accounts)) == []


def test_an_obligation_is_discharged_once(books: TableBooks) -> None:
    books.commit(entities.obligation(), entities.obligation("trd_2"))
    books.commit(Discharged(obligation=entities.obligation()))
    assert books.obligations("alice", entities.SETTLEMENT_DATE) == [entities.obligation("trd_2")]
    with pytest.raises(StaleError):
        books.commit(Discharged(obligation=entities.obligation()))
    with pytest.raises(StaleError):
        books.commit(Discharged(obligation=entities.obligation()), entities.account())


def open_orders(books: TableBooks) -> list[str]:
    """Everything in the attention index."""
    pages = (books.orders_in(shard, None, 10) for shard in books.attention_shards())
    return [order_id for page, _ in pages for order_id in page]


def test_an_order_at_rest_leaves_the_attention_index(books: TableBooks) -> None:
    books.commit(entities.order(time_in_force=TimeInForce.GTC))
    assert open_orders(books) == ["ord_1"]
    books.commit(entities.order().saved().at_rest())
    assert open_orders(books) == []
