"""The price of the latest execution of each symbol."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from trading.domain.accounts.valuation import LastPrice


class LastPrices(Protocol):
    """Last prices, shared and seconds old. For most uses they are dispensable: `latest` leaves an
    unknown one out.
    """

    def observe(self, symbol: str, price: Decimal, at: datetime, trade_id: str) -> None: ...
    def correct(
        self, symbol: str, trade_id: str, at: datetime, corrected: tuple[Decimal, str] | None
    ) -> None:
        """Take back the price of a trade that was reversed, if it is the last one.

        corrected: the price and the id of the trade that replaces it; None: there is none.
        """
        ...

    def latest(self, symbols: Sequence[str]) -> Mapping[str, LastPrice]: ...
    def last(self, symbol: str) -> LastPrice | None:
        """The last price, for a decision that must not do without. None: there is none.

        Raises PriceNotReadError.
        """
        ...
