"""The Reconcile step of SettlementCycle: compares new confirmations with the ledger."""

from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ConfigDict

from functions.settlement_reconcile.settings import Settings
from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap.settlement import reconcile_settlement
from trading.domain.deadline import Deadline
from trading.domain.values import Day, Frozen
from trading.usecases.posttrade.reconcile_settlement import Comparison

A_PAGE = timedelta(seconds=60)


class ReconcileRequest(Frozen):
    """The state of the workflow: an answer of the plan, of a look or of the page before. Everything
    but the date and the comparison is ignored.
    """

    model_config = ConfigDict(extra="ignore")

    settlement_date: Day
    comparison: Comparison | None = None


reconcile = reconcile_settlement(load(Settings))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Take `{settlement_date, comparison?}`. Answer `{settlement_date, confirmations, matched,
    pending, failed, breaks, unsettled_clients, comparison}`. If `comparison` is not null, the next
    page needs it.
    """
    request = ReconcileRequest.model_validate(event)
    deadline = Deadline.after(A_PAGE, clock.now)
    agreement = reconcile(request.settlement_date, request.comparison, deadline)
    return agreement.model_dump(mode="json")
