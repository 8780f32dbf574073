"""Derived ids: the same cause has the same id, so the write that a retry repeats is refused by its
own condition.
"""

import hashlib
from datetime import datetime


def _derive(prefix: str, *parts: str) -> str:
    digest = hashlib.sha256("\x00".join(parts).encode()).hexdigest()
    return f"{prefix}_{digest[:32]}"


def order_id(client_id: str, idempotency_key: str) -> str:
    """One order a client and idempotency key."""
    return _derive("ord", client_id, idempotency_key)


def child_order_id(order_id: str, number: int) -> str:
    """What the exchange knows the n-th child of an order by (FIX ClOrdID, tag 11)."""
    return f"{order_id}-{number}"


def parent_order_id(client_order_id: str) -> str:
    """The order that a child order id belongs to; an id that is none of ours belongs to itself,
    which no order does.
    """
    return client_order_id.rpartition("-")[0] or client_order_id


def trade_id(exchange_id: str, execution_id: str) -> str:
    """One trade an execution at an exchange."""
    return _derive("trd", exchange_id, execution_id)


def clearing_id(trade_id: str) -> str:
    """One novation a trade."""
    return trade_id.replace("trd_", "clr_", 1)


def settlement_id(trade_id: str) -> str:
    """One settlement instruction a trade; the depository's confirmation names it."""
    return trade_id.replace("trd_", "stl_", 1)


def settled_trade_id(settlement_id: str) -> str:
    """The trade that a settlement instruction is for."""
    return settlement_id.replace("stl_", "trd_", 1)


def deposit_id(client_id: str, reference: str) -> str:
    """One deposit a client and payment reference."""
    return _derive("dep", client_id, reference)


def withdrawal_id(client_id: str, reference: str) -> str:
    """One withdrawal a client and payment reference."""
    return _derive("wdr", client_id, reference)


def api_key(client_id: str, idempotency_key: str) -> str:
    """The first API key of a client, by the request that created it."""
    return _derive(client_id, idempotency_key)


def signing_key_version(key_name: str, scheduled_at: datetime) -> str:
    """One version of the signing key for each time that its rotation is scheduled."""
    return hashlib.sha256(f"{key_name}|{scheduled_at.isoformat()}".encode()).hexdigest()
