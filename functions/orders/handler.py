"""POST /api/v1/orders and GET /api/v1/orders/{order_id}: accept orders and show them."""

import hashlib
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import Field, ValidationInfo, field_validator

from functions.orders.settings import Settings
from trading.adapters import stages, views
from trading.adapters.api import ApiResolver, PathId, json_response
from trading.adapters.clock import now
from trading.adapters.idempotency import REPLAYED_HEADER
from trading.adapters.observability import Counters, logger
from trading.adapters.problems import HttpError
from trading.adapters.settings import load
from trading.domain.orders import OrderRequest
from trading.domain.values import Frozen, Money, OrderType, Side, TimeInForce
from trading.usecases.place_order import PlaceOrder
from trading.usecases.ports import NotFoundError


class NewOrder(Frozen):
    """An order as a client writes it. A limit order carries a price, a market order none."""

    client_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    stock_symbol: str = Field(pattern=r"^[A-Z][A-Z0-9.]{0,11}$")
    quantity: int = Field(gt=0, le=1_000_000_000, strict=True)
    order_type: OrderType
    side: Side
    time_in_force: TimeInForce
    price: Money | None = Field(
        default=None, gt=0, le=Decimal(10_000_000), max_digits=12, decimal_places=4, validate_default=True
    )

    @field_validator("price")
    @classmethod
    def _price_goes_with_type(cls, price: Decimal | None, info: ValidationInfo) -> Decimal | None:
        order_type = info.data.get("order_type")
        if order_type is OrderType.LIMIT and price is None:
            raise ValueError("a limit order needs a price")
        if order_type is OrderType.MARKET and price is not None:
            raise ValueError("a market order carries no price")
        return price


settings = load(Settings)
books = stages.books(settings)
place_order = PlaceOrder(books, stages.lifecycle(settings.order_lifecycle_arn), Counters(), now)
app = ApiResolver(stages.throttle(settings))


@app.post(
    "/api/v1/orders", permission="orders:write", status=HTTPStatus.CREATED, summary="Place an order", tags=["Orders"]
)
def place(order: Annotated[NewOrder, Body()]) -> Response[views.OrderAccepted]:
    """Accepted or rejected, the order is kept. A rejection by the pre-trade checks is an answer, not an error: see `reason`."""
    if order.client_id != app.principal.client_id:
        raise HttpError(HTTPStatus.FORBIDDEN, "CLIENT_MISMATCH", "A client places orders for itself only.")
    request = OrderRequest(
        client_id=order.client_id,
        symbol=order.stock_symbol,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        quantity=order.quantity,
        limit_price=order.price,
    )
    fingerprint = hashlib.sha256(order.model_dump_json().encode()).hexdigest()[:16]
    placed, replayed = place_order(request, app.idempotency_key, fingerprint, app.correlation_id)
    logger.info("order placed", order_id=placed.order_id, status=placed.status, replayed=replayed)
    headers = {"Location": f"/api/v1/orders/{placed.order_id}"} | ({REPLAYED_HEADER: "true"} if replayed else {})
    return json_response(views.accepted(placed), HTTPStatus.CREATED, headers)


@app.get("/api/v1/orders/<order_id>", permission="orders:read", summary="Show an order", tags=["Orders"])
def show(order_id: PathId) -> views.OrderView:
    """An order of the client with its history, executions, clearing and settlement."""
    order = books.order(order_id)
    if order is None or order.client_id != app.principal.client_id:
        raise NotFoundError("There is no such order.", field="order_id")
    return views.order_view(order, books.entries(order.trades))


handler = app.resolve
