"""What the routes that change orders have in common."""

from http import HTTPStatus
from typing import Any

from trading.adapters.http.signed_requests import Required
from trading.domain.orders.order import Order

CHANGE: dict[str, Any] = {"permission": "orders:write", "signature": Required.BY_PROFILE}
CANCEL_ANSWERS: dict[int, dict[str, Any]] = {
    200: {"description": "The order is canceled, at the client's request."},
    202: {"description": "The cancel is under way. Fills until the exchange confirms it stand."},
    404: {"description": "There is no such order."},
}


def status_of_cancel(order: Order) -> HTTPStatus:
    return HTTPStatus.ACCEPTED if order.is_open else HTTPStatus.OK
