"""What an item is called. No other module builds a key of the books."""

from __future__ import annotations

import hashlib
from datetime import date

from trading.domain.ledger import EntryKind

ATTENTION_SHARDS = 4
DUE_SHARDS = 8
"""At 3,000 orders a second the index of what is due gets 3,000 entries. A partition takes 1,000."""

Key = dict[str, str]


def account_key(client_id: str) -> Key:
    """The key of a cash account."""
    return {"client_id": client_id, "item": "CASH"}


def position_key(client_id: str, symbol: str) -> Key:
    """The key of a position."""
    return {"client_id": client_id, "item": f"POSITION#{symbol}"}


def obligation_key(
    client_id: str, settlement_date: date, symbol: str = "", trade_id: str = ""
) -> Key:
    """The key of an obligation.

    Without symbol and trade, or without trade: the prefix of all keys of the date, or of the date
    and symbol.
    """
    parts = ["OBLIGATION", settlement_date.isoformat(), *(p for p in (symbol, trade_id) if p)]
    return {"client_id": client_id, "item": "#".join(parts)}


def order_key(order_id: str) -> Key:
    """The key of an order."""
    return {"order_id": order_id, "item": "ORDER"}


def entry_key(trade_id: str, kind: EntryKind) -> Key:
    """The key of a ledger entry."""
    return {"trade_id": trade_id, "kind": kind}


def instrument_key(symbol: str) -> Key:
    """The key of an instrument."""
    return {"kind": "INSTRUMENT", "id": symbol}


def exchange_key(exchange_id: str) -> Key:
    """The key of an exchange."""
    return {"kind": "EXCHANGE", "id": exchange_id}


def attention_shard(order_id: str) -> str:
    """The partition of an order in the sparse indexes. There are several so that none is hot."""
    return str(hashlib.sha256(order_id.encode()).digest()[0] % ATTENTION_SHARDS)


def attention_shards() -> list[str]:
    """All partitions of the sparse indexes of orders."""
    return [*map(str, range(ATTENTION_SHARDS))]


def due_shard(client_id: str) -> str:
    """The partition of a client's obligations in the index `due-by-shard`."""
    return f"DUE#{hashlib.sha256(client_id.encode()).digest()[0] % DUE_SHARDS}"


def due_shards() -> list[str]:
    """All partitions of the index `due-by-shard`."""
    return [f"DUE#{shard}" for shard in range(DUE_SHARDS)]


def due_order(settlement_date: date, client_id: str = "") -> str:
    """Where a client's obligations of a date are in their partition.

    Without a client: before all obligations of the date.
    """
    return f"{settlement_date.isoformat()}#{client_id}"
