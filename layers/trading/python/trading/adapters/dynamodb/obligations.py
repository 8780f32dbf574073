"""Obligations at the CCP, in the table `accounts`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from trading.adapters.dynamodb.keys import obligation_key
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
        """Clients with obligations due on a date, by their ids, and the last one of the page.

        The last one is None if the page is the last.
        """
        values = {":due": due.isoformat()} | ({":after": after} if after else {})
        condition = "due_date = :due" + (" AND client_id > :after" if after else "")
        found: dict[str, None] = {}
        for item in self._reads.query(self._table, condition, values, index="obligations-due"):
            if item["client_id"] not in found and len(found) == limit:
                return list(found), list(found)[-1]
            found[item["client_id"]] = None
        return list(found), None

    def number_due(self, due: date) -> int:
        """How many obligations are due on a date."""
        values = {":due": due.isoformat()}
        return self._reads.count(self._table, "due_date = :due", values, index="obligations-due")
