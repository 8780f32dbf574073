"""The Plan step of SettlementCycle: the next page of clients with due obligations."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.settlement_plan.settings import Settings
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap.settlement import plan_settlement
from trading.domain.values import Day, Frozen


class PlanRequest(Frozen):
    """Without a date: today. `cursor` comes from the page before."""

    settlement_date: Day | None = None
    cursor: str | None = None


plan = plan_settlement(load(Settings))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Take `{settlement_date?, cursor?}`. Answer `{settlement_date, is_settlement_day, clients:
    [{client_id}], cursor}`.
    """
    request = PlanRequest.model_validate(event)
    page = plan(request.settlement_date, request.cursor)
    logger.info(
        "clients planned",
        settlement_date=page.settlement_date.isoformat(),
        clients=len(page.clients),
    )
    return page.model_dump(mode="json")
