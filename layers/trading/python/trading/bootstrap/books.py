"""The books, and last prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading.adapters.dynamodb.prices import TableLastPrices
from trading.adapters.dynamodb.tables import TableBooks, TableNames
from trading.adapters.runtime import clock
from trading.bootstrap import clients
from trading.bootstrap.settings import BooksSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def table_names(settings: BooksSettings) -> TableNames:
    return TableNames(
        accounts=settings.accounts_table,
        clients=settings.clients_table,
        ledger=settings.ledger_table,
        orders=settings.orders_table,
        reference=settings.reference_table,
    )


def table_books(settings: BooksSettings, dynamodb: DynamoDBClient | None = None) -> TableBooks:
    """The books, over a client of their own unless the function shares one."""
    return TableBooks(dynamodb or clients.dynamodb(), table_names(settings), clock.now)


def last_prices(control_table: str) -> TableLastPrices:
    """The last price of each symbol. Functions do without one, or ask the caller to try again."""
    return TableLastPrices(clients.dispensable_dynamodb(), control_table, clock.now)
