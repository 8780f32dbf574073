"""The books, in DynamoDB. One item an entity; what an item is called is said here and nowhere else."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cachetools import TTLCache

from trading.adapters.dynamodb.entities import Model, load_entity, load_entry
from trading.adapters.dynamodb.transactions import (
    OverloadedError,
    Write,
    commit,
    from_item,
    to_item,
)
from trading.adapters.runtime.settings import LambdaSettings
from trading.domain.accounts.cash import Account, Position
from trading.domain.accounts.movements import is_listed, sort_key_of
from trading.domain.clients.client import Client
from trading.domain.ledger import Entry, EntryKind, Fill, LedgerEntry
from trading.domain.orders.order import Order
from trading.domain.posttrade.clearing import Obligation
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import Versioned, iso
from trading.usecases.ports import Change, Clock, Discharged, EntryKey, SortKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CACHED_FOR = timedelta(seconds=10)
"""Clients' profiles, instruments and exchanges; balances never are."""
ATTENTION_SHARDS = 4
BATCH_GET_LIMIT = 100
MAX_REFUSALS = 5
TRADE_KINDS = (
    EntryKind.FILL,
    EntryKind.NOVATION,
    EntryKind.SETTLEMENT,
    EntryKind.BREAK,
)


class BooksSettings(LambdaSettings):
    """Where the books are. A base for the settings of every function that keeps them."""

    accounts_table: str
    clients_table: str
    ledger_table: str
    orders_table: str
    reference_table: str


@dataclass(frozen=True)
class TableNames:
    """The physical names of the tables."""

    accounts: str
    clients: str
    ledger: str
    orders: str
    reference: str

    @classmethod
    def of(cls, settings: BooksSettings) -> TableNames:
        """From a function's settings."""
        return cls(
            **{name: getattr(settings, f"{name}_table") for name in cls.__dataclass_fields__}
        )


def obligation_key(
    client_id: str, settlement_date: date, symbol: str = "", trade_id: str = ""
) -> dict[str, str]:
    """An obligation's key; without symbol and trade, the prefix of a date's or a symbol's."""
    parts = ["OBLIGATION", settlement_date.isoformat(), *(p for p in (symbol, trade_id) if p)]
    return {"client_id": client_id, "item": "#".join(parts)}


def attention_shard(order_id: str) -> str:
    """The partition that an order is listed in, in an index of orders: a few, so that none is hot."""
    return str(hashlib.sha256(order_id.encode()).digest()[0] % ATTENTION_SHARDS)


class TableBooks:
    """The port `Books` over the tables."""

    def __init__(self, client: DynamoDBClient, tables: TableNames, clock: Clock) -> None:
        self._client = client
        self._tables = tables
        self._clock = clock
        self._reference: TTLCache[str, Any] = TTLCache(
            4096, CACHED_FOR.total_seconds(), timer=self._seconds
        )
        self._clients: TTLCache[str, Client] = TTLCache(
            4096, CACHED_FOR.total_seconds(), timer=self._seconds
        )

    def _seconds(self) -> float:
        return self._clock().timestamp()

    def client(self, client_id: str) -> Client | None:
        """A client's profile, up to 10 seconds old."""
        known = self._clients.get(client_id)
        if known is None:
            known = self._get(self._tables.clients, {"client_id": client_id}, Client)
            if known is not None:
                self._clients[client_id] = known
        return known

    def instrument(self, symbol: str) -> Instrument | None:
        """An instrument, up to a minute old."""
        known: Instrument | None = self._reference.get(f"INSTRUMENT#{symbol}")
        if known is None:
            known = self._get(
                self._tables.reference, {"kind": "INSTRUMENT", "id": symbol}, Instrument
            )
            if known is not None:
                self._reference[f"INSTRUMENT#{symbol}"] = known
        return known

    def exchanges(self) -> Sequence[Exchange]:
        """The exchanges, up to a minute old."""
        known: tuple[Exchange, ...] | None = self._reference.get("EXCHANGES")
        if known is None:
            items = self._query(self._tables.reference, "kind = :kind", {":kind": "EXCHANGE"})
            known = tuple(load_entity(Exchange, item) for item in items)
            self._reference["EXCHANGES"] = known
        return known

    def account(self, client_id: str) -> Account:
        """A client's cash account; a new one if there is none."""
        key = {"client_id": client_id, "item": "CASH"}
        return self._get(self._tables.accounts, key, Account) or Account(client_id=client_id)

    def position(self, client_id: str, symbol: str) -> Position:
        """A client's position; a new one if there is none."""
        key = {"client_id": client_id, "item": f"POSITION#{symbol}"}
        return self._get(self._tables.accounts, key, Position) or Position(
            client_id=client_id, symbol=symbol
        )

    def positions(
        self, client_id: str, after: str | None = None, page_size: int | None = None
    ) -> Iterator[Position]:
        """A client's positions by symbol, those after a symbol only; read page by page as they are
        asked for.
        """
        items = self._query(
            self._tables.accounts,
            "client_id = :client AND #item BETWEEN :first AND :last",
            # The neighbours in ASCII of what a symbol and its separator are made of.
            {
                ":client": client_id,
                ":first": f"POSITION#{after} " if after else "POSITION#",
                ":last": "POSITION$",
            },
            {"#item": "item"},
            page_size=page_size,
        )
        return (load_entity(Position, item) for item in items)

    def order(self, order_id: str) -> Order | None:
        """An order."""
        return self._get(self._tables.orders, {"order_id": order_id, "item": "ORDER"}, Order)

    def fill(self, trade_id: str) -> Fill | None:
        """A trade."""
        return self._get(self._tables.ledger, {"trade_id": trade_id, "kind": EntryKind.FILL}, Fill)

    def entries(self, trade_ids: Iterable[str]) -> Sequence[LedgerEntry]:
        """Everything in the ledger about some trades, in the order of the ids."""
        return self.entries_at((trade_id, kind) for trade_id in trade_ids for kind in TRADE_KINDS)

    def entries_at(self, keys: Iterable[tuple[str, str]]) -> Sequence[LedgerEntry]:
        """Ledger entries by (trade id, kind), in that order; what does not exist is left out."""
        keys = list(dict.fromkeys(keys))
        items = self._get_many(
            self._tables.ledger, [{"trade_id": t, "kind": kind} for t, kind in keys]
        )
        found = {(entry.trade_id, entry.kind): entry for entry in map(load_entry, items)}
        return [found[key] for key in keys if key in found]

    def movements(
        self, client_id: str, first: str, last: str, limit: int
    ) -> tuple[Sequence[EntryKey], bool]:
        """What moved a client's cash or shares between two keys, both included, newest first, and
        whether there may be more.
        """
        answer = self._client.query(
            TableName=self._tables.ledger,
            IndexName="by-client",
            KeyConditionExpression="client_id = :client AND moved_at BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item(
                {":client": client_id, ":first": first, ":last": last}
            ),
            ScanIndexForward=False,
            Limit=limit,
        )
        items = map(from_item, answer["Items"])
        keys = [EntryKey(item["moved_at"], item["trade_id"], item["kind"]) for item in items]
        return keys, "LastEvaluatedKey" in answer

    def orders(self, order_ids: Iterable[str]) -> Sequence[Order]:
        """Orders, in the order of the ids."""
        order_ids = list(dict.fromkeys(order_ids))
        items = self._get_many(
            self._tables.orders, [{"order_id": each, "item": "ORDER"} for each in order_ids]
        )
        found = {item["order_id"]: load_entity(Order, item) for item in items}
        return [found[order_id] for order_id in order_ids if order_id in found]

    def orders_of(
        self, client_id: str, first: datetime, last: datetime, after: SortKey | None, limit: int
    ) -> tuple[Sequence[SortKey], bool]:
        """The keys of a client's orders accepted between two times, both included, newest first,
        and whether there may be more.
        """
        request: dict[str, Any] = {
            "TableName": self._tables.orders,
            "IndexName": "by-client",
            "KeyConditionExpression": "client_id = :client AND accepted_at BETWEEN :first AND :last",
            "ExpressionAttributeValues": to_item(
                {":client": client_id, ":first": iso(first), ":last": iso(last)}
            ),
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if after:
            start = {
                "client_id": client_id,
                "accepted_at": iso(after.accepted_at),
                "order_id": after.order_id,
            }
            request["ExclusiveStartKey"] = to_item(start | {"item": "ORDER"})
        answer = self._client.query(**request)
        items = map(from_item, answer["Items"])
        keys = [
            SortKey(datetime.fromisoformat(item["accepted_at"]), item["order_id"]) for item in items
        ]
        return keys, "LastEvaluatedKey" in answer

    def obligations(self, client_id: str, up_to: date) -> Sequence[Obligation]:
        """What a client has due up to and on a date, oldest first."""
        values = {
            ":client": client_id,
            ":first": "OBLIGATION#",
            ":last": obligation_key(client_id, up_to)["item"] + "$",
        }
        items = self._query(
            self._tables.accounts,
            "client_id = :client AND #item BETWEEN :first AND :last",
            values,
            {"#item": "item"},
        )
        return [load_entity(Obligation, item) for item in items]

    def obligations_in(
        self, client_id: str, settlement_date: date, symbol: str
    ) -> Sequence[Obligation]:
        """What a client has due in one symbol on one date."""
        prefix = obligation_key(client_id, settlement_date, symbol)["item"] + "#"
        items = self._query(
            self._tables.accounts,
            "client_id = :client AND begins_with(#item, :prefix)",
            {":client": client_id, ":prefix": prefix},
            {"#item": "item"},
        )
        return [load_entity(Obligation, item) for item in items]

    def clients_due(
        self, due: date, after: str | None, limit: int
    ) -> tuple[Sequence[str], str | None]:
        """Clients with something due on a date, in order of their ids, and the one to go on after
        (None: no more).
        """
        values = {":due": due.isoformat()} | ({":after": after} if after else {})
        condition = "due_date = :due" + (" AND client_id > :after" if after else "")
        found: dict[str, None] = {}
        for item in self._query(self._tables.accounts, condition, values, index="obligations-due"):
            if item["client_id"] not in found and len(found) == limit:
                return list(found), list(found)[-1]
            found[item["client_id"]] = None
        return list(found), None

    def orders_due(self, now: datetime, limit: int, shard: str | None = None) -> Sequence[str]:
        """Orders that were to make progress by now, the longest overdue of each shard first; of one
        shard alone if it is named.
        """
        due: list[str] = []
        shards = [shard] if shard else [*map(str, range(ATTENTION_SHARDS))]
        for shard in shards:
            items = self._query(
                self._tables.orders,
                "attention_shard = :shard AND attention_at <= :now",
                {":shard": shard, ":now": iso(now)},
                index="attention",
                limit=limit // len(shards),
            )
            due += [item["order_id"] for item in items]
        return due

    def open_order_ids(self) -> Iterator[str]:
        """All orders not yet at rest."""
        for shard in map(str, range(ATTENTION_SHARDS)):
            for item in self._query(
                self._tables.orders,
                "attention_shard = :shard",
                {":shard": shard},
                index="attention",
            ):
                yield item["order_id"]

    def orders_in_review(self, limit: int) -> Sequence[str]:
        """Orders that are flagged for people to look at, the oldest of each shard first."""
        flagged: list[str] = []
        for shard in map(str, range(ATTENTION_SHARDS)):
            items = self._query(
                self._tables.orders,
                "review_shard = :shard",
                {":shard": shard},
                index="review",
                limit=limit // ATTENTION_SHARDS,
            )
            flagged += [item["order_id"] for item in items]
        return flagged

    def postpone(self, order: Order, until: datetime) -> None:
        """Look at the order again later, unless it has moved on by itself meanwhile."""
        try:
            self._client.update_item(
                TableName=self._tables.orders,
                Key=to_item({"order_id": order.order_id, "item": "ORDER"}),
                UpdateExpression="SET attention_at = :until",
                ConditionExpression="version = :version",
                ExpressionAttributeValues=to_item(
                    {":until": iso(until), ":version": order.version}
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def save_task_token(self, order_id: str, token: str, expires: datetime) -> None:
        """Keep the token of the workflow that waits for the order's execution; a later attempt's
        replaces it.
        """
        item = {
            "order_id": order_id,
            "item": "TOKEN#EXECUTE",
            "task_token": token,
            "expires_at": int(expires.timestamp()),
        }
        self._client.put_item(TableName=self._tables.orders, Item=to_item(item))

    def task_token(self, order_id: str) -> str | None:
        """The token of the workflow that waits for the order's execution."""
        answer = self._client.get_item(
            TableName=self._tables.orders,
            Key=to_item({"order_id": order_id, "item": "TOKEN#EXECUTE"}),
            ConsistentRead=True,
        )
        return from_item(answer["Item"])["task_token"] if "Item" in answer else None

    def commit(self, *changes: Change) -> None:
        """Write all or nothing; StaleError if a version moved on, a new item exists or a discharged
        one is gone.
        """
        commit(self._client, [self._write(change) for change in changes])

    @staticmethod
    def _pause(refusals: int) -> int:
        """Wait, longer each time, before asking for what DynamoDB left unprocessed; in the end give
        up.
        """
        if refusals == MAX_REFUSALS:
            raise OverloadedError("the tables are overloaded", retry_after_seconds=1)
        time.sleep(random.uniform(0, 0.05 * 2**refusals))  # noqa: S311
        return refusals + 1

    def _write(self, change: Change) -> Write:
        if isinstance(change, Discharged):
            owed = change.obligation
            key = obligation_key(owed.client_id, owed.settlement_date, owed.symbol, owed.trade_id)
            return Write(self._tables.accounts, "attribute_exists(client_id)", key=to_item(key))
        table, key, more = self._place(change)
        attributes = change.model_dump(exclude_none=True) | more | key
        if isinstance(change, Versioned):
            attributes["version"] = change.version + 1
            if change.version:
                return Write(
                    table,
                    "version = :version",
                    to_item(attributes),
                    values=to_item({":version": change.version}),
                )
        return Write(table, f"attribute_not_exists({next(iter(key))})", to_item(attributes))

    def _place(
        self, change: Order | Account | Position | Obligation | Entry
    ) -> tuple[str, dict[str, str], dict[str, str]]:
        """The table, the key, and the attributes that only indexes need."""
        match change:
            case Order():
                shard = attention_shard(change.order_id)
                listed = {"attention_shard": shard} if change.attention_at else {}
                listed |= {"review_shard": shard} if change.review_reason else {}
                return self._tables.orders, {"order_id": change.order_id, "item": "ORDER"}, listed
            case Account():
                return self._tables.accounts, {"client_id": change.client_id, "item": "CASH"}, {}
            case Position():
                key = {"client_id": change.client_id, "item": f"POSITION#{change.symbol}"}
                return self._tables.accounts, key, {}
            case Obligation():
                key = obligation_key(
                    change.client_id, change.settlement_date, change.symbol, change.trade_id
                )
                return self._tables.accounts, key, {"due_date": change.settlement_date.isoformat()}
            case Entry():
                listed = {"moved_at": sort_key_of(change)} if is_listed(change) else {}
                return self._tables.ledger, {"trade_id": change.trade_id}, listed

    def _get(self, table: str, key: dict[str, str], model: type[Model]) -> Model | None:
        answer = self._client.get_item(TableName=table, Key=to_item(key), ConsistentRead=True)
        return load_entity(model, from_item(answer["Item"])) if "Item" in answer else None

    def _get_many(self, table: str, keys: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
        refusals = 0
        while keys:
            batch, keys = keys[:BATCH_GET_LIMIT], keys[BATCH_GET_LIMIT:]
            request: Any = {
                table: {"Keys": [to_item(key) for key in batch], "ConsistentRead": True}
            }
            answer = self._client.batch_get_item(RequestItems=request)
            yield from map(from_item, answer["Responses"].get(table, []))
            unprocessed = answer.get("UnprocessedKeys", {}).get(table)
            if unprocessed:
                keys += [from_item(key) for key in unprocessed["Keys"]]
                refusals = self._pause(refusals)

    def _query(
        self,
        table: str,
        condition: str,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
        index: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
        }
        request |= {"ExpressionAttributeNames": names} if names else {}
        request |= {"IndexName": index} if index else {"ConsistentRead": True}
        request |= {"Limit": limit or page_size} if limit or page_size else {}
        while True:
            answer = self._client.query(**request)
            yield from map(from_item, answer["Items"])
            if limit or "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
