"""The routes that place, show, list and cancel orders in another vocabulary, as trades."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.orders.changes import CANCEL_ANSWERS, CHANGE, status_of_cancel
from trading.adapters.faces.trade_records import (
    TAGS,
    MarketTradeRequest,
    PlacedTrade,
    TradeHistory,
    TradeRecord,
    TradeRequest,
)
from trading.adapters.http.cursors import Cursor, Limit
from trading.adapters.http.fields import PathId
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.domain.orders.order import Order
from trading.domain.orders.order_request import OrderRequest
from trading.usecases.orders.list_orders import OrderFilter

Record = TypeVar("Record", TradeRecord, PlacedTrade)


def add_routes(
    app: ApiResolver,
    *,
    take: Callable[[OrderRequest], tuple[Order, dict[str, str]]],
    named: Callable[[str, str], str],
    own: Callable[[str, str], Order],
    request_cancel: Callable[[str, str], Order],
    page_of: Callable[[OrderFilter, int, str | None], tuple[list[Order], str | None]],
) -> None:
    """Add the routes. They do with the client's orders what /api/v1/orders does.

    `take` places an order and returns it with the headers of the answer. `named` returns the id of
    the order that a parameter of the path names. `own` and `request_cancel` take that id and the
    parameter. `page_of` returns a page of orders and the cursor of the next one.
    """

    def trade(request: OrderRequest, record: Callable[[Order], Record]) -> Response[Record]:
        placed, headers = take(request)
        location = {"Location": f"/api/v1/trade/{placed.order_id}"}
        return json_response(record(placed.at_acceptance()), HTTPStatus.CREATED, headers | location)

    @app.post(
        "/api/v1/trade/place",
        **CHANGE,
        status=HTTPStatus.CREATED,
        summary="Place a trade",
        tags=TAGS,
    )
    def place_trade(request: Annotated[TradeRequest, Body()]) -> Response[TradeRecord]:
        """`POST /api/v1/orders` in another vocabulary: an order for the day, at the market or at a
        limit. The status of a rejected order is `canceled`. `GET /api/v1/orders/{order_id}` has the
        reason.
        """
        return trade(request.order(app.principal.client_id), TradeRecord.of)

    @app.post(
        "/api/v1/place-trade",
        **CHANGE,
        status=HTTPStatus.CREATED,
        summary="PlaceTrade",
        tags=TAGS,
    )
    def place_market_trade(request: Annotated[MarketTradeRequest, Body()]) -> Response[PlacedTrade]:
        """`POST /api/v1/orders` in another vocabulary: an order at the market. `status` and
        `reason` say whether it was placed or rejected.
        """
        return trade(request.order(app.principal.client_id), PlacedTrade.of)

    @app.get(
        "/api/v1/trade/<trade_id>",
        permission="orders:read",
        summary="Show a trade",
        tags=TAGS,
    )
    def show_trade(trade_id: PathId) -> TradeRecord:
        """`GET /api/v1/orders/{order_id}` in another vocabulary. The id of the trade is the
        order's.
        """
        return TradeRecord.of(own(named("trade_id", trade_id), "trade_id"))

    @app.post(
        "/api/v1/trade/<trade_id>/cancel",
        **CHANGE,
        status=HTTPStatus.ACCEPTED,
        summary="Cancel a trade",
        tags=TAGS,
        responses=CANCEL_ANSWERS,
    )
    def cancel_trade(trade_id: PathId) -> Response[TradeRecord]:
        """`DELETE /api/v1/orders/{order_id}` in another vocabulary. Fills that happen before the
        exchange confirms the cancel stand. The answer shows the trade in its present state.
        """
        order = request_cancel(named("trade_id", trade_id), "trade_id")
        return json_response(TradeRecord.of(order), status_of_cancel(order))

    @app.get(
        "/api/v1/transaction-history",
        permission="orders:read",
        summary="List trades that are over",
        tags=TAGS,
    )
    def transaction_history(limit: Limit = 50, cursor: Cursor = None) -> TradeHistory:
        """`GET /api/v1/orders?state=closed` in another vocabulary: closed trades, newest first."""
        orders, next_cursor = page_of(OrderFilter(is_open=False), limit, cursor)
        return TradeHistory.of(orders, next_cursor)
