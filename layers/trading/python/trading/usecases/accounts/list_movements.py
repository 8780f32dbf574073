"""A client's trades and statement, newest first, by pages. Both are read from the ledger."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from trading.domain import identifiers
from trading.domain.accounts.movements import (
    KINDS,
    Movement,
    MovementType,
    Trade,
    movements_of,
    trade_of,
)
from trading.domain.ledger import EntryKind, Fill, LedgerEntry, Reversal, Settlement
from trading.domain.values import Frozen, Side, iso
from trading.usecases.ports import EntryKey, LedgerIndex

ROUNDS = 5
ENTRIES_PER_ROUND = 100
"""A request looks at `ROUNDS` times as many entries at most.

So if a filter lets little pass, a page may be short, or empty although more pages follow.
"""

Line = TypeVar("Line", Movement, Trade)
Related = Mapping[EntryKind, LedgerEntry]
LinesOf = Callable[[LedgerEntry, Related], Sequence[Line]]


class LineKey(NamedTuple):
    """The position of a line: the key of its entry, and the line's name within the entry.

    The key of a later line is greater.
    """

    sort_key: str
    line: str


class LedgerFilter(Frozen):
    """Which lines to list. None: any. Entries count that were booked from `first` on, before
    `until`.
    """

    type: MovementType | None = None
    symbol: str | None = None
    side: Side | None = None
    first: datetime | None = None
    until: datetime | None = None

    @property
    def begins(self) -> str:
        """A key before those of all entries that count."""
        return iso(self.first or datetime.min.replace(tzinfo=UTC))

    @property
    def ends(self) -> str:
        """A key after those of all entries that count."""
        return iso(self.until or datetime.max.replace(tzinfo=UTC))

    @property
    def takes_all(self) -> bool:
        """Whether every line of the period passes."""
        return (self.type, self.symbol, self.side) == (None, None, None)

    @property
    def kinds(self) -> frozenset[EntryKind]:
        """The kinds of entries that may have lines of the wanted type."""
        if self.type is not None:
            return KINDS[self.type]
        return frozenset[EntryKind]().union(*KINDS.values())

    def takes(self, line: Movement | Trade) -> bool:
        """Whether the line passes."""
        of_type = self.type is None or (isinstance(line, Movement) and line.type is self.type)
        return of_type and self.symbol in (None, line.symbol) and self.side in (None, line.side)


@dataclass(frozen=True)
class ListMovements:
    """Lists what moved a client's cash and shares.

    The index of a client's entries follows the ledger after moments. The entries themselves are
    read strongly consistent.
    """

    books: LedgerIndex

    def movements(
        self, client_id: str, wanted: LedgerFilter, after: LineKey | None, limit: int
    ) -> tuple[list[Movement], LineKey | None]:
        """A page of the statement after a line, and the line that the next page comes after.

        The second value is None if there is no next page.
        """
        return self._page(client_id, wanted, wanted.kinds, _movements_of, after, limit)

    def trades(
        self, client_id: str, wanted: LedgerFilter, after: LineKey | None, limit: int
    ) -> tuple[list[Trade], LineKey | None]:
        """A page of the trades after a line, and the line that the next page comes after.

        The second value is None if there is no next page.
        """
        return self._page(client_id, wanted, KINDS[MovementType.TRADE], _trades_of, after, limit)

    def _page(
        self,
        client_id: str,
        wanted: LedgerFilter,
        kinds: frozenset[EntryKind],
        lines_of: LinesOf[Line],
        after: LineKey | None,
        limit: int,
    ) -> tuple[list[Line], LineKey | None]:
        found: list[tuple[LineKey, Line]] = []
        for _ in range(ROUNDS):
            # The last entry of the page before is read again: it may have more lines.
            missing = limit - len(found) + 2
            size = min(missing, ENTRIES_PER_ROUND) if wanted.takes_all else ENTRIES_PER_ROUND
            ends = after.sort_key if after else wanted.ends
            keys, more = self.books.movements(client_id, wanted.begins, ends, size)
            for key, line in self._lines([key for key in keys if key.kind in kinds], lines_of):
                if wanted.takes(line) and (after is None or key < after):
                    found.append((key, line))
            if len(found) > limit:
                return [line for _, line in found[:limit]], found[limit - 1][0]
            if not more:
                return [line for _, line in found], None
            after = LineKey(keys[-1].sort_key, "")
        return [line for _, line in found], after

    def _lines(
        self, keys: Sequence[EntryKey], lines_of: LinesOf[Line]
    ) -> Iterator[tuple[LineKey, Line]]:
        """The lines of some entries, with their keys, latest first.

        A trade comes with its settlement, and with its reversal if it has one.
        """
        wanted = [(key.trade_id, key.kind) for key in keys]
        for key in keys:
            wanted += _related_keys(key)
        entries: dict[tuple[str, str], LedgerEntry] = {}
        for entry in self.books.entries_at(wanted):
            entries[entry.trade_id, entry.kind] = entry
        for key in keys:
            related = {
                kind: entries[trade_id, kind]
                for trade_id, kind in _related_keys(key)
                if (trade_id, kind) in entries
            }
            lines = lines_of(entries[key.trade_id, key.kind], related)
            keyed = [(LineKey(key.sort_key, _name(line)), line) for line in lines]
            yield from sorted(keyed, key=_key_of, reverse=True)


def _related_keys(key: EntryKey) -> list[tuple[str, EntryKind]]:
    """The entries that say what became of a listed trade or reversal."""
    if key.kind == EntryKind.FILL:
        reversal_id = identifiers.reversal_id(key.trade_id)
        return [(key.trade_id, EntryKind.SETTLEMENT), (reversal_id, EntryKind.REVERSAL)]
    return [(key.trade_id, EntryKind.SETTLEMENT)] if key.kind == EntryKind.REVERSAL else []


def _settlement_in(related: Related) -> Settlement | None:
    settlement = related.get(EntryKind.SETTLEMENT)
    return settlement if isinstance(settlement, Settlement) else None


def _movements_of(entry: LedgerEntry, related: Related) -> Sequence[Movement]:
    return movements_of(entry, _settlement_in(related))


def _trades_of(entry: LedgerEntry, related: Related) -> Sequence[Trade]:
    reversal = related.get(EntryKind.REVERSAL)
    if not isinstance(entry, Fill):
        return []
    reversed_by = reversal if isinstance(reversal, Reversal) else None
    return [trade_of(entry, _settlement_in(related), reversed_by)]


def _name(line: Movement | Trade) -> str:
    return line.type if isinstance(line, Movement) else ""


def _key_of(keyed: tuple[LineKey, object]) -> LineKey:
    return keyed[0]
