"""Instruments and exchanges, as this release writes them and as earlier ones did."""

from __future__ import annotations

from random import Random
from typing import Literal

from tests.simulation.cloud import Cloud
from tests.simulation.market import CONTINUOUS, EXCHANGE_IDS, FEES, SYMBOLS
from tests.simulation.names import STAGE, TABLE_NAMES
from trading.adapters.dynamodb.keys import Key, exchange_key, instrument_key
from trading.adapters.dynamodb.registry import TableRegistry
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.dynamodb.transactions import to_item
from trading.domain.reference.instruments import Exchange, Instrument

OF_AN_EARLIER_RELEASE = 0.3
"""How many of the items have no version and no event."""


def add_reference_data(cloud: Cloud, books: TableBooks, client: object, seed: str) -> None:
    """Write instruments and exchanges."""
    chance = Random(f"{seed}/reference")
    registry = TableRegistry(client, TABLE_NAMES, f"{STAGE}-credentials", books)  # type: ignore[arg-type]

    def add(entity: Instrument | Exchange, key: Key) -> None:
        if chance.random() >= OF_AN_EARLIER_RELEASE:
            registry.commit(entity)
            return
        item = entity.model_dump(exclude={"version", "key_status"}) | key
        put = {"TableName": f"{STAGE}-reference", "Item": to_item(item)}
        cloud.dynamodb.call("PutItem", put)

    for symbol, price in SYMBOLS.items():
        hours: Literal["regular", "continuous"] = (
            "continuous" if symbol == CONTINUOUS else "regular"
        )
        add(
            Instrument(symbol=symbol, name=symbol, reference_price=price, trading_hours=hours),
            instrument_key(symbol),
        )
    for exchange_id in EXCHANGE_IDS:
        add(
            Exchange(exchange_id=exchange_id, name=exchange_id, fee_per_share=FEES[exchange_id]),
            exchange_key(exchange_id),
        )
