"""The record of what operators tried."""

from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.adapters.http.operator_record import OperatorRecord
from trading.adapters.runtime import clock
from trading.bootstrap import clients
from trading.bootstrap.settings import AuditSettings


def operator_record(settings: AuditSettings) -> OperatorRecord:
    audit = TableAuditTrail(clients.dynamodb(), settings.audit_table, clock.now)
    return OperatorRecord(audit.write)
