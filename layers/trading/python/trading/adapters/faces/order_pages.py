"""A client's orders by pages, for whoever may see them: the client, or an operator."""

import hashlib
import re
from datetime import datetime

from trading.adapters.http import cursors
from trading.adapters.http.resolver import MOMENT_PATTERN
from trading.domain.orders.order import Order
from trading.domain.values import iso
from trading.usecases.orders.list_orders import ListOrders, OrderFilter
from trading.usecases.ports import Place

ORDER_ID = "ord_[0-9a-f]{32}"


def page(
    find_orders: ListOrders, client_id: str, wanted: OrderFilter, limit: int, cursor: str | None
) -> tuple[list[Order], str | None]:
    """Orders, and the cursor of the next page. Raises HttpError 400 for a cursor of another list."""
    binding = hashlib.sha256(f"{client_id} {wanted.model_dump_json()}".encode()).hexdigest()[:16]
    after = None if cursor is None else _place(cursor, binding, wanted)
    orders, place = find_orders(client_id, wanted, after, limit)
    return orders, None if place is None else cursors.encode(
        binding, iso(place.accepted_at), place.order_id
    )


def _place(cursor: str, binding: str, wanted: OrderFilter) -> Place:
    """Where a cursor of this client's list with these filters goes on; any other is refused."""
    bound_to, accepted_at, order_id = cursors.decode(cursor, 3)
    if (
        bound_to != binding
        or not re.fullmatch(MOMENT_PATTERN, accepted_at)
        or not re.fullmatch(ORDER_ID, order_id)
    ):
        raise cursors.invalid()
    try:
        place = Place(datetime.fromisoformat(accepted_at), order_id)
    except ValueError:
        raise cursors.invalid() from None
    if not wanted.begins <= place.accepted_at <= wanted.last:
        raise cursors.invalid()
    return place
