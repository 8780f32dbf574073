"""The clearing of trades."""

from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import Counters
from trading.bootstrap.books import table_books
from trading.bootstrap.settings import BooksSettings
from trading.usecases.posttrade.clear_trades import ClearTrades


def clear_trades(settings: BooksSettings) -> ClearTrades:
    return ClearTrades(table_books(settings), Counters(), clock.now)
