"""The books, in DynamoDB: all tables behind one object. An entity is one item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading.adapters.dynamodb.accounts import TableAccounts
from trading.adapters.dynamodb.attention import TableAttentionIndex
from trading.adapters.dynamodb.entity_writes import write_of
from trading.adapters.dynamodb.ledger import TableLedger
from trading.adapters.dynamodb.names import TableNames
from trading.adapters.dynamodb.obligations import TableObligations
from trading.adapters.dynamodb.orders import TableOrders
from trading.adapters.dynamodb.outbox import with_event
from trading.adapters.dynamodb.reads import TableReads
from trading.adapters.dynamodb.reference_data import TableReferenceData
from trading.adapters.dynamodb.transactions import commit
from trading.usecases.ports import Change, Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["TableBooks", "TableNames"]


class TableBooks:
    """All ports of `trading.usecases.ports.books`. Each method is that of the part that has it."""

    def __init__(self, client: DynamoDBClient, tables: TableNames, clock: Clock) -> None:
        self._client = client
        self._tables = tables
        self.clock = clock
        reads = TableReads(client)
        reference = TableReferenceData(reads, tables, clock)
        self.client = reference.client
        self.instrument = reference.instrument
        self.exchanges = reference.exchanges
        accounts = TableAccounts(reads, tables.accounts)
        self.account = accounts.account
        self.position = accounts.position
        self.positions = accounts.positions
        orders = TableOrders(reads, tables.orders)
        self.order = orders.order
        self.orders = orders.orders
        self.orders_of = orders.orders_of
        attention = TableAttentionIndex(client, reads, tables.orders)
        self.orders_due = attention.orders_due
        self.attention_shards = attention.attention_shards
        self.orders_in = attention.orders_in
        self.orders_in_review = attention.orders_in_review
        self.postpone = attention.postpone
        ledger = TableLedger(reads, tables.ledger)
        self.fill = ledger.fill
        self.entries = ledger.entries
        self.entries_at = ledger.entries_at
        self.movements = ledger.movements
        obligations = TableObligations(reads, tables.accounts)
        self.obligations = obligations.obligations
        self.obligations_in = obligations.obligations_in
        self.clients_due = obligations.clients_due
        self.due_since = obligations.due_since
        self.number_due = obligations.number_due

    def commit(self, *changes: Change) -> None:
        """Write all or nothing. Raises StaleError if a condition failed.

        Conditions: a version has not moved on, a new item does not exist, a discharged one does.
        """
        writes = [write_of(change, self._tables) for change in changes]
        commit(self._client, with_event(changes, writes, self.clock()))
