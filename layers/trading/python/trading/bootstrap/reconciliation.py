"""The reconciliation of the books against their invariants."""

import boto3

from trading.adapters.dynamodb.reconciliation_reader import CLIENT_CONFIG, TableReader
from trading.adapters.dynamodb.reconciliation_reports import TableReports
from trading.adapters.runtime import clock
from trading.bootstrap.settings import ReconciliationSettings
from trading.usecases.posttrade.reconcile_books import ReconcileBooks


def reconcile_books(settings: ReconciliationSettings) -> ReconcileBooks:
    dynamodb = boto3.client("dynamodb", config=CLIENT_CONFIG)
    reader = TableReader(
        dynamodb,
        accounts=settings.accounts_table,
        orders=settings.orders_table,
        ledger=settings.ledger_table,
    )
    return ReconcileBooks(reader, TableReports(dynamodb, settings.control_table), clock.now)
