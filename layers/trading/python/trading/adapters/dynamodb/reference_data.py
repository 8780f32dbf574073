"""Instruments, exchanges and clients' profiles. A worker caches them for ten seconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cachetools import TTLCache

from trading.adapters.dynamodb.keys import instrument_key
from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.names import TableNames
from trading.adapters.dynamodb.reads import TableReads
from trading.domain.clients.client import Client
from trading.domain.reference.instruments import Exchange, Instrument
from trading.usecases.ports import Clock

CACHED_FOR = timedelta(seconds=10)
CACHED_ITEMS = 4096


class TableReferenceData:
    """The ports `ReferenceData` and `ClientProfiles`.

    What exists is cached for ten seconds. What does not exist is looked up each time.
    """

    def __init__(self, reads: TableReads, tables: TableNames, clock: Clock) -> None:
        def seconds() -> float:
            return clock().timestamp()

        self._reads = reads
        self._tables = tables
        self._reference: TTLCache[str, Any] = TTLCache(
            CACHED_ITEMS, CACHED_FOR.total_seconds(), timer=seconds
        )
        self._clients: TTLCache[str, Client] = TTLCache(
            CACHED_ITEMS, CACHED_FOR.total_seconds(), timer=seconds
        )

    def client(self, client_id: str) -> Client | None:
        """A client's profile, up to ten seconds old."""
        known = self._clients.get(client_id)
        if known is None:
            known = self._reads.get(self._tables.clients, {"client_id": client_id}, Client)
            if known is not None:
                self._clients[client_id] = known
        return known

    def instrument(self, symbol: str) -> Instrument | None:
        """An instrument, up to ten seconds old."""
        known: Instrument | None = self._reference.get(f"INSTRUMENT#{symbol}")
        if known is None:
            known = self._reads.get(self._tables.reference, instrument_key(symbol), Instrument)
            if known is not None:
                self._reference[f"INSTRUMENT#{symbol}"] = known
        return known

    def exchanges(self) -> Sequence[Exchange]:
        """The exchanges, up to ten seconds old."""
        known: tuple[Exchange, ...] | None = self._reference.get("EXCHANGES")
        if known is None:
            items = self._reads.query(self._tables.reference, "kind = :kind", {":kind": "EXCHANGE"})
            known = tuple(load_entity(Exchange, item) for item in items)
            self._reference["EXCHANGES"] = known
        return known
