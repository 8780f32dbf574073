"""Which entities the items of accounts, orders and the ledger are."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.names import EVENT_ATTRIBUTE
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import LEDGER_ENTRY, LedgerEntry
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation


def load_entry(item: Mapping[str, Any]) -> LedgerEntry:
    """A ledger entry. Raises ValidationError, also for an unknown attribute.

    Entries are never read in part: the books must agree with every attribute of the ledger.
    """
    return LEDGER_ENTRY.validate_python(
        {name: value for name, value in item.items() if name not in ("moved_at", EVENT_ATTRIBUTE)}
    )


LOADERS: Mapping[str, Callable[[Mapping[str, Any]], Account | Position | Obligation | Order]] = {
    "CASH": partial(load_entity, Account),
    "POSITION": partial(load_entity, Position),
    "OBLIGATION": partial(load_entity, Obligation),
    "ORDER": partial(load_entity, Order),
}
"""How to load an item of accounts or orders, by the first part of its sort key `item`."""
