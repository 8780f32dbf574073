"""Settlement at the depository: the plan, the settlement of a client, the reconciliation."""

from typing import NamedTuple

from trading.adapters.dynamodb.compared_dates import TableComparedDates
from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import Counters
from trading.bootstrap import clients, messaging
from trading.bootstrap.books import table_books
from trading.bootstrap.settings import BooksAndVenueSettings, ComparisonSettings, PlanSettings
from trading.bootstrap.venues import depository
from trading.usecases.posttrade.reconcile_settlement import ReconcileSettlement
from trading.usecases.posttrade.settle_obligations import SettleObligations
from trading.usecases.posttrade.settlement_cycle import (
    AskClients,
    LookAtSettlement,
    PlanSettlement,
)


class PlanSteps(NamedTuple):
    """The steps of the settlement cycle that the plan's function does."""

    ask: AskClients
    look: LookAtSettlement


def plan_steps(settings: PlanSettings) -> PlanSteps:
    books = table_books(settings)
    mailboxes = messaging.mailboxes(settlement_queue_url=settings.settlement_queue_url)
    return PlanSteps(
        AskClients(PlanSettlement(books, clock.now), mailboxes), LookAtSettlement(books)
    )


def settle_obligations(settings: BooksAndVenueSettings) -> SettleObligations:
    return SettleObligations(table_books(settings), depository(settings), Counters(), clock.now)


def reconcile_settlement(settings: ComparisonSettings) -> ReconcileSettlement:
    return ReconcileSettlement(
        table_books(settings),
        TableComparedDates(clients.dynamodb(), settings.control_table),
        depository(settings),
        Counters(),
        clock.now,
        settings.confirmations_per_page,
    )
