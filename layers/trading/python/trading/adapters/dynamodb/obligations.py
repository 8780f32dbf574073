"""Obligations at the CCP, in the table `accounts`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from trading.adapters.dynamodb.keys import (
    due_order,
    due_shards,
    obligation_key,
)
from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.reads import TableReads
from trading.domain.posttrade.netting import Obligation

BY_SHARD, EARLIER = "due-by-shard", "obligations-due"
"""The index of what is due, and that of the releases before there were shards."""


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
        self, first: date, last: date, after: str | None, limit: int
    ) -> tuple[Sequence[str], str | None]:
        """Clients with obligations due on these dates or between, and where the page ended.

        The end is None if the page is the last one. A client may be on several pages.
        """
        found: dict[str, None] = {}
        end = after
        for position, client_id in self._due(first, last, after):
            if client_id not in found and len(found) == limit:
                return list(found), end
            found[client_id] = None
            end = position
        return list(found), None

    def due_since(self, first: date, last: date) -> date | None:
        """The oldest of these dates, or between, on which something is due. None: nothing is."""
        listed = (
            next(self._query_shard(shard, first, last, limit=1), None) for shard in due_shards()
        )
        oldest = [_date_of(item["due_order"]) for item in listed if item]
        for day in _days(first, min(oldest, default=last)):
            if self._earlier_release(day, "", limit=1):
                return day
        return min(oldest, default=None)

    def number_due(self, first: date, last: date) -> int:
        """How many obligations are due on these dates or between."""
        sharded = sum(
            self._reads.count(self._table, *_in_shard(shard, first, last), index=BY_SHARD)
            for shard in due_shards()
        )
        return sharded + sum(
            self._reads.count(
                self._table, "due_date = :due", {":due": day.isoformat()}, index=EARLIER
            )
            for day in _days(first, last)
        )

    def _due(self, first: date, last: date, after: str | None) -> Iterator[tuple[str, str]]:
        """The clients of all obligations after a position, each with its own position.

        Those of earlier releases come first, by date and id. Then come the shards, each by date and
        id. A position in a shard begins with its name. Any other is one of an earlier release.
        """
        shards = due_shards()
        shard = next((each for each in shards if (after or "").startswith(f"{each}@")), None)
        if shard is None:
            begun, _, client_id = (after or due_order(first)).partition("#")
            for day in _days(date.fromisoformat(begun), last):
                for each in self._earlier_release(day, client_id):
                    yield due_order(day, each), each
                client_id = ""
        for each_shard in shards[shards.index(shard) if shard else 0 :]:
            position = (after or "").removeprefix(f"{shard}@") if each_shard == shard else None
            for item in self._query_shard(each_shard, first, last, position):
                yield f"{each_shard}@{item['due_order']}", item["due_order"].partition("#")[2]

    def _query_shard(
        self,
        shard: str,
        first: date,
        last: date,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        condition, values = _in_shard(shard, first, last)
        if after:
            # `!` comes before every character of an id: this is the first key after the client's.
            values |= {":first": f"{after}!"}
        return self._reads.query(self._table, condition, values, index=BY_SHARD, limit=limit)

    def _earlier_release(self, day: date, after: str, limit: int | None = None) -> Sequence[str]:
        """The clients with obligations of a date that a release without shards wrote."""
        values = {":due": day.isoformat()} | ({":after": after} if after else {})
        condition = "due_date = :due" + (" AND client_id > :after" if after else "")
        items = self._reads.query(self._table, condition, values, index=EARLIER, limit=limit)
        return list(dict.fromkeys(item["client_id"] for item in items))


def _in_shard(shard: str, first: date, last: date) -> tuple[str, dict[str, Any]]:
    """The condition and the values for the obligations of a shard on these dates or between."""
    values = {":shard": shard, ":first": due_order(first), ":last": due_order(last, "~")}
    return "due_shard = :shard AND due_order BETWEEN :first AND :last", values


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _date_of(order: str) -> date:
    return date.fromisoformat(order.partition("#")[0])
