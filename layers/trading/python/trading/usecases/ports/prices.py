"""The price of the latest execution of each symbol."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from trading.domain.accounts.valuation import LastPrice


class LastPrices(Protocol):
    """Last prices, shared and seconds old. They are dispensable: an unknown one is left out."""

    def observe(self, symbol: str, price: Decimal, at: datetime, trade_id: str) -> None: ...
    def correct(
        self, symbol: str, trade_id: str, at: datetime, corrected: tuple[Decimal, str] | None
    ) -> None:
        """Take back the price of a trade that was reversed, if it is the last one.

        corrected: the price and the id of the trade that replaces it; None: there is none.
        """
        ...

    def latest(self, symbols: Sequence[str]) -> Mapping[str, LastPrice]: ...
