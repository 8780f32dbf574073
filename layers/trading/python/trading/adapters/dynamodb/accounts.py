"""Clients' cash and positions, in the table `accounts`."""

from __future__ import annotations

from collections.abc import Iterator

from trading.adapters.dynamodb.keys import account_key, position_key
from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.reads import TableReads
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position


class TableAccounts:
    """The ports `Accounts` and `PositionLists`."""

    def __init__(self, reads: TableReads, table: str) -> None:
        self._reads = reads
        self._table = table

    def account(self, client_id: str) -> Account:
        """A client's cash account. If there is none, a new one."""
        found = self._reads.get(self._table, account_key(client_id), Account)
        return found or Account(client_id=client_id)

    def position(self, client_id: str, symbol: str) -> Position:
        """A client's position. If there is none, a new one."""
        found = self._reads.get(self._table, position_key(client_id, symbol), Position)
        return found or Position(client_id=client_id, symbol=symbol)

    def positions(
        self, client_id: str, after: str | None = None, page_size: int | None = None
    ) -> Iterator[Position]:
        """A client's positions by symbol, read page by page as the caller takes them.

        `after`: only those whose symbol comes after this one.
        """
        items = self._reads.query(
            self._table,
            "client_id = :client AND #item BETWEEN :first AND :last",
            {
                ":client": client_id,
                # In ASCII a space sorts before every character of a symbol, `$` after `#`.
                ":first": f"POSITION#{after} " if after else "POSITION#",
                ":last": "POSITION$",
            },
            {"#item": "item"},
            page_size=page_size,
        )
        return (load_entity(Position, item) for item in items)
