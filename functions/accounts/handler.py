"""GET /api/v1/balance, /positions, /portfolio, /trades, /transactions: what a client owns, what it
may do with it, how it came.
"""

import hashlib
import re
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from functions.accounts.settings import Settings
from trading.adapters.faces import trade_records
from trading.adapters.faces.trade_records import BalanceRecord, PortfolioRecord
from trading.adapters.http import csv_pages, cursors, periods
from trading.adapters.http.cursors import Cursor, Limit
from trading.adapters.http.periods import From, To
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.runtime.settings import load
from trading.bootstrap.accounts import accounts_api
from trading.domain.accounts.balances import Balances
from trading.domain.accounts.movements import Movement, MovementType, Trade
from trading.domain.accounts.valuation import Holding, Portfolio
from trading.domain.values import Frozen, Side
from trading.usecases.accounts.list_movements import LedgerFilter, LineKey

PERMISSION = "accounts:read"
SYMBOL = r"[A-Z][A-Z0-9.]{0,11}"
PAGE = 50
SORT_KEY = r"\d{4}-\d\d-\d\dT[0-9:.]{15}Z#[A-Za-z0-9_]{1,64}#[A-Z]{1,16}"


class PositionsPage(Frozen):
    """Positions by symbol; with a `next_cursor` there are more."""

    items: tuple[Holding, ...]
    next_cursor: str | None


class TradesPage(Frozen):
    """Trades, newest first. With a `next_cursor` there may be more, also when `items` is short or
    empty.
    """

    items: tuple[Trade, ...]
    next_cursor: str | None


class TransactionsPage(Frozen):
    """Lines of the statement, newest first. With a `next_cursor` there may be more, also when
    `items` is short or empty.
    """

    items: tuple[Movement, ...]
    next_cursor: str | None


api = accounts_api(load(Settings))
app = ApiResolver(api.throttle)


@app.get(
    "/api/v1/balance", permission=PERMISSION, summary="Show the cash balance", tags=["Accounts"]
)
def balance() -> Balances:
    """The client's cash, read strongly consistent."""
    return api.accounts.balance(app.principal.client_id)


@app.get("/api/v1/positions", permission=PERMISSION, summary="List positions", tags=["Accounts"])
def positions(
    limit: Limit = PAGE,
    cursor: Cursor = None,
    closed: Annotated[
        bool, Query(description="With positions that are closed; they keep their realised profit.")
    ] = False,
) -> PositionsPage:
    """The client's positions by symbol, read strongly consistent and valued at the last price."""
    after = None
    if cursor is not None:
        (after,) = cursors.decode(cursor, 1)
        if not re.fullmatch(SYMBOL, after):
            raise cursors.invalid()
    page, last = api.accounts.positions(app.principal.client_id, closed, after, limit)
    return PositionsPage(items=tuple(page), next_cursor=cursors.encode(last) if last else None)


@app.get(
    "/api/v1/positions/<symbol>",
    permission=PERMISSION,
    summary="Show a position",
    tags=["Accounts"],
)
def position(symbol: Annotated[str, Path(pattern=f"^{SYMBOL}$")]) -> Holding:
    """The client's position in one symbol, open or closed."""
    return api.accounts.position(app.principal.client_id, symbol)


@app.get(
    "/api/v1/portfolio", permission=PERMISSION, summary="Show the portfolio", tags=["Accounts"]
)
def portfolio() -> Portfolio:
    """The client's cash and open positions of one moment: a fill shows in both or in neither."""
    return api.accounts.portfolio(app.principal.client_id)


@app.get(
    "/api/v1/trade/balance",
    permission=PERMISSION,
    summary="Show the balance",
    tags=trade_records.TAGS,
)
def trade_balance() -> BalanceRecord:
    """`GET /api/v1/balance` in fewer words."""
    client_id = app.principal.client_id
    return BalanceRecord.of(client_id, api.accounts.balance(client_id))


@app.get(
    "/api/v1/trade/portfolio",
    permission=PERMISSION,
    summary="Show the holdings",
    tags=trade_records.TAGS,
)
def trade_portfolio() -> PortfolioRecord:
    """`GET /api/v1/portfolio` in fewer words."""
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
    symbol: Annotated[str | None, Query(pattern=f"^{SYMBOL}$")] = None,
    side: Annotated[Side | None, Query()] = None,
    from_: From = None,
    to: To = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> Response[Any]:
    """Each execution of the client's orders, newest first by the time of its booking, which `from`
    and `to` mean too. A new one may be missing for a moment. With `Accept: text/csv`, a page is CSV
    with a header, and the next one is named by a `Link`.
    """
    wanted = LedgerFilter(symbol=symbol, side=side, first=from_, until=to)
    client_id, binding, after = _asked("trades", wanted, cursor)
    page, last = api.list_movements.trades(client_id, wanted, after, limit)
    return _answer(TradesPage, Trade, page, _cursor(binding, last))


@app.get(
    "/api/v1/transactions",
    permission=PERMISSION,
    summary="List transactions",
    tags=["Accounts"],
    responses=csv_pages.documented(TransactionsPage, "Transactions, newest first"),
)
def transactions(
    type_: Annotated[MovementType | None, Query(alias="type")] = None,
    symbol: Annotated[str | None, Query(pattern=f"^{SYMBOL}$")] = None,
    from_: From = None,
    to: To = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> Response[Any]:
    """The statement: every movement of the client's cash and shares, newest first by the time of
    its booking. The lines of a trade stand together at the time of the trade, with its settlement
    as soon as there is one; `from` and `to` mean that time. The sum of all lines is the balance.
    With `Accept: text/csv`, a page is CSV with a header, and the next one is named by a `Link`.
    """
    wanted = LedgerFilter(type=type_, symbol=symbol, first=from_, until=to)
    client_id, binding, after = _asked("transactions", wanted, cursor)
    page, last = api.list_movements.movements(client_id, wanted, after, limit)
    return _answer(TransactionsPage, Movement, page, _cursor(binding, last))


def _asked(of: str, wanted: LedgerFilter, cursor: str | None) -> tuple[str, str, LineKey | None]:
    """Who asks, what a cursor of this client's list with these filters is bound to, and where this
    one goes on.
    """
    periods.check(wanted.first, wanted.until)
    client_id = app.principal.client_id
    binding = hashlib.sha256(f"{of} {client_id} {wanted.model_dump_json()}".encode()).hexdigest()[
        :16
    ]
    if cursor is None:
        return client_id, binding, None
    bound_to, sort_key, line = cursors.decode(cursor, 3)
    if (
        bound_to != binding
        or not re.fullmatch(SORT_KEY, sort_key)
        or not wanted.begins <= sort_key <= wanted.ends
    ):
        raise cursors.invalid()
    return client_id, binding, LineKey(sort_key, line)


def _cursor(binding: str, last: LineKey | None) -> str | None:
    return None if last is None else cursors.encode(binding, *last)


def _answer(
    page: type[TradesPage | TransactionsPage],
    row: type[Frozen],
    rows: list[Any],
    cursor: str | None,
) -> Response[Any]:
    if csv_pages.wanted(app.event.headers.get("accept")):
        return csv_pages.page(app.event, row, rows, cursor)
    return json_response(page(items=tuple(rows), next_cursor=cursor), headers={"Vary": "Accept"})


handler = app.resolve
