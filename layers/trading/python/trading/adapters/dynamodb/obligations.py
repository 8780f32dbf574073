"""Obligations at the CCP, in the table `accounts`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from trading.adapters.dynamodb.keys import due_partitions, obligation_key
from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.reads import TableReads
from trading.domain.posttrade.netting import Obligation


class TableObligations:
    """The ports `Obligations` and `ObligationIndex`."""

    def __init__(self, reads: TableReads, table: str) -> None:
        self._reads = reads
        self._table = table

    def obligations(self, client_id: str, up_to: date) -> Sequence[Obligation]:
        """A client's obligations due up to and on a date, oldest first."""
        values = {
            ":client": client_id,
            ":first": "OBLIGATION#",
            ":last": obligation_key(client_id, up_to)["item"] + "$",
        }
        items = self._reads.query(
            self._table,
            "client_id = :client AND #item BETWEEN :first AND :last",
            values,
            {"#item": "item"},
        )
        return [load_entity(Obligation, item) for item in items]

    def obligations_in(
        self, client_id: str, settlement_date: date, symbol: str
    ) -> Sequence[Obligation]:
        """A client's obligations in one symbol on one settlement date."""
        prefix = obligation_key(client_id, settlement_date, symbol)["item"] + "#"
        items = self._reads.query(
            self._table,
            "client_id = :client AND begins_with(#item, :prefix)",
            {":client": client_id, ":prefix": prefix},
            {"#item": "item"},
        )
        return [load_entity(Obligation, item) for item in items]

    def clients_due(
        self, due: date, after: str | None, limit: int
    ) -> tuple[Sequence[str], str | None]:
        """Clients with obligations due on a date, by shard and id, and where the page ended.

        The end is None if the page is the last one.
        """
        number, client_id = _position(after)
        partitions = due_partitions(due)
        found: dict[str, None] = {}
        last = after
        while number < len(partitions):
            for each in self._due(partitions[number], client_id):
                if each not in found and len(found) == limit:
                    return list(found), last
                found[each] = None
                last = f"{number}#{each}"
            number, client_id = number + 1, ""
        return list(found), None

    def number_due(self, due: date) -> int:
        """How many obligations are due on a date."""
        return sum(
            self._reads.count(
                self._table, "due_date = :due", {":due": partition}, index="obligations-due"
            )
            for partition in due_partitions(due)
        )

    def _due(self, partition: str, after: str) -> Iterator[str]:
        """The clients of a partition by their ids, once for each obligation."""
        values = {":due": partition} | ({":after": after} if after else {})
        condition = "due_date = :due" + (" AND client_id > :after" if after else "")
        for item in self._reads.query(self._table, condition, values, index="obligations-due"):
            yield item["client_id"]


def _position(after: str | None) -> tuple[int, str]:
    """The number of the partition in which a page ended, and its last client.

    A cursor of the releases before there were shards names a client alone. Its partition is the
    first one.
    """
    number, separator, client_id = (after or "").partition("#")
    return (int(number), client_id) if separator else (0, number)
