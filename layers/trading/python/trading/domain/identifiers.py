"""Derived ids: the same cause always gives the same id.

So the condition of a write refuses the second write when a retry repeats it.
"""

import hashlib
import re

from trading.domain import patterns


def _derive(prefix: str, *parts: str) -> str:
    digest = hashlib.sha256("\x00".join(parts).encode()).hexdigest()
    return f"{prefix}_{digest[:32]}"


def order_id(client_id: str, idempotency_key: str) -> str:
    """The id of the order that a client placed with an idempotency key."""
    return _derive("ord", client_id, idempotency_key)


def named_order_id(client_id: str, name: str) -> str:
    """The id of the order that a client names by its id or by its client order id, which is the
    idempotency key that placed it.
    """
    return name if re.fullmatch(patterns.ORDER_ID, name) else order_id(client_id, name)


def child_order_id(order_id: str, number: int) -> str:
    """The id by which an exchange knows the n-th child of an order (ClOrdID, FIX tag 11)."""
    return f"{order_id}-{number}"


def parent_order_id(client_order_id: str) -> str:
    """The id of the order that a child order id belongs to.

    For an id that this system did not make, it is that id itself. No order has such an id.
    """
    return client_order_id.rpartition("-")[0] or client_order_id


def trade_id(exchange_id: str, execution_id: str) -> str:
    """The id of the trade that an execution at an exchange is."""
    return _derive("trd", exchange_id, execution_id)


def reversal_id(trade_id: str) -> str:
    """The id of the reversal of a trade. A trade is reversed once at most."""
    return f"{trade_id}r"


def is_reversal(trade_id: str) -> bool:
    """Whether this is the id of a reversal."""
    return trade_id.endswith("r")


def clearing_id(trade_id: str) -> str:
    """The id of the novation of a trade."""
    return trade_id.replace("trd_", "clr_", 1)


def settlement_id(trade_id: str) -> str:
    """The id of the settlement instruction of a trade. The depository's confirmation names it."""
    return trade_id.replace("trd_", "stl_", 1)


def settled_trade_id(settlement_id: str) -> str:
    """The id of the trade that a settlement instruction is for."""
    return settlement_id.replace("stl_", "trd_", 1)


def deposit_id(client_id: str, reference: str) -> str:
    """The id of the deposit of a client with a payment reference."""
    return _derive("dep", client_id, reference)


def proposal_id(api_key: str, idempotency_key: str, target: str, request: str) -> str:
    """The id of the proposal that a request of an operator makes. target: method and path.
    request: its fields, as JSON.
    """
    return _derive("prp", api_key, idempotency_key, target, request)


def withdrawal_id(client_id: str, reference: str) -> str:
    """The id of the withdrawal of a client with a payment reference."""
    return _derive("wdr", client_id, reference)
