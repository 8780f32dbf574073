"""GET /api/v1/balance, /positions, /portfolio, /trades and /transactions: what a client owns, and
the trades and transfers behind it.
"""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from functions.accounts.settings import Settings
from trading.adapters.faces import trade_records
from trading.adapters.faces.accounts import (
    LineCursors,
    PositionCursors,
    PositionsPage,
    TradesPage,
    TransactionsPage,
)
from trading.adapters.faces.trade_records import BalanceRecord, PortfolioRecord
from trading.adapters.http import csv_pages, periods
from trading.adapters.http.cursors import Cursor, Limit
from trading.adapters.http.periods import From, To
from trading.adapters.http.request_reading import list_header
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.runtime.settings import load
from trading.bootstrap.accounts import accounts_api
from trading.domain import patterns
from trading.domain.accounts.balances import Balances
from trading.domain.accounts.movements import Movement, MovementType, Trade
from trading.domain.accounts.valuation import Holding, Portfolio
from trading.domain.patterns import whole
from trading.domain.values import Frozen, Side
from trading.usecases.accounts.list_movements import LedgerFilter

PERMISSION = "accounts:read"
PAGE = 50


settings = load(Settings)
api = accounts_api(settings)
app = ApiResolver(api.throttle, origins=settings.origins)


@app.get(
    "/api/v1/balance", permission=PERMISSION, summary="Show the cash balance", tags=["Accounts"]
)
def balance() -> Balances:
    """The client's cash. The read is strongly consistent."""
    return api.accounts.balance(app.principal.client_id)


@app.get("/api/v1/positions", permission=PERMISSION, summary="List positions", tags=["Accounts"])
def positions(
    limit: Limit = PAGE,
    cursor: Cursor = None,
    closed: Annotated[
        bool, Query(description="Include closed positions, which keep their realised profit.")
    ] = False,
) -> PositionsPage:
    """The client's positions by symbol, valued at the last price.
    The read is strongly consistent.
    """
    listed = PositionCursors(app.principal.client_id, closed)
    page, last = api.accounts.positions(listed.client_id, closed, listed.decode(cursor), limit)
    return PositionsPage(items=tuple(page), next_cursor=listed.encode(last))


@app.get(
    "/api/v1/positions/<symbol>",
    permission=PERMISSION,
    summary="Show a position",
    tags=["Accounts"],
)
def position(symbol: Annotated[str, Path(pattern=whole(patterns.SYMBOL))]) -> Holding:
    """The client's position in one symbol, open or closed."""
    return api.accounts.position(app.principal.client_id, symbol)


@app.get(
    "/api/v1/portfolio", permission=PERMISSION, summary="Show the portfolio", tags=["Accounts"]
)
def portfolio() -> Portfolio:
    """The client's cash and open positions at one moment: a fill shows in both or in neither."""
    return api.accounts.portfolio(app.principal.client_id)


@app.get(
    "/api/v1/trade/balance",
    permission=PERMISSION,
    summary="Show the balance",
    tags=trade_records.TAGS,
)
def trade_balance() -> BalanceRecord:
    """`GET /api/v1/balance` in another vocabulary."""
    client_id = app.principal.client_id
    return BalanceRecord.of(client_id, api.accounts.balance(client_id))


@app.get(
    "/api/v1/trade/portfolio",
    permission=PERMISSION,
    summary="Show the holdings",
    tags=trade_records.TAGS,
)
def trade_portfolio() -> PortfolioRecord:
    """`GET /api/v1/portfolio` in another vocabulary."""
    client_id = app.principal.client_id
    return PortfolioRecord.of(client_id, api.accounts.portfolio(client_id))


@app.get(
    "/api/v1/trades",
    permission=PERMISSION,
    summary="List trades",
    tags=["Accounts"],
    responses=csv_pages.documented(TradesPage, "Trades, newest first"),
)
def trades(
    symbol: Annotated[str | None, Query(pattern=whole(patterns.SYMBOL))] = None,
    side: Annotated[Side | None, Query()] = None,
    from_: From = None,
    to: To = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> Response[Any]:
    """Each execution of the client's orders, newest first by booking time. `from` and `to` refer to
    the booking time. A new execution may be missing for a moment. With `Accept: text/csv`, a page
    is CSV with a header row, and a `Link` names the next page.
    """
    wanted = LedgerFilter(symbol=symbol, side=side, first=from_, until=to)
    periods.check(from_, to)
    lines = LineCursors("trades", app.principal.client_id, wanted)
    page, last = api.list_movements.trades(lines.client_id, wanted, lines.decode(cursor), limit)
    return _answer(TradesPage, Trade, page, lines.encode(last))


@app.get(
    "/api/v1/transactions",
    permission=PERMISSION,
    summary="List transactions",
    tags=["Accounts"],
    responses=csv_pages.documented(TransactionsPage, "Transactions, newest first"),
)
def transactions(
    type_: Annotated[MovementType | None, Query(alias="type")] = None,
    symbol: Annotated[str | None, Query(pattern=whole(patterns.SYMBOL))] = None,
    from_: From = None,
    to: To = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> Response[Any]:
    """The statement: every movement of the client's cash and shares, newest first by booking time.
    The lines of a trade, including its settlement, stand together at the time of the trade. `from`
    and `to` refer to that time. The sum of all lines is the balance. With `Accept: text/csv`, a
    page is CSV with a header row, and a `Link` names the next page.
    """
    wanted = LedgerFilter(type=type_, symbol=symbol, first=from_, until=to)
    periods.check(from_, to)
    lines = LineCursors("transactions", app.principal.client_id, wanted)
    page, last = api.list_movements.movements(lines.client_id, wanted, lines.decode(cursor), limit)
    return _answer(TransactionsPage, Movement, page, lines.encode(last))


def _answer(
    page: type[TradesPage | TransactionsPage],
    row: type[Frozen],
    rows: list[Any],
    cursor: str | None,
) -> Response[Any]:
    if csv_pages.wanted(list_header(app.event, "accept")):
        return csv_pages.page(app.event, row, rows, cursor)
    return json_response(page(items=tuple(rows), next_cursor=cursor), headers={"Vary": "Accept"})


handler = app.resolve
