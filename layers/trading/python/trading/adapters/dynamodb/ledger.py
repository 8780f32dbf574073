"""The ledger, in the table `ledger`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trading.adapters.dynamodb.entities import load_entry
from trading.adapters.dynamodb.keys import entry_key
from trading.adapters.dynamodb.reads import TableReads
from trading.domain import identifiers
from trading.domain.ledger import EntryKind, Fill, LedgerEntry
from trading.usecases.ports import EntryKey

TRADE_KINDS = (EntryKind.FILL, EntryKind.NOVATION, EntryKind.SETTLEMENT, EntryKind.BREAK)
REVERSAL_KINDS = (EntryKind.REVERSAL, EntryKind.SETTLEMENT, EntryKind.BREAK)


class TableLedger:
    """The ports `Ledger` and `LedgerIndex`."""

    def __init__(self, reads: TableReads, table: str) -> None:
        self._reads = reads
        self._table = table

    def fill(self, trade_id: str) -> Fill | None:
        """A trade."""
        return self._reads.get(self._table, entry_key(trade_id, EntryKind.FILL), Fill)

    def entries(self, trade_ids: Iterable[str]) -> Sequence[LedgerEntry]:
        """All entries about some trades or reversals, in the order of the ids."""
        return self.entries_at(
            (trade_id, kind)
            for trade_id in trade_ids
            for kind in (REVERSAL_KINDS if identifiers.is_reversal(trade_id) else TRADE_KINDS)
        )

    def entries_at(self, keys: Iterable[tuple[str, EntryKind]]) -> Sequence[LedgerEntry]:
        """Entries by trade id and kind, in the order of the keys. Missing ones are left out."""
        keys = list(dict.fromkeys(keys))
        items = self._reads.get_many(self._table, [entry_key(*key) for key in keys])
        found = {(entry.trade_id, entry.kind): entry for entry in map(load_entry, items)}
        return [found[key] for key in keys if key in found]

    def movements(
        self, client_id: str, first: str, last: str, limit: int
    ) -> tuple[Sequence[EntryKey], bool]:
        """The entries that moved a client's cash or shares, from `first` up to and at `last`,
        newest first, and whether there may be more.
        """
        items, more = self._reads.newest_of_client(
            self._table,
            "client_id = :client AND moved_at BETWEEN :first AND :last",
            {":client": client_id, ":first": first, ":last": last},
            limit,
        )
        keys = [
            EntryKey(item["moved_at"], item["trade_id"], EntryKind[item["kind"]]) for item in items
        ]
        return keys, more
