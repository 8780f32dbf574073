"""How a change of the books is written: the item, its key and its condition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from trading.adapters.dynamodb.keys import (
    Key,
    account_key,
    attention_shard,
    due_order,
    due_shard,
    obligation_key,
    order_key,
    position_key,
)
from trading.adapters.dynamodb.names import TableNames
from trading.adapters.dynamodb.transactions import Write, to_item
from trading.domain.accounts.cash import Account
from trading.domain.accounts.movements import is_listed, sort_key_of
from trading.domain.accounts.position import Position
from trading.domain.ledger import Entry
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation
from trading.domain.values import Versioned
from trading.usecases.ports import Change, Discharged


@dataclass(frozen=True)
class Location:
    """Where an entity is stored. `index`: the attributes that only indexes and the time to
    live need."""

    table: str
    key: Key
    index: dict[str, Any] = field(default_factory=dict)


def write_of(change: Change, tables: TableNames) -> Write:
    """The write of a change of the books."""
    if isinstance(change, Discharged):
        owed = change.obligation
        key = obligation_key(owed.client_id, owed.settlement_date, owed.symbol, owed.trade_id)
        return Write(tables.accounts, "attribute_exists(client_id)", key=to_item(key))
    return put_of(change, location_of(change, tables))


def put_of(entity: BaseModel, location: Location) -> Write:
    """Save an entity: a versioned one on the version that was read, any other once."""
    attributes: dict[str, Any] = (
        entity.model_dump(exclude_none=True) | location.index | location.key
    )
    if isinstance(entity, Versioned):
        attributes["version"] = entity.version + 1
        if entity.version:
            return Write(
                location.table,
                "version = :version",
                to_item(attributes),
                values=to_item({":version": entity.version}),
            )
    is_new = f"attribute_not_exists({next(iter(location.key))})"
    return Write(location.table, is_new, to_item(attributes))


def location_of(
    entity: Order | Account | Position | Obligation | Entry, tables: TableNames
) -> Location:
    """Where an entity of the books is stored."""
    match entity:
        case Order():
            shard = attention_shard(entity.order_id)
            index = {"attention_shard": shard} if entity.attention_at else {}
            index |= {"review_shard": shard} if entity.review_reason else {}
            return Location(tables.orders, order_key(entity.order_id), index)
        case Account():
            return Location(tables.accounts, account_key(entity.client_id))
        case Position():
            return Location(tables.accounts, position_key(entity.client_id, entity.symbol))
        case Obligation():
            key = obligation_key(
                entity.client_id, entity.settlement_date, entity.symbol, entity.trade_id
            )
            index = {
                "due_shard": due_shard(entity.client_id),
                "due_order": due_order(entity.settlement_date, entity.client_id),
            }
            return Location(tables.accounts, key, index)
        case Entry():
            # The entry itself has the second part of its key, `kind`, as an attribute.
            index = {"moved_at": sort_key_of(entity)} if is_listed(entity) else {}
            return Location(tables.ledger, {"trade_id": entity.trade_id}, index)
