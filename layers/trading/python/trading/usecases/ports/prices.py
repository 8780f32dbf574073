"""The price of the latest execution of each symbol."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from trading.domain.accounts.valuation import LastPrice


class LastPrices(Protocol):
    """Last prices, shared and seconds old. They are dispensable: an unknown one is left out."""

    def observe(self, symbol: str, price: Decimal, at: datetime) -> None: ...
    def latest(self, symbols: Sequence[str]) -> Mapping[str, LastPrice]: ...
