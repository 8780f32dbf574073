"""GET /api/v1/balance, /api/v1/positions, /api/v1/portfolio: what a client owns and what it may do with it."""

import re
from typing import Annotated

import boto3
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from functions.accounts.settings import Settings
from trading.adapters import cursors, stages
from trading.adapters.api import ApiResolver
from trading.adapters.aws import DISPENSABLE_CONFIG
from trading.adapters.clock import now
from trading.adapters.cursors import Cursor, Limit
from trading.adapters.last_prices import TableLastPrices
from trading.adapters.settings import load
from trading.domain.balances import Balances
from trading.domain.valuation import Holding, Portfolio
from trading.domain.values import Frozen
from trading.usecases.show_accounts import ShowAccounts

PERMISSION = "accounts:read"
SYMBOL = r"[A-Z][A-Z0-9.]{0,11}"
PAGE = 50


class PositionsPage(Frozen):
    """Positions by symbol; with a `next_cursor` there are more."""

    items: tuple[Holding, ...]
    next_cursor: str | None


settings = load(Settings)
prices = TableLastPrices(boto3.client("dynamodb", config=DISPENSABLE_CONFIG), settings.control_table, now)
accounts = ShowAccounts(stages.books(settings), prices)
app = ApiResolver(stages.throttle(settings))


@app.get("/api/v1/balance", permission=PERMISSION, summary="Show the cash balance", tags=["Accounts"])
def balance() -> Balances:
    """The client's cash, read strongly consistent."""
    return accounts.balance(app.principal.client_id)


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
    page, last = accounts.positions(app.principal.client_id, closed, after, limit)
    return PositionsPage(items=tuple(page), next_cursor=cursors.encode(last) if last else None)


@app.get("/api/v1/positions/<symbol>", permission=PERMISSION, summary="Show a position", tags=["Accounts"])
def position(symbol: Annotated[str, Path(pattern=f"^{SYMBOL}$")]) -> Holding:
    """The client's position in one symbol, open or closed."""
    return accounts.position(app.principal.client_id, symbol)


@app.get("/api/v1/portfolio", permission=PERMISSION, summary="Show the portfolio", tags=["Accounts"])
def portfolio() -> Portfolio:
    """The client's cash and open positions of one moment: a fill shows in both or in neither."""
    return accounts.portfolio(app.principal.client_id)


handler = app.resolve
