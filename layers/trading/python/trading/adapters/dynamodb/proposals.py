"""Proposals of operators, in a table of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from trading.adapters.dynamodb.entity_writes import Location
from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.reads import TableReads
from trading.domain.clients.proposals import Proposal
from trading.domain.values import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PENDING = "PENDING"


class TableProposals:
    """The port `Proposals`. A proposal is read strongly consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._reads = TableReads(client)
        self._table = table

    def proposal(self, proposal_id: str) -> Proposal | None:
        """One proposal."""
        return self._reads.get(self._table, {"proposal_id": proposal_id}, Proposal)

    def pending(self, since: datetime) -> Sequence[Proposal]:
        """Those since a time that nobody has decided, the oldest first."""
        listed = self._reads.query(
            self._table,
            "pending = :pending AND proposed_at > :since",
            {":pending": PENDING, ":since": iso(since)},
            index="pending",
        )
        keys = [{"proposal_id": item["proposal_id"]} for item in listed]
        found = [load_entity(Proposal, item) for item in self._reads.get_many(self._table, keys)]
        return sorted(found, key=lambda each: (each.proposed_at, each.proposal_id))


def proposal_location(proposal: Proposal, table: str) -> Location:
    """Where a proposal is stored. Only an undecided one is listed."""
    index: dict[str, object] = {"expires_at": int(proposal.kept_until.timestamp())}
    if proposal.decision is None:
        index |= {"pending": PENDING}
    return Location(table, {"proposal_id": proposal.proposal_id}, index)
