"""A client's cash and positions: read strongly consistent, valued at the last prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Protocol

from trading.domain.accounts.balances import Balances, balances
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.accounts.valuation import Holding, Portfolio, holding, is_closed, portfolio
from trading.domain.clients.client import Client
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.values import ZERO
from trading.usecases.ports import (
    Accounts,
    ClientProfiles,
    LastPrices,
    NotFoundError,
    PositionLists,
    ReferenceData,
    StaleError,
)
from trading.usecases.retrying import on_fresh_state


class AccountBusyError(DomainError):
    """The client's books changed between two reads, each time that they were read."""

    code = ErrorCode.ACCOUNT_BUSY
    kind = ErrorKind.UNAVAILABLE


class AccountBooks(Accounts, PositionLists, ClientProfiles, ReferenceData, Protocol):
    """The tables that hold what a client is shown."""


@dataclass(frozen=True)
class ShowAccounts:
    """Shows balances, positions and the portfolio. It writes nothing.

    Raises NotFoundError for a client without a profile.
    """

    books: AccountBooks
    prices: LastPrices

    def balance(self, client_id: str) -> Balances:
        """A client's cash. It is one item, so it never shows half of a fill."""
        return balances(self.books.account(client_id), self._client(client_id).margin_percent)

    def position(self, client_id: str, symbol: str) -> Holding:
        """A client's position, open or closed. Raises NotFoundError if there never was one."""
        position = self.books.position(client_id, symbol)
        if not position.version:
            raise NotFoundError("There is no such position.", field="symbol")
        return self._valued([position])[0]

    def positions(
        self, client_id: str, closed: bool, after: str | None, limit: int
    ) -> tuple[Sequence[Holding], str | None]:
        """A page of a client's positions by symbol, and the symbol that the next page comes after.

        The second value is None if there is no next page.
        """
        wanted = (
            p
            for p in self.books.positions(client_id, after, limit + 1)
            if closed or not is_closed(p)
        )
        found = list(islice(wanted, limit + 1))
        return self._valued(found[:limit]), found[limit - 1].symbol if len(found) > limit else None

    def portfolio(self, client_id: str) -> Portfolio:
        """A client's cash and open positions at one moment. Raises AccountBusyError."""
        client = self._client(client_id)
        try:
            account, positions = self._at_one_moment(client_id)
        except StaleError as error:
            raise AccountBusyError(
                "The account changes too fast; try again.", retry_after_seconds=1
            ) from error
        closed = [p for p in positions if is_closed(p)]
        held = self._valued([p for p in positions if not is_closed(p)])
        return portfolio(
            account, client.margin_percent, held, sum((p.realised_profit for p in closed), ZERO)
        )

    @on_fresh_state
    def _at_one_moment(self, client_id: str) -> tuple[Account, Sequence[Position]]:
        """Cash and positions at one moment.

        Whatever moves cash or shares moves the account to its next version. So if the version is
        the same before and after the positions are read, they belong together.
        """
        account = self.books.account(client_id)
        positions = list(self.books.positions(client_id))
        if self.books.account(client_id).version != account.version:
            raise StaleError
        return account, positions

    def _client(self, client_id: str) -> Client:
        client = self.books.client(client_id)
        if client is None:
            raise NotFoundError("There is no such client.")
        return client

    def _valued(self, positions: Sequence[Position]) -> Sequence[Holding]:
        last = self.prices.latest([p.symbol for p in positions])
        return [
            holding(
                p, last.get(p.symbol), None if p.symbol in last else self._reference_price(p.symbol)
            )
            for p in positions
        ]

    def _reference_price(self, symbol: str) -> Decimal | None:
        instrument = self.books.instrument(symbol)
        return instrument.reference_price if instrument else None
