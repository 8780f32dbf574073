"""The books together with profiles, API keys and reference data, for their administration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from trading.adapters.dynamodb.entity_writes import Location, put_of, write_of
from trading.adapters.dynamodb.keys import entry_key, exchange_key, instrument_key
from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.names import TableNames
from trading.adapters.dynamodb.outbox import with_event
from trading.adapters.dynamodb.proposals import proposal_location
from trading.adapters.dynamodb.reads import TableReads
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.dynamodb.transactions import Write, commit
from trading.domain.clients.client import Client
from trading.domain.clients.credentials import CLIENT_AUDIENCE, INTERNAL_AUDIENCE, Credential
from trading.domain.clients.proposals import Proposal
from trading.domain.ledger import BROKER_ACCOUNTS, Deposit, EntryKind, Withdrawal
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import Versioned
from trading.usecases.ports import Change

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FIRST_VERSION = 1
"""Also the version of seeded items, and of those written before they had versions."""

Entity = TypeVar("Entity", bound=Versioned)
Kept = Change | Client | Credential | Proposal | Instrument | Exchange
"""What a transaction of the registry can write."""


class TableRegistry:
    """The port `Registry` over the tables. What the books can do, it leaves to them.

    It reads and writes the API keys of one audience only.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        tables: TableNames,
        credentials_table: str,
        books: TableBooks,
        audience: str = CLIENT_AUDIENCE,
        proposals_table: str = "",
    ) -> None:
        self._client = client
        self._tables = tables
        self._credentials_table = credentials_table
        self._audience = audience
        self._proposals_table = proposals_table
        self._reads = TableReads(client)
        self._clock = books.clock
        self.account = books.account
        self.position = books.position
        self.entries_at = books.entries_at
        self.instrument = books.instrument

    def profile(self, client_id: str) -> Client | None:
        """A client's profile, never from the cache."""
        return self._versioned(self._tables.clients, {"client_id": client_id}, Client)

    def credential(self, api_key: str) -> Credential | None:
        """An API key of this audience."""
        found = self._versioned(self._credentials_table, {"api_key": api_key}, Credential)
        return found if found and found.audience == self._audience else None

    def is_reserved(self, client_id: str) -> bool:
        """Whether an operator, an exchange or an account of the broker has this id."""
        if client_id in BROKER_ACCOUNTS:
            return True
        return self.exchange(client_id) is not None or any(
            self.credential(api_key) is None for api_key in self.api_keys(client_id)
        )

    def api_keys(self, client_id: str) -> Sequence[str]:
        """A client's API keys, from an index."""
        items = self._reads.query(
            self._credentials_table,
            "client_id = :client",
            {":client": client_id},
            index="by-client",
        )
        return [item["api_key"] for item in items]

    def transfer(self, transfer_id: str) -> Deposit | Withdrawal | None:
        """A deposit or a withdrawal."""
        if transfer_id.startswith("dep_"):
            return self._reads.get(
                self._tables.ledger, entry_key(transfer_id, EntryKind.DEPOSIT), Deposit
            )
        return self._reads.get(
            self._tables.ledger, entry_key(transfer_id, EntryKind.WITHDRAWAL), Withdrawal
        )

    def listed(self, symbol: str) -> Instrument | None:
        """An instrument, never from the cache."""
        return self._versioned(self._tables.reference, instrument_key(symbol), Instrument)

    def exchange(self, exchange_id: str) -> Exchange | None:
        """An exchange, never from the cache."""
        return self._versioned(self._tables.reference, exchange_key(exchange_id), Exchange)

    def commit(self, *changes: Kept) -> None:
        """Write all or nothing. Raises StaleError if a condition failed."""
        writes = [self._write(change) for change in changes]
        commit(self._client, with_event(changes, writes, self._clock()))

    def _versioned(self, table: str, key: dict[str, str], model: type[Entity]) -> Entity | None:
        item = self._reads.item(table, key)
        if item is None:
            return None
        return load_entity(model, item | {"version": item.get("version") or FIRST_VERSION})

    def _write(self, change: Kept) -> Write:
        match change:
            case Proposal():
                return put_of(change, proposal_location(change, self._proposals_table))
            case Client():
                location = Location(self._tables.clients, {"client_id": change.client_id})
            case Credential():
                if change.audience != self._audience:
                    raise ValueError(f"{change.api_key} is not for {self._audience}")
                location = Location(self._credentials_table, {"api_key": change.api_key})
            case Instrument():
                location = Location(self._tables.reference, instrument_key(change.symbol))
            case Exchange():
                location = Location(self._tables.reference, exchange_key(change.exchange_id))
            case _:
                return write_of(change, self._tables)
        write = put_of(change, location)
        if change.version != FIRST_VERSION:
            return write
        unversioned = "attribute_not_exists(version) OR version <= :version"
        is_there = f"attribute_exists({next(iter(location.key))})"
        return replace(write, condition=f"{is_there} AND ({unversioned})")


class TableOperators(TableRegistry):
    """The registry of operators: the API keys of the internal API."""

    def __init__(
        self, client: DynamoDBClient, tables: TableNames, credentials_table: str, books: TableBooks
    ) -> None:
        super().__init__(client, tables, credentials_table, books, INTERNAL_AUDIENCE)
