"""/api/v1/orders: place, show, list, replace and cancel orders. The routes of `trades.py` do the
same in another vocabulary.
"""

from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from functions.orders import trades
from functions.orders.changes import CANCEL_ANSWERS, CHANGE, status_of_cancel
from functions.orders.settings import Settings
from trading.adapters.faces.orders import (
    CancelsRequested,
    NewOrder,
    OrderAccepted,
    OrderChanges,
    OrdersPage,
    OrderView,
    accepted,
    order_view,
    page,
)
from trading.adapters.http import periods
from trading.adapters.http.cursors import Cursor, Limit
from trading.adapters.http.digests import digest
from trading.adapters.http.fields import PathId
from trading.adapters.http.idempotency import REPLAYED_HEADER
from trading.adapters.http.problems import HttpError, ProblemCode
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap.orders import orders_api
from trading.domain import identifiers, patterns
from trading.domain.orders.order import Order
from trading.domain.orders.order_request import OrderRequest
from trading.domain.orders.order_status import OrderStatus
from trading.domain.patterns import whole
from trading.domain.values import Side
from trading.usecases.orders.list_orders import OrderFilter
from trading.usecases.ports import NotFoundError

ClientOrderId = Annotated[str, Query(pattern=whole(patterns.IDEMPOTENCY_KEY))]

settings = load(Settings)
api = orders_api(settings)
app = ApiResolver(api.throttle, origins=settings.origins, signed=api.signed)


@app.post(
    "/api/v1/orders",
    **CHANGE,
    status=HTTPStatus.CREATED,
    summary="Place an order",
    tags=["Orders"],
)
def place(order: Annotated[NewOrder, Body()]) -> Response[OrderAccepted]:
    """Place an order. A rejection by a pre-trade check is an answer, not an error: `reason` says
    why. The order is kept, whether accepted or rejected.
    """
    placed, headers = _take(order.request())
    return json_response(
        accepted(placed),
        HTTPStatus.CREATED,
        headers | {"Location": f"/api/v1/orders/{placed.order_id}"},
    )


def _take(request: OrderRequest) -> tuple[Order, dict[str, str]]:
    """The order as it was first accepted or rejected, and the headers of the answer."""
    if request.client_id != app.principal.client_id:
        raise HttpError(
            HTTPStatus.FORBIDDEN,
            ProblemCode.CLIENT_MISMATCH,
            "A client places orders for itself only.",
        )
    placed, replayed = api.place_order(
        request,
        app.idempotency_key,
        digest(request)[:16],
        app.correlation_id,
        app.principal.has_second_factor,
    )
    _log(placed, replayed=replayed)
    return placed, {REPLAYED_HEADER: "true"} if replayed else {}


def _log(order: Order, **facts: object) -> None:
    """Let the log line of the request name the order."""
    logger.append_keys(order_id=order.order_id, order_status=order.status, **facts)


@app.get("/api/v1/orders", permission="orders:read", summary="List orders", tags=["Orders"])
def list_orders(
    status: Annotated[
        OrderStatus | None, Query(description="Only orders with this status now.")
    ] = None,
    state: Annotated[
        Literal["open", "closed"] | None,
        Query(description="`open`: may still execute. `closed`: can no longer execute."),
    ] = None,
    symbol: Annotated[str | None, Query(pattern=whole(patterns.SYMBOL))] = None,
    side: Annotated[Side | None, Query()] = None,
    from_: periods.From = None,
    to: periods.To = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> OrdersPage:
    """The client's orders, newest first by the time of acceptance. `from` and `to` refer to the
    same time. A page may be short or empty and still have a `next_cursor`: continue until there is
    none. Each order is shown in its present state. Without `state=open`, a new order may be missing
    for a moment.
    """
    periods.check(from_, to)
    wanted = OrderFilter(
        status=status,
        is_open=None if state is None else state == "open",
        symbol=symbol,
        side=side,
        first=from_,
        until=to,
    )
    orders, next_cursor = _page(wanted, limit, cursor)
    return OrdersPage.of(orders, next_cursor)


def _page(wanted: OrderFilter, limit: int, cursor: str | None) -> tuple[list[Order], str | None]:
    """A page of the client's orders, and the cursor of the next one."""
    return page(api.find_orders, app.principal.client_id, wanted, limit, cursor)


@app.delete(
    "/api/v1/orders",
    **CHANGE,
    status=HTTPStatus.ACCEPTED,
    summary="Cancel open orders",
    tags=["Orders"],
)
def cancel_all(
    symbol: Annotated[
        str | None,
        Query(pattern=whole(patterns.SYMBOL), description="Cancel orders in this symbol only."),
    ] = None,
    side: Annotated[Side | None, Query(description="Cancel orders of this side only.")] = None,
) -> Response[CancelsRequested]:
    """Cancel every open order, or those of one symbol, of one side, or of both. One request cancels
    at most 100 orders and takes at most five seconds. If the answer says `more`, ask again under
    another Idempotency-Key. A repetition under the same key never cancels an order that was placed
    since. If the request fails, the cancels made so far stand, and a repetition makes the others.
    """
    wanted = OrderFilter(symbol=symbol, side=side)
    outcome = api.idempotency.once(
        app, app.principal.client_id, CancelsRequested, lambda: _cancel_open_orders(wanted)
    )
    return json_response(outcome.answer, HTTPStatus.ACCEPTED, outcome.headers)


def _cancel_open_orders(wanted: OrderFilter) -> CancelsRequested:
    orders, more = api.request_cancel.all(app.principal.client_id, wanted)
    logger.append_keys(orders=len(orders), more=more)
    return CancelsRequested(order_ids=tuple(order.order_id for order in orders), more=more)


@app.get(
    "/api/v1/orders:by_client_order_id",
    permission="orders:read",
    summary="Show an order by the client's own id",
    tags=["Orders"],
    responses={200: {"description": "The order"}, 404: {"description": "There is no such order."}},
)
def show_by_client_order_id(client_order_id: ClientOrderId) -> OrderView:
    """The order that was placed with this Idempotency-Key."""
    return _view(_own(_order_id_of(client_order_id), "client_order_id"))


def _order_id_of(client_order_id: str) -> str:
    return identifiers.order_id(app.principal.client_id, client_order_id)


def _named(parameter: str, value: str) -> str:
    """The id of the order that a path names. It also stands for the order when the request is
    compared under its key.
    """
    order_id = identifiers.named_order_id(app.principal.client_id, value)
    app.compare_as(**{parameter: order_id})
    return order_id


@app.delete(
    "/api/v1/orders:by_client_order_id",
    **CHANGE,
    status=HTTPStatus.ACCEPTED,
    summary="Cancel an order by the client's own id",
    tags=["Orders"],
    responses=CANCEL_ANSWERS,
)
def cancel_by_client_order_id(client_order_id: ClientOrderId) -> Response[OrderView]:
    """`DELETE /api/v1/orders/{order_id}` for the order that was placed with `client_order_id` as
    its Idempotency-Key. The request has an Idempotency-Key of its own.
    """
    return _cancel(_order_id_of(client_order_id), "client_order_id")


@app.delete(
    "/api/v1/orders/<order_id>",
    **CHANGE,
    status=HTTPStatus.ACCEPTED,
    summary="Cancel an order",
    tags=["Orders"],
    responses=CANCEL_ANSWERS,
)
def cancel(order_id: PathId) -> Response[OrderView]:
    """Request the cancel of an order, named by its id or by its client order id. The request is
    accepted once it is written into the order, which shows `cancel_requested` from then on.

    Fills that happen before the exchange confirms the cancel stand. The holds of the order are
    released when it ends. A replacement that waits for the order is canceled immediately.

    While the order is open, a repetition under any key gets the same answer. After that, the answer
    is 200 if the order was canceled at the client's request. Otherwise it is 409 ORDER_CLOSED with
    the `status`, and with `replaced_by` if another order took its place. A request that was refused
    is refused again under its key.
    """
    return _cancel(_named("order_id", order_id), "order_id")


def _cancel(order_id: str, field: str) -> Response[OrderView]:
    order = _request_cancel(order_id, field)
    return json_response(_view(order), status_of_cancel(order))


def _request_cancel(order_id: str, field: str) -> Order:
    """The order as it stands. A cancel that was refused is refused again under its key."""
    client_id = app.principal.client_id
    order = api.idempotency.refused_once(
        app, client_id, lambda: api.request_cancel(client_id, order_id, field)
    )
    _log(order)
    return order


@app.patch(
    "/api/v1/orders/<order_id>",
    **CHANGE,
    status=HTTPStatus.ACCEPTED,
    summary="Replace an order",
    tags=["Orders"],
    responses={
        202: {
            "description": (
                "The new order, RECEIVED. It takes the place of the old one when that has ended."
            )
        }
    },
)
def replace(order_id: PathId, changes: Annotated[OrderChanges, Body()]) -> Response[OrderAccepted]:
    """Replace an order, named by its id or by its client order id, by a new one with changed terms,
    for the part of `quantity` that is not filled.

    The old order is canceled at the exchanges. Fills that happen before they confirm the cancel
    stand, under the old terms. When the old order has ended, the new one is VALIDATED, or REJECTED
    (with REPLACE_TOO_LATE if nothing is left over). Until then, both orders together hold the
    greater of what each needs.

    The request is refused if the new order would be rejected in case the old one ended now. The old
    order then stands. A repetition under the same key gets the same refusal.
    """
    client_id = app.principal.client_id
    replaced = _named("order_id", order_id)
    wanted = changes.wanted()
    new, replayed = api.idempotency.refused_once(
        app,
        client_id,
        lambda: api.replace_order(
            client_id,
            replaced,
            wanted,
            app.idempotency_key,
            digest("replace", replaced, wanted)[:16],
            app.correlation_id,
            app.principal.has_second_factor,
        ),
    )
    _log(new, replaces=replaced, replayed=replayed)
    headers = {"Location": f"/api/v1/orders/{new.order_id}"} | (
        {REPLAYED_HEADER: "true"} if replayed else {}
    )
    return json_response(accepted(new), HTTPStatus.ACCEPTED, headers)


@app.get(
    "/api/v1/orders/<order_id>", permission="orders:read", summary="Show an order", tags=["Orders"]
)
def show(order_id: PathId) -> OrderView:
    """One of the client's orders with its history, executions, clearing and settlement. It is named
    by its id or by its client order id.
    """
    return _view(_own(_named("order_id", order_id), "order_id"))


def _view(order: Order) -> OrderView:
    return order_view(order, api.books.entries(order.trades))


def _own(order_id: str, field: str) -> Order:
    order = api.books.order(order_id)
    if order is None or order.client_id != app.principal.client_id:
        raise NotFoundError("There is no such order.", field=field)
    return order


trades.add_routes(
    app,
    take=_take,
    named=_named,
    own=_own,
    request_cancel=_request_cancel,
    page_of=_page,
)
handler = app.resolve
