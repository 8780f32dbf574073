"""The audit log of a deployment, as its operators write and read it."""

from ops.target import Target
from trading.adapters.dynamodb.audit import AuditEntry, TableAuditTrail
from trading.adapters.runtime import clock
from workstation.screen import Screen


class AuditLog(TableAuditTrail):
    """What operators do. Entries are written once and never changed."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.dynamodb, target.named("audit"), lambda: clock.now())
        self._target = target

    def record(self, subject: str, action: str, reason: str, **details: str) -> AuditEntry:
        """Write an entry. Whatever it announces must wait until this has returned."""
        return self.write(subject, action, self._target.who, reason, details)

    def record_if_possible(self, subject: str, action: str, reason: str, **details: str) -> None:
        """Write an entry, unless the table of the audit log is what has been lost."""
        try:
            self.record(subject, action, reason, **details)
        except self._target.dynamodb.exceptions.ResourceNotFoundException:
            Screen().note("There is no audit log: nothing is recorded.", "yellow")
