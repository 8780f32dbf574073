"""The price of the latest execution of each symbol, in the control table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from cachetools import TTLCache

from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.transactions import Write, commit, from_item, to_item
from trading.adapters.runtime.observability import count, logger
from trading.domain.accounts.valuation import LastPrice
from trading.domain.values import iso
from trading.metrics import Metric
from trading.usecases.ports import Clock, PriceNotReadError, StaleError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ_MAX_AGE = timedelta(seconds=5)
WRITE_INTERVAL = timedelta(seconds=5)
SYMBOLS = 4096
BATCH_GET_LIMIT = 100


class TableLastPrices:
    """The port `LastPrices`.

    A worker writes a symbol at most every five seconds, so most executions cost no write here.
    A price that gets lost is dispensable: the next execution writes a newer one.
    Workers cache what they read for `read_max_age`, including the fact that there is no price yet.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        clock: Clock,
        read_max_age: timedelta = READ_MAX_AGE,
    ) -> None:
        def seconds() -> float:
            return clock().timestamp()

        self._client = client
        self._table = table
        self._written: TTLCache[str, bool] = TTLCache(
            SYMBOLS, WRITE_INTERVAL.total_seconds(), timer=seconds
        )
        self._known: TTLCache[str, LastPrice | None] = TTLCache(
            SYMBOLS, read_max_age.total_seconds(), timer=seconds
        )

    def observe(self, symbol: str, price: Decimal, at: datetime, trade_id: str) -> None:
        """Take note of an execution. It does not replace the price of a younger execution."""
        if symbol in self._written:
            return
        item = to_item(
            {"name": last_price_name(symbol), "symbol": symbol, "time": iso(at)}
            | {"price": price, "trade_id": trade_id}
        )
        condition = "attribute_not_exists(#time) OR #time <= :time"
        names, values = {"#time": "time"}, {":time": item["time"]}
        if self._is_done(Write(self._table, condition, item, names=names, values=values)):
            self._written[symbol] = True

    def correct(
        self, symbol: str, trade_id: str, at: datetime, corrected: tuple[Decimal, str] | None
    ) -> None:
        """Take back the price of a trade that was reversed, if it is the last one.

        The item of a busted trade stays, without a price. So the report of an older execution that
        comes late does not become the last price. This worker writes the next execution at once.
        """
        kept: dict[str, Any] = {"busted": trade_id}
        if corrected is not None:
            kept = {"price": corrected[0], "trade_id": corrected[1]}
        kept |= {"name": last_price_name(symbol), "symbol": symbol, "time": iso(at)}
        was = to_item({":was": trade_id})
        if self._is_done(Write(self._table, "trade_id = :was", to_item(kept), values=was)):
            self._written.pop(symbol, None)
            self._known.pop(symbol, None)

    def _is_done(self, write: Write) -> bool:
        """Whether the price was written, or lost. A price that may not replace the last is not."""
        try:
            commit(self._client, [write])
        except StaleError:
            return False
        except (ClientError, BotoCoreError):
            count(Metric.LAST_PRICES_LOST)
        return True

    def latest(self, symbols: Sequence[str]) -> Mapping[str, LastPrice]:
        """The last prices. Each may have been replaced for up to `read_max_age`.

        A symbol without a price is left out.
        """
        found = {symbol: self._known[symbol] for symbol in symbols if symbol in self._known}
        missing = [symbol for symbol in dict.fromkeys(symbols) if symbol not in found]
        try:
            for start in range(0, len(missing), BATCH_GET_LIMIT):
                found |= self._read(missing[start : start + BATCH_GET_LIMIT])
        except (ClientError, BotoCoreError):
            logger.warning("last prices not read", exc_info=True)
            count(Metric.LAST_PRICES_UNAVAILABLE)
        return {symbol: last for symbol, last in found.items() if last is not None}

    def last(self, symbol: str) -> LastPrice | None:
        """The last price, or None if there is none. It may have been replaced for up to
        `read_max_age`. Raises PriceNotReadError.
        """
        with suppress(KeyError):
            return self._known[symbol]
        try:
            found = self._read([symbol])
        except (ClientError, BotoCoreError) as error:
            count(Metric.LAST_PRICES_UNAVAILABLE)
            raise PriceNotReadError(symbol) from error
        if symbol not in found:
            raise PriceNotReadError(symbol)
        return found[symbol]

    def _read(self, symbols: Sequence[str]) -> dict[str, LastPrice | None]:
        request: Any = {
            self._table: {
                "Keys": [to_item({"name": last_price_name(symbol)}) for symbol in symbols]
            }
        }
        answer = self._client.batch_get_item(RequestItems=request)
        prices: dict[str, LastPrice | None] = {}
        if answer.get("UnprocessedKeys"):
            count(Metric.LAST_PRICES_UNAVAILABLE)
        else:
            prices = dict.fromkeys(symbols)
        read = [
            load_entity(LastPrice, from_item(item))
            for item in answer["Responses"].get(self._table, [])
            if "price" in item
        ]
        prices |= {last.symbol: last for last in read}
        self._known.update(prices)
        return prices


def last_price_name(symbol: str) -> str:
    """The name of the item in the control table."""
    return f"LAST#{symbol}"
