"""The Reconcile step of SettlementCycle: compares the confirmations with the ledger."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.settlement_reconcile.settings import Settings
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap.settlement import reconcile_settlement
from trading.domain.values import Day, Frozen


class ReconcileRequest(Frozen):
    settlement_date: Day


reconcile = reconcile_settlement(load(Settings))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Take `{settlement_date}`.
    Answer `{settlement_date, confirmations, matched, failed, breaks}`.
    """
    request = ReconcileRequest.model_validate(event)
    return reconcile(request.settlement_date).model_dump(mode="json")
