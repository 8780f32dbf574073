"""SettlementCycle, Reconcile: the depository's confirmations against our ledger."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.settlement_reconcile.settings import Settings
from trading import bootstrap
from trading.adapters.runtime.clock import now
from trading.adapters.runtime.observability import Counters, logger
from trading.adapters.runtime.settings import load
from trading.domain.values import Day, Frozen
from trading.usecases.posttrade.settlement_cycle import ReconcileSettlement


class ReconcileRequest(Frozen):
    """The settlement date to reconcile."""

    settlement_date: Day


settings = load(Settings)
reconcile = ReconcileSettlement(
    bootstrap.books(settings), bootstrap.depository(settings), Counters(), now
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """{settlement_date} in; {settlement_date, confirmations, matched, failed, breaks} out."""
    request = ReconcileRequest.model_validate(event)
    return reconcile(request.settlement_date).model_dump(mode="json")
