"""Settlement at the depository: the plan, the settlement of a client, the reconciliation."""

from trading.adapters.dynamodb.compared_dates import TableComparedDates
from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import Counters
from trading.bootstrap import clients
from trading.bootstrap.books import table_books
from trading.bootstrap.settings import BooksAndVenueSettings, BooksSettings, ComparisonSettings
from trading.bootstrap.venues import depository
from trading.usecases.posttrade.settle_obligations import SettleObligations
from trading.usecases.posttrade.settlement_cycle import PlanSettlement, ReconcileSettlement


def plan_settlement(settings: BooksSettings) -> PlanSettlement:
    return PlanSettlement(table_books(settings), clock.now)


def settle_obligations(settings: BooksAndVenueSettings) -> SettleObligations:
    return SettleObligations(table_books(settings), depository(settings), Counters(), clock.now)


def reconcile_settlement(settings: ComparisonSettings) -> ReconcileSettlement:
    return ReconcileSettlement(
        table_books(settings),
        TableComparedDates(clients.dynamodb(), settings.control_table),
        depository(settings),
        Counters(),
        clock.now,
    )
