"""The event of a transaction travels in an item that the transaction writes anyway.

So it is written exactly when the books are, and costs no write of its own. The tables' streams
carry it on. See docs/explanation/events.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trading.adapters.dynamodb.event_text import packed, unpacked
from trading.adapters.dynamodb.names import EVENT_ATTRIBUTE
from trading.adapters.dynamodb.transactions import Write
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.event_data import Fact
from trading.domain.events import Event, event_of
from trading.domain.ledger import Entry
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation
from trading.domain.reference.instruments import Exchange, Instrument

CARRIERS = (Obligation, Position, Account, Client, Order, Instrument, Exchange, Entry)
"""The smallest items first, because each kilobyte of an item costs. Entries last, because they are
kept for ever.
"""


def with_event(facts: Sequence[Any], writes: Sequence[Write], now: datetime) -> Sequence[Write]:
    """Add the event of a transaction to one of its writes, and return the writes.

    `facts`: the entities that are written, one for each write and in the same order. Entities that
    have no events, such as credentials, are ignored.
    """
    event = event_of([fact for fact in facts if isinstance(fact, Fact)], now)
    if event is not None:
        carrier = _carrier(facts, writes)
        carrier[EVENT_ATTRIBUTE] = {"S": packed(event)}
    return writes


def _carrier(facts: Sequence[Any], writes: Sequence[Write]) -> dict[str, Any]:
    return next(
        write.item
        for kind in CARRIERS
        for fact, write in zip(facts, writes, strict=True)
        if isinstance(fact, kind) and write.item is not None
    )


def is_news(image: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """Whether the write of an item brought an event. An update of other attributes leaves the last
    event where it is.
    """
    last = None if before is None else before.get(EVENT_ATTRIBUTE)
    return EVENT_ATTRIBUTE in image and image[EVENT_ATTRIBUTE] != last


def event_in(image: Mapping[str, Any]) -> Event:
    """The event in an item in DynamoDB's format. Raises ValueError, KeyError."""
    return unpacked(image[EVENT_ATTRIBUTE]["S"])
