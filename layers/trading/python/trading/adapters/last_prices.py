"""The price of the latest execution of each symbol, shared through the control table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from cachetools import TTLCache

from trading.adapters.observability import count, logger
from trading.adapters.tables import load_entity
from trading.adapters.transactions import from_item, to_item
from trading.domain.valuation import LastPrice
from trading.usecases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ_MAX_AGE = timedelta(seconds=5)
WRITE_INTERVAL = timedelta(seconds=5)
OBSERVED_MAX_AGE = timedelta(seconds=10)
BATCH_WRITE_LIMIT = 25
BATCH_GET_LIMIT = 100


class TableLastPrices:
    """The port `LastPrices`.

    What a worker sees executed is written at most every five seconds, in one call, so an order costs no write for it. It is
    written without a condition: a price may replace one that is younger by seconds, never by more than ten. What is lost
    or not answered is dispensable; the next execution makes it good.
    """

    def __init__(self, client: DynamoDBClient, table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._observed: dict[str, LastPrice] = {}
        self._written_at: datetime | None = None
        self._known: TTLCache[str, LastPrice] = TTLCache(
            4096, READ_MAX_AGE.total_seconds(), timer=lambda: clock().timestamp()
        )

    def observe(self, symbol: str, price: Decimal, at: datetime) -> None:
        """Take note of an execution."""
        before = self._observed.get(symbol)
        if before is None or before.time <= at:
            self._observed[symbol] = LastPrice(symbol=symbol, price=price, time=at)
        if self._written_at is None or self._clock() - self._written_at >= WRITE_INTERVAL:
            self._write()

    def latest(self, symbols: Sequence[str]) -> Mapping[str, LastPrice]:
        """The last prices, up to five seconds older than they are written; a symbol without one is left out."""
        found = {symbol: last for symbol in symbols if (last := self._known.get(symbol)) is not None}
        missing = [symbol for symbol in dict.fromkeys(symbols) if symbol not in found]
        try:
            for start in range(0, len(missing), BATCH_GET_LIMIT):
                found |= self._read(missing[start : start + BATCH_GET_LIMIT])
        except (ClientError, BotoCoreError):
            logger.warning("last prices not read", exc_info=True)
            count("LastPricesUnavailable")
        return found

    def _read(self, symbols: Sequence[str]) -> dict[str, LastPrice]:
        request: Any = {self._table: {"Keys": [to_item({"name": last_price_name(symbol)}) for symbol in symbols]}}
        answer = self._client.batch_get_item(RequestItems=request)
        if answer.get("UnprocessedKeys"):
            count("LastPricesUnavailable")
        read = [load_entity(LastPrice, from_item(item)) for item in answer["Responses"].get(self._table, [])]
        prices = {last.symbol: last for last in read}
        self._known.update(prices)
        return prices

    def _write(self) -> None:
        """The youngest first, as many as one call takes. What waited in an idle worker is older than what others wrote."""
        now = self._clock()
        observed = sorted(self._observed.values(), key=lambda last: last.time, reverse=True)
        fresh = [last for last in observed if now - last.time <= OBSERVED_MAX_AGE][:BATCH_WRITE_LIMIT]
        self._observed.clear()
        if not fresh:
            return
        self._written_at = now
        puts = [{"PutRequest": {"Item": to_item(self._item(last))}} for last in fresh]
        request: Any = {self._table: puts}
        try:
            answer = self._client.batch_write_item(RequestItems=request)
            lost = len(answer.get("UnprocessedItems", {}).get(self._table, []))
        except (ClientError, BotoCoreError):
            lost = len(fresh)
        if lost:
            count("LastPricesLost", lost)

    @staticmethod
    def _item(last: LastPrice) -> dict[str, Any]:
        return {"name": last_price_name(last.symbol), **last.model_dump()}


def last_price_name(symbol: str) -> str:
    """The item of a symbol's last price in the control table."""
    return f"LAST#{symbol}"
