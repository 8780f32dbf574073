"""Positions, trades and the statement in the client API: their pages, and the cursors of these."""

import re
from dataclasses import dataclass
from typing import Literal

from trading.adapters.http import cursors
from trading.adapters.http.cursors import ListCursors
from trading.domain import patterns
from trading.domain.accounts.movements import Movement, Trade
from trading.domain.accounts.valuation import Holding
from trading.domain.values import Frozen
from trading.usecases.accounts.list_movements import LedgerFilter, LineKey


class PositionsPage(Frozen):
    """Positions by symbol. A page with a `next_cursor` has another page after it."""

    items: tuple[Holding, ...]
    next_cursor: str | None


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


@dataclass(frozen=True)
class PositionCursors:
    """The cursors of a client's positions, with the closed ones or without."""

    client_id: str
    closed: bool

    @property
    def _cursors(self) -> ListCursors:
        return ListCursors(("positions", self.client_id, self.closed))

    def encode(self, last_symbol: str | None) -> str | None:
        """The cursor of the page after this symbol; None when there is no such page."""
        return None if last_symbol is None else self._cursors.encode(last_symbol)

    def decode(self, cursor: str | None) -> str | None:
        """The symbol after which a page begins; None for the first page. Raises HttpError 400 for a
        cursor of another list.
        """
        if cursor is None:
            return None
        (symbol,) = self._cursors.decode(cursor, 1)
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
    def _cursors(self) -> ListCursors:
        return ListCursors((self.of, self.client_id, self.wanted))

    def encode(self, last: LineKey | None) -> str | None:
        """The cursor of the page after this line; None when there is no such page."""
        return None if last is None else self._cursors.encode(*last)

    def decode(self, cursor: str | None) -> LineKey | None:
        """The line after which a page begins; None for the first page. Raises HttpError 400 for a
        cursor of another list.
        """
        if cursor is None:
            return None
        sort_key, line = self._cursors.decode(cursor, 2)
        if (
            not re.fullmatch(patterns.ENTRY_SORT_KEY, sort_key)
            or not self.wanted.begins <= sort_key <= self.wanted.ends
        ):
            raise cursors.invalid()
        return LineKey(sort_key, line)
