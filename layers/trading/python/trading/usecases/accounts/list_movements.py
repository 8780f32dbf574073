"""A client's trades and statement, newest first, by pages: both are read from the client's part of
the ledger.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from trading.domain.accounts.movements import (
    KINDS,
    Movement,
    MovementType,
    Trade,
    movements_of,
    trade_of,
)
from trading.domain.ledger import EntryKind, Fill, LedgerEntry, Settlement
from trading.domain.values import Frozen, Side, iso
from trading.usecases.ports import Books, EntryKey

ROUNDS = 5
ENTRIES_A_ROUND = 100
"""What a request looks at, at most: with a filter that little passes, a page may be short, or empty
with more to come.
"""

Line = TypeVar("Line", Movement, Trade)
LinesOf = Callable[[LedgerEntry, Settlement | None], Sequence[Line]]


class LineKey(NamedTuple):
    """Where a line stands: the place of its entry, and which of the entry's lines it is. Later
    lines are greater.
    """

    sort_key: str
    line: str


class LedgerFilter(Frozen):
    """Which lines; None: any. Of entries that were booked from `first` on and before `until`."""

    type: MovementType | None = None
    symbol: str | None = None
    side: Side | None = None
    first: datetime | None = None
    until: datetime | None = None

    @property
    def begins(self) -> str:
        """Before all places that are meant."""
        return iso(self.first or datetime.min.replace(tzinfo=UTC))

    @property
    def ends(self) -> str:
        """After all places that are meant."""
        return iso(self.until or datetime.max.replace(tzinfo=UTC))

    @property
    def takes_all(self) -> bool:
        """Whether every line of its time is meant."""
        return (self.type, self.symbol, self.side) == (None, None, None)

    def takes(self, line: Movement | Trade) -> bool:
        """Whether the line is meant."""
        of_type = self.type is None or (isinstance(line, Movement) and line.type is self.type)
        return of_type and self.symbol in (None, line.symbol) and self.side in (None, line.side)


@dataclass(frozen=True)
class ListMovements:
    """The index of a client's entries follows the ledger by moments. What is shown of an entry is
    as it stands.
    """

    books: Books

    def movements(
        self, client_id: str, wanted: LedgerFilter, after: LineKey | None, limit: int
    ) -> tuple[list[Movement], LineKey | None]:
        """A page of the statement that comes after a line, and the line to go on after (None: there
        are no more).
        """
        kinds = KINDS[wanted.type] if wanted.type else frozenset[str]().union(*KINDS.values())
        return self._page(client_id, wanted, kinds, movements_of, after, limit)

    def trades(
        self, client_id: str, wanted: LedgerFilter, after: LineKey | None, limit: int
    ) -> tuple[list[Trade], LineKey | None]:
        """A page of the trades that come after a line, and the line to go on after (None: there are
        no more).
        """
        return self._page(client_id, wanted, KINDS[MovementType.TRADE], _trades_of, after, limit)

    def _page(
        self,
        client_id: str,
        wanted: LedgerFilter,
        kinds: frozenset[str],
        lines_of: LinesOf[Line],
        after: LineKey | None,
        limit: int,
    ) -> tuple[list[Line], LineKey | None]:
        found: list[tuple[LineKey, Line]] = []
        for _ in range(ROUNDS):
            # The entry that the page before ended with is read again: it may have more lines.
            size = (
                min(limit - len(found) + 2, ENTRIES_A_ROUND)
                if wanted.takes_all
                else ENTRIES_A_ROUND
            )
            ends = after.sort_key if after else wanted.ends
            keys, more = self.books.movements(client_id, wanted.begins, ends, size)
            for seen, line in self._lines([key for key in keys if key.kind in kinds], lines_of):
                if wanted.takes(line) and (after is None or seen < after):
                    found.append((seen, line))
            if len(found) > limit:
                return [line for _, line in found[:limit]], found[limit - 1][0]
            if not more:
                return [line for _, line in found], None
            after = LineKey(keys[-1].sort_key, "")
        return [line for _, line in found], after

    def _lines(
        self, keys: Sequence[EntryKey], lines_of: LinesOf[Line]
    ) -> Iterator[tuple[LineKey, Line]]:
        fills = [key for key in keys if key.kind is EntryKind.FILL]
        wanted = [(key.trade_id, key.kind) for key in keys] + [
            (key.trade_id, EntryKind.SETTLEMENT) for key in fills
        ]
        entries: dict[tuple[str, str], LedgerEntry] = {}
        for entry in self.books.entries_at(wanted):
            entries[entry.trade_id, entry.kind] = entry
        for key in keys:
            settlement = entries.get((key.trade_id, EntryKind.SETTLEMENT))
            lines = lines_of(
                entries[key.trade_id, key.kind],
                settlement if isinstance(settlement, Settlement) else None,
            )
            yield from sorted(
                ((LineKey(key.sort_key, _name(line)), line) for line in lines),
                key=_seen,
                reverse=True,
            )


def _trades_of(entry: LedgerEntry, settlement: Settlement | None) -> Sequence[Trade]:
    return [trade_of(entry, settlement)] if isinstance(entry, Fill) else []


def _name(line: Movement | Trade) -> str:
    return line.type if isinstance(line, Movement) else ""


def _seen(placed: tuple[LineKey, object]) -> LineKey:
    return placed[0]
