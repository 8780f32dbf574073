"""The audit log: what an operator is about to do is written down first, and afterwards that it was done."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ops.target import Target
from trading.adapters import clock
from trading.adapters.transactions import from_item, to_item
from trading.domain.values import Frozen, Timestamp, iso

MONTHS_BACK = 12


class AuditEntry(Frozen):
    """`details` say to what: queue, message id, body and its hash; an order; a job and its input."""

    subject: str
    at: Timestamp
    action: str
    who: str
    reason: str
    details: dict[str, str]


@dataclass(frozen=True)
class AuditLog:
    """Entries are written once and never changed."""

    target: Target

    def record(self, subject: str, action: str, reason: str, **details: str) -> AuditEntry:
        """Write an entry. Whatever it announces must wait until this has returned."""
        entry = AuditEntry(
            subject=subject, at=clock.now(), action=action, who=self.target.who, reason=reason, details=details
        )
        while not self._put(entry):
            known = self._get(subject, iso(entry.at))
            if known == entry:  # written before, and the answer was lost
                break
            entry = entry.model_copy(update={"at": entry.at + timedelta(microseconds=1)})
        return entry

    def of(self, subject: str) -> list[AuditEntry]:
        """Everything about a subject, oldest first."""
        pages = self.target.dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="subject = :subject",
            ExpressionAttributeValues=to_item({":subject": subject}),
            ConsistentRead=True,
        )
        return [_entry(item) for page in pages for item in page["Items"]]

    def latest(self, limit: int) -> list[AuditEntry]:
        """The latest entries of the last twelve months, newest first."""
        found: list[AuditEntry] = []
        now = clock.now()
        for back in range(MONTHS_BACK):
            year, month = divmod(now.year * 12 + now.month - 1 - back, 12)
            answer = self.target.dynamodb.query(
                TableName=self._table,
                IndexName="by-month",
                KeyConditionExpression="#month = :month",
                ExpressionAttributeNames={"#month": "month"},
                ExpressionAttributeValues=to_item({":month": f"{year}-{month + 1:02}"}),
                ScanIndexForward=False,
                Limit=limit - len(found),
            )
            keys = map(from_item, answer["Items"])
            found += [entry for key in keys if (entry := self._get(key["subject"], key["at"]))]
            if len(found) >= limit:
                break
        return found

    @property
    def _table(self) -> str:
        return self.target.named("audit")

    def _put(self, entry: AuditEntry) -> bool:
        dynamodb = self.target.dynamodb
        item = to_item(entry.model_dump() | {"at": iso(entry.at), "month": iso(entry.at)[:7]})
        try:
            dynamodb.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(subject)")
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _get(self, subject: str, at: str) -> AuditEntry | None:
        key = to_item({"subject": subject, "at": at})
        answer = self.target.dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _entry(answer["Item"]) if "Item" in answer else None


def _entry(item: Any) -> AuditEntry:
    return AuditEntry.model_validate({k: v for k, v in from_item(item).items() if k != "month"})
