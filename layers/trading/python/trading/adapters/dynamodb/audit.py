"""The audit log. An action has an entry before it is done, and one after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from trading.adapters.dynamodb.transactions import from_item, to_item
from trading.domain.clients.roles import LOOK
from trading.domain.values import Frozen, Timestamp, iso
from trading.usecases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MONTHS_BACK = 12


class AuditEntry(Frozen):
    """Who did what, when and why.

    `details` say to what: a queue, message id, body and its hash; an order; a job and its input; or
    a client's limits.
    """

    subject: str
    at: Timestamp
    action: str
    who: str
    reason: str
    details: dict[str, str]

    def moved_on(self) -> AuditEntry:
        """The same entry a microsecond later, for when another has taken its time."""
        return self.but(at=self.at + timedelta(microseconds=1))


class TableAuditTrail:
    """The port `AuditTrail`. Entries never change."""

    def __init__(self, client: DynamoDBClient, table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def write(
        self, subject: str, action: str, who: str, reason: str, details: Mapping[str, str]
    ) -> AuditEntry:
        """Write an entry. The caller does what the entry announces only after this has returned."""
        entry = AuditEntry(
            subject=subject,
            at=self._clock(),
            action=action,
            who=who,
            reason=reason,
            details=dict(details),
        )
        while not self._put(entry):
            known = self._get(subject, iso(entry.at))
            if known == entry:  # It was written before, and the answer was lost.
                break
            entry = entry.moved_on()
        return entry

    def of(self, subject: str) -> list[AuditEntry]:
        """All entries about a subject, oldest first."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="subject = :subject",
            ExpressionAttributeValues=to_item({":subject": subject}),
            ConsistentRead=True,
        )
        return [entry_of(item) for page in pages for item in page["Items"]]

    def latest(self, limit: int, *, looks: bool = False) -> list[AuditEntry]:
        """The latest entries of the last twelve months, newest first: of looks, or of all else."""
        found: list[AuditEntry] = []
        now = self._clock()
        for back in range(MONTHS_BACK):
            year, month = divmod(now.year * 12 + now.month - 1 - back, 12)
            answer = self._client.query(
                TableName=self._table,
                IndexName="by-month",
                KeyConditionExpression="#month = :month",
                ExpressionAttributeNames={"#month": "month"},
                ExpressionAttributeValues=to_item(
                    {":month": _partition(f"{year}-{month + 1:02}", looks)}
                ),
                ScanIndexForward=False,
                Limit=limit - len(found),
            )
            keys = map(from_item, answer["Items"])
            found += [entry for key in keys if (entry := self._get(key["subject"], key["at"]))]
            if len(found) >= limit:
                break
        return found

    def _put(self, entry: AuditEntry) -> bool:
        month = _partition(iso(entry.at)[:7], entry.action == LOOK)
        item = to_item(entry.model_dump() | {"at": iso(entry.at), "month": month})
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(subject)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _get(self, subject: str, at: str) -> AuditEntry | None:
        key = to_item({"subject": subject, "at": at})
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return entry_of(answer["Item"]) if "Item" in answer else None


def _partition(month: str, looks: bool) -> str:
    """The key of a month in the index: of its looks, or of all else."""
    return f"{month} {LOOK}" if looks else month


def entry_of(item: Any) -> AuditEntry:
    return AuditEntry.model_validate({k: v for k, v in from_item(item).items() if k != "month"})
