"""Orders, in the table `orders`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from trading.adapters.dynamodb.keys import order_key
from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.reads import TableReads
from trading.domain.orders.order import Order
from trading.domain.values import iso
from trading.usecases.ports import SortKey


class TableOrders:
    """The ports `Orders` and `OrderIndex`."""

    def __init__(self, reads: TableReads, table: str) -> None:
        self._reads = reads
        self._table = table

    def order(self, order_id: str) -> Order | None:
        """An order."""
        return self._reads.get(self._table, order_key(order_id), Order)

    def orders(self, order_ids: Iterable[str]) -> Sequence[Order]:
        """Orders, in the order of the ids."""
        order_ids = list(dict.fromkeys(order_ids))
        items = self._reads.get_many(self._table, [order_key(each) for each in order_ids])
        found = {item["order_id"]: load_entity(Order, item) for item in items}
        return [found[order_id] for order_id in order_ids if order_id in found]

    def orders_of(
        self, client_id: str, first: datetime, last: datetime, after: SortKey | None, limit: int
    ) -> tuple[Sequence[SortKey], bool]:
        """The keys of a client's orders accepted from `first` up to and at `last`, newest first,
        and whether there may be more.
        """
        start = None
        if after:
            own = {"client_id": client_id, "accepted_at": iso(after.accepted_at)}
            start = own | order_key(after.order_id)
        items, more = self._reads.newest_of_client(
            self._table,
            "client_id = :client AND accepted_at BETWEEN :first AND :last",
            {":client": client_id, ":first": iso(first), ":last": iso(last)},
            limit,
            start,
        )
        keys = [
            SortKey(datetime.fromisoformat(item["accepted_at"]), item["order_id"]) for item in items
        ]
        return keys, more
