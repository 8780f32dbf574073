"""Reads all books of the local system, for the final report and the reconciliation."""

from local import seed
from local.aws_client import aws_client
from trading.adapters.dynamodb.reconciliation_reader import TableReader
from trading.domain.reconciliation.snapshot import Snapshot
from workstation.local_system import LocalSystem


def snapshot(system: LocalSystem, *, day_is_over: bool) -> Snapshot:
    """Read everything in the tables. The result is consistent only while nothing moves."""
    names = seed.table_names(system)
    reader = TableReader(
        aws_client(system, "dynamodb"),
        accounts=names.accounts,
        orders=names.orders,
        ledger=names.ledger,
    )
    entities = (entity for page in reader.pages(consistent=True) for entity in page.entities)
    return Snapshot.of(entities, expect_final=day_is_over)
