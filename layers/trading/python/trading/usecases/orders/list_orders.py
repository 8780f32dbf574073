"""A client's orders, newest first, by pages."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trading.domain.orders.order import OPEN, Order, OrderStatus
from trading.domain.values import Frozen, Side
from trading.usecases.ports import Books, SortKey

ROUNDS = 5
ORDERS_A_ROUND = 100
"""What a request looks at, at most: with a filter that little passes, a page may be short, or empty
with more to come.
"""


class OrderFilter(Frozen):
    """Which orders; None: any. `is_open`: whether it may still execute, at once or in another's
    place. Accepted from `first` on and before `until`.
    """

    status: OrderStatus | None = None
    is_open: bool | None = None
    symbol: str | None = None
    side: Side | None = None
    first: datetime | None = None
    until: datetime | None = None

    @property
    def last(self) -> datetime:
        """The last moment that is meant."""
        return (
            datetime.max.replace(tzinfo=UTC)
            if self.until is None
            else self.until - timedelta(microseconds=1)
        )

    @property
    def begins(self) -> datetime:
        """The first moment that is meant."""
        return self.first or datetime.min.replace(tzinfo=UTC)

    @property
    def only_open(self) -> bool:
        """Whether the account names all orders that can be meant."""
        return self.is_open is True or self.status in OPEN

    @property
    def takes_all(self) -> bool:
        """Whether every order of its time is meant."""
        return (self.status, self.is_open, self.symbol, self.side) == (None, None, None, None)

    def takes(self, order: Order) -> bool:
        """Whether the order is meant."""
        return (
            self.status in (None, order.status)
            and self.is_open in (None, order.is_open or order.is_pending)
            and self.symbol in (None, order.symbol)
            and self.side in (None, order.side)
            and self.begins <= order.accepted_at <= self.last
        )


def sort_key_of(order: Order) -> SortKey:
    """The position of an order in the list of its client's orders."""
    return SortKey(order.accepted_at, order.order_id)


@dataclass(frozen=True)
class ListOrders:
    """Open orders are those that the account names, strongly consistent; others are found in an
    index, which follows the orders by moments. What is shown of an order is always as it stands.
    """

    books: Books

    def __call__(
        self, client_id: str, wanted: OrderFilter, after: SortKey | None, limit: int
    ) -> tuple[list[Order], SortKey | None]:
        """A page of the orders that come after a key, and where the next page goes on (None:
        there is none).
        """
        if wanted.only_open:
            return self._open(client_id, wanted, after, limit)
        found: list[Order] = []
        for _ in range(ROUNDS):
            size = min(limit - len(found), ORDERS_A_ROUND) if wanted.takes_all else ORDERS_A_ROUND
            keys, more = self.books.orders_of(client_id, wanted.begins, wanted.last, after, size)
            for order in self.books.orders(key.order_id for key in keys):
                after = sort_key_of(order)
                if wanted.takes(order):
                    found.append(order)
                if len(found) == limit:
                    return found, after if more or after != keys[-1] else None
            if not more:
                return found, None
        return found, after

    def _open(
        self, client_id: str, wanted: OrderFilter, after: SortKey | None, limit: int
    ) -> tuple[list[Order], SortKey | None]:
        named = self.books.orders(self.books.account(client_id).open_order_ids)
        orders = sorted(named, key=sort_key_of, reverse=True)
        found = [
            order
            for order in orders
            if wanted.takes(order) and (after is None or sort_key_of(order) < after)
        ]
        return found[:limit], sort_key_of(found[limit - 1]) if len(found) > limit else None
