"""The audit log of a deployment, as its operators write and read it."""

from ops.target import Target
from trading.adapters.dynamodb.audit import AuditEntry, TableAuditTrail, entry_of
from trading.adapters.dynamodb.transactions import to_item
from trading.adapters.runtime import clock
from trading.domain.clients.roles import LOOK
from workstation.screen import Screen


class AuditLog(TableAuditTrail):
    """What operators do. Entries are written once and never changed."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.dynamodb, target.named("audit"), lambda: clock.now())
        self._target = target

    def record(self, subject: str, action: str, reason: str, **details: str) -> AuditEntry:
        """Write an entry. Whatever it announces must wait until this has returned."""
        return self.write(subject, action, self._target.who, reason, details)

    def by(self, operator: str, *, looks: bool = False) -> list[AuditEntry]:
        """All entries of what an operator did or tried, oldest first: looks, or all else. It reads
        the whole log.
        """
        pages = self._target.dynamodb.get_paginator("scan").paginate(
            TableName=self._target.named("audit"),
            FilterExpression="begins_with(who, :who)",
            ExpressionAttributeValues=to_item({":who": f"{operator} ("}),
            ConsistentRead=True,
        )
        found = [entry_of(item) for page in pages for item in page["Items"]]
        chosen = (entry for entry in found if (entry.action == LOOK) == looks)
        return sorted(chosen, key=lambda entry: entry.at)

    def record_if_possible(self, subject: str, action: str, reason: str, **details: str) -> None:
        """Write an entry, unless the table of the audit log is what has been lost."""
        try:
            self.record(subject, action, reason, **details)
        except self._target.dynamodb.exceptions.ResourceNotFoundException:
            Screen().note("There is no audit log: nothing is recorded.", "yellow")
