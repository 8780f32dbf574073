"""Positions, trades and the statement in the client API: their pages, and the cursors of these."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

from trading.adapters.http import cursors
from trading.adapters.http.digests import digest
from trading.domain import patterns
from trading.domain.accounts.movements import Movement, Trade
from trading.domain.accounts.valuation import Holding
from trading.domain.values import Frozen
from trading.usecases.accounts.list_movements import LedgerFilter, LineKey


class PositionsPage(Frozen):
    """Positions by symbol. A page with a `next_cursor` has another page after it."""

    items: tuple[Holding, ...]
    next_cursor: str | None

    @classmethod
    def of(cls, positions: Iterable[Holding], last_symbol: str | None) -> Self:
        """A page that ends with `last_symbol` if there are more."""
        cursor = cursors.encode(last_symbol) if last_symbol else None
        return cls(items=tuple(positions), next_cursor=cursor)


class TradesPage(Frozen):
    """Trades, newest first. A page with a `next_cursor` may have another page after it, even if
    `items` is short or empty.
    """

    items: tuple[Trade, ...]
    next_cursor: str | None


class TransactionsPage(Frozen):
    """Lines of the statement, newest first. A page with a `next_cursor` may have another page after
    it, even if `items` is short or empty.
    """

    items: tuple[Movement, ...]
    next_cursor: str | None


def symbol_of(cursor: str) -> str:
    """The symbol after which a page of positions begins. Raises HttpError 400 for a cursor of
    another list.
    """
    (symbol,) = cursors.decode(cursor, 1)
    if not re.fullmatch(patterns.SYMBOL, symbol):
        raise cursors.invalid()
    return symbol


@dataclass(frozen=True)
class LineCursors:
    """The cursors of one list of ledger lines. A cursor is bound to the list, the client and the
    filters, so that no other list takes it.
    """

    of: Literal["trades", "transactions"]
    client_id: str
    wanted: LedgerFilter

    @property
    def _binding(self) -> str:
        return digest(self.of, self.client_id, self.wanted)[:16]

    def encode(self, last: LineKey | None) -> str | None:
        """The cursor of the page after this line; None when there is no such page."""
        return None if last is None else cursors.encode(self._binding, *last)

    def decode(self, cursor: str | None) -> LineKey | None:
        """The line after which a page begins; None for the first page. Raises HttpError 400 for a
        cursor of another list.
        """
        if cursor is None:
            return None
        bound_to, sort_key, line = cursors.decode(cursor, 3)
        if (
            bound_to != self._binding
            or not re.fullmatch(patterns.ENTRY_SORT_KEY, sort_key)
            or not self.wanted.begins <= sort_key <= self.wanted.ends
        ):
            raise cursors.invalid()
        return LineKey(sort_key, line)
