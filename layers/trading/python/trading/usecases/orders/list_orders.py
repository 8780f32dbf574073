"""A client's orders in pages, newest first."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OPEN, OrderStatus
from trading.domain.values import Frozen, Side
from trading.usecases.ports import Accounts, OrderIndex, Orders, SortKey

ROUNDS = 5
ORDERS_A_ROUND = 100
"""One request reads no more. If few orders pass its filter, a page may be short, or empty with more
pages to come.
"""


class OrderFilter(Frozen):
    """The orders that a client asks for. A field that is None matches every order.

    `is_open` includes orders that are pending, because they may still execute in another's place.
    The orders were accepted at or after `first` and before `until`.
    """

    status: OrderStatus | None = None
    is_open: bool | None = None
    symbol: str | None = None
    side: Side | None = None
    first: datetime | None = None
    until: datetime | None = None

    @property
    def latest(self) -> datetime:
        """The latest time of acceptance that matches."""
        return (
            datetime.max.replace(tzinfo=UTC)
            if self.until is None
            else self.until - timedelta(microseconds=1)
        )

    @property
    def earliest(self) -> datetime:
        """The earliest time of acceptance that matches."""
        return self.first or datetime.min.replace(tzinfo=UTC)

    @property
    def only_open(self) -> bool:
        """Whether the account lists every order that can match."""
        return self.is_open is True or self.status in OPEN

    @property
    def matches_all(self) -> bool:
        """Whether every order of its period matches."""
        return (self.status, self.is_open, self.symbol, self.side) == (None, None, None, None)

    def matches(self, order: Order) -> bool:
        return (
            self.status in (None, order.status)
            and self.is_open in (None, order.is_open or order.is_pending)
            and self.symbol in (None, order.symbol)
            and self.side in (None, order.side)
            and self.earliest <= order.accepted_at <= self.latest
        )


EVERY_ORDER = OrderFilter()


def sort_key_of(order: Order) -> SortKey:
    """The position of an order in the list of its client's orders."""
    return SortKey(order.accepted_at, order.order_id)


class OrderListBooks(Orders, OrderIndex, Accounts, Protocol):
    """A client's orders, their index, and the account that lists the open ones."""


@dataclass(frozen=True)
class ListOrders:
    """Lists open orders by the account, which is strongly consistent, and others by an index.

    The index follows the orders after moments. The orders themselves are read as they stand now.
    """

    books: OrderListBooks

    def __call__(
        self, client_id: str, wanted: OrderFilter, after: SortKey | None, limit: int
    ) -> tuple[list[Order], SortKey | None]:
        """A page of the orders after a key, and the key after which the next page begins.

        The second value is None if there is no next page.
        """
        if wanted.only_open:
            return self._page_of_open_orders(client_id, wanted, after, limit)
        found: list[Order] = []
        for _ in range(ROUNDS):
            size = min(limit - len(found), ORDERS_A_ROUND) if wanted.matches_all else ORDERS_A_ROUND
            keys, more = self.books.orders_of(
                client_id, wanted.earliest, wanted.latest, after, size
            )
            for order in self.books.orders(key.order_id for key in keys):
                after = sort_key_of(order)
                if wanted.matches(order):
                    found.append(order)
                if len(found) == limit:
                    return found, after if more or after != keys[-1] else None
            if not more:
                return found, None
        return found, after

    def _page_of_open_orders(
        self, client_id: str, wanted: OrderFilter, after: SortKey | None, limit: int
    ) -> tuple[list[Order], SortKey | None]:
        named = self.books.orders(self.books.account(client_id).open_order_ids)
        orders = sorted(named, key=sort_key_of, reverse=True)
        found = [
            order
            for order in orders
            if wanted.matches(order) and (after is None or sort_key_of(order) < after)
        ]
        return found[:limit], sort_key_of(found[limit - 1]) if len(found) > limit else None
