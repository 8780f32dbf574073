"""A client's orders by pages, for whoever may see them: the client, or an operator."""

import hashlib
import re
from datetime import datetime

from trading.adapters.http import cursors
from trading.adapters.http.resolver import MOMENT_PATTERN
from trading.domain.orders.order import Order
from trading.domain.values import iso
from trading.usecases.orders.list_orders import ListOrders, OrderFilter
from trading.usecases.ports import SortKey

ORDER_ID = "ord_[0-9a-f]{32}"


def page(
    find_orders: ListOrders, client_id: str, wanted: OrderFilter, limit: int, cursor: str | None
) -> tuple[list[Order], str | None]:
    """Orders, and the cursor of the next page. Raises HttpError 400 for a cursor of another list."""
    binding = hashlib.sha256(f"{client_id} {wanted.model_dump_json()}".encode()).hexdigest()[:16]
    after = None if cursor is None else _sort_key(cursor, binding, wanted)
    orders, sort_key = find_orders(client_id, wanted, after, limit)
    return orders, None if sort_key is None else cursors.encode(
        binding, iso(sort_key.accepted_at), sort_key.order_id
    )


def _sort_key(cursor: str, binding: str, wanted: OrderFilter) -> SortKey:
    """Where a cursor of this client's list with these filters goes on; any other is refused."""
    bound_to, accepted_at, order_id = cursors.decode(cursor, 3)
    if (
        bound_to != binding
        or not re.fullmatch(MOMENT_PATTERN, accepted_at)
        or not re.fullmatch(ORDER_ID, order_id)
    ):
        raise cursors.invalid()
    try:
        sort_key = SortKey(datetime.fromisoformat(accepted_at), order_id)
    except ValueError:
        raise cursors.invalid() from None
    if not wanted.earliest <= sort_key.accepted_at <= wanted.latest:
        raise cursors.invalid()
    return sort_key
