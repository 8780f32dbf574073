"""The books together with the clients' API keys, for those who administer both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from trading.adapters.dynamodb.entities import load_entity
from trading.adapters.dynamodb.tables import TableBooks, TableNames
from trading.adapters.dynamodb.transactions import Write, commit, from_item, to_item
from trading.domain.accounts.cash import Account, Position
from trading.domain.clients.client import Client
from trading.domain.clients.credentials import Credential
from trading.domain.ledger import Deposit, Entry, EntryKind, Withdrawal
from trading.domain.orders.order import Order
from trading.domain.posttrade.clearing import Obligation
from trading.domain.reference.instruments import Instrument
from trading.usecases.ports import Change, Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FIRST_VERSION = 1
"""Of what was seeded, or written before profiles and API keys had versions, too."""


class TableRegistry(TableBooks):
    """The port `Registry` over the tables."""

    def __init__(
        self, client: DynamoDBClient, tables: TableNames, credentials_table: str, clock: Clock
    ) -> None:
        super().__init__(client, tables, clock)
        self._credentials_table = credentials_table

    def profile(self, client_id: str) -> Client | None:
        """A client's profile as it stands."""
        found = self._get(self._tables.clients, {"client_id": client_id}, Client)
        return found and found.model_copy(update={"version": found.version or FIRST_VERSION})

    def credential(self, api_key: str) -> Credential | None:
        """An API key."""
        found = self._get(self._credentials_table, {"api_key": api_key}, Credential)
        return found and found.model_copy(update={"version": found.version or FIRST_VERSION})

    def api_keys(self, client_id: str) -> Sequence[str]:
        """A client's API keys, by an index."""
        items = self._query(
            self._credentials_table,
            "client_id = :client",
            {":client": client_id},
            index="by-client",
        )
        return [item["api_key"] for item in items]

    def transfer(self, transfer_id: str) -> Deposit | Withdrawal | None:
        """A deposit or a withdrawal."""
        if transfer_id.startswith("dep_"):
            return self._get(
                self._tables.ledger, {"trade_id": transfer_id, "kind": EntryKind.DEPOSIT}, Deposit
            )
        return self._get(
            self._tables.ledger, {"trade_id": transfer_id, "kind": EntryKind.WITHDRAWAL}, Withdrawal
        )

    def set_tradable(self, symbol: str, tradable: bool) -> Instrument | None:
        """Halt or resume an instrument, whatever else changes of it meanwhile."""
        try:
            answer = self._client.update_item(
                TableName=self._tables.reference,
                Key=to_item({"kind": "INSTRUMENT", "id": symbol}),
                UpdateExpression="SET tradable = :tradable",
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeValues=to_item({":tradable": tradable}),
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return load_entity(Instrument, from_item(answer["Attributes"]))

    def commit(self, *changes: Change | Client | Credential) -> None:
        """Write all or nothing; StaleError if a version moved on or a new item exists."""
        commit(self._client, [self._write(change) for change in changes])

    def _write(self, change: Change | Client | Credential) -> Write:
        write = super()._write(change)  # type: ignore[arg-type]  # its `_place` is ours
        if isinstance(change, Client | Credential) and change.version == FIRST_VERSION:
            there = "attribute_exists(client_id) AND (attribute_not_exists(version) OR version <= :version)"
            return replace(write, condition=there)
        return write

    def _place(
        self, change: Order | Account | Position | Obligation | Entry | Client | Credential
    ) -> tuple[str, dict[str, str], dict[str, str]]:
        match change:
            case Client():
                return self._tables.clients, {"client_id": change.client_id}, {}
            case Credential():
                return self._credentials_table, {"api_key": change.api_key}, {}
            case _:
                return super()._place(change)
