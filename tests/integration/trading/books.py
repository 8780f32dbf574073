"""Builds, fills and reads the books over mocked tables."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from local.demo import DEMO_CLIENTS
from simulators.reference import ListedExchange, ListedInstrument
from tests.integration.backing import PREFIX
from trading.adapters.dynamodb.reconciliation_reader import TableReader
from trading.adapters.dynamodb.registry import TableRegistry
from trading.adapters.dynamodb.tables import TableBooks, TableNames
from trading.adapters.dynamodb.transactions import from_item, to_item
from trading.domain.accounts import transfers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.reconciliation.checks import check
from trading.domain.reconciliation.findings import Finding
from trading.domain.reconciliation.snapshot import Snapshot
from trading.domain.reference.instruments import Exchange, Instrument

NAMES = TableNames(**{name: PREFIX + name for name in TableNames.__dataclass_fields__})


def table_books(client: Any, now: Callable[[], datetime]) -> TableBooks:
    """The books as a function that starts cold builds them."""
    return TableBooks(client, NAMES, now)


def put(client: Any, table: str, attributes: dict[str, Any]) -> None:
    """Put an item as it is."""
    client.put_item(TableName=table, Item=to_item(attributes))


def items(client: Any, table: str) -> Iterator[dict[str, Any]]:
    """Every item of a table."""
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from map(from_item, page["Items"])


def add_reference_data(
    client: Any,
    books: TableBooks,
    instruments: Iterable[ListedInstrument],
    exchanges: Iterable[ListedExchange],
    now: datetime,
) -> None:
    """Add instruments, exchanges, and the demo's clients with their opening deposits."""
    registry = TableRegistry(client, NAMES, f"{PREFIX}credentials", books)
    for listed in instruments:
        instrument = Instrument(
            symbol=listed.symbol,
            name=listed.name,
            reference_price=listed.reference_price,
            trading_hours=listed.trading_hours,
        )
        registry.commit(instrument)
    for venue in exchanges:
        exchange = Exchange(
            exchange_id=venue.exchange_id, name=venue.name, fee_per_share=venue.fee_per_share
        )
        registry.commit(exchange)
    for demo in DEMO_CLIENTS:
        put(client, NAMES.clients, demo.client.model_dump())
        client_id = demo.client.client_id
        account = Account(client_id=client_id, credit_available=demo.client.credit_limit)
        books.commit(*transfers.deposit_cash(account, demo.cash, "opening", now))
        for symbol, (quantity, cost) in demo.shares.items():
            position = Position(client_id=client_id, symbol=symbol)
            books.commit(
                *transfers.deposit_shares(position, quantity, cost, f"opening-{symbol}", now)
            )


def books_reader(client: Any) -> TableReader:
    """The reader of tables that the reconciliation uses."""
    return TableReader(client, accounts=NAMES.accounts, orders=NAMES.orders, ledger=NAMES.ledger)


def all_findings(client: Any) -> list[Finding]:
    """Every violation of the invariants, over all tables."""
    pages = books_reader(client).pages(consistent=True)
    return check(Snapshot.of(entity for page in pages for entity in page.entities))
