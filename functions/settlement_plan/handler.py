"""The Plan and Look steps of SettlementCycle: ask the clients with due obligations to settle, and
look how many obligations are left.
"""

from typing import Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.settlement_plan.settings import Settings
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap.settlement import plan_steps
from trading.domain.values import Day, Frozen
from trading.usecases.posttrade.settlement_cycle import Progress


class PlanRequest(Frozen):
    """Without a date: today. `cursor` and `progress` come from the page before.

    `asked`: how many clients the page before asked. It only informs the execution's history.
    """

    settlement_date: Day | None = None
    is_settlement_day: bool = True
    asked: int = 0
    cursor: str | None = None
    progress: Progress | None = None


class PlanEvent(Frozen):
    """`correlation_id`: the name of the execution."""

    step: Literal["plan"]
    correlation_id: str
    request: PlanRequest


class LookEvent(Frozen):
    step: Literal["look"]
    settlement_date: Day
    progress: Progress


steps = plan_steps(load(Settings))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """`{step: "plan", correlation_id, request: {settlement_date?, cursor?, progress?}}` gives
    `{settlement_date, is_settlement_day, asked, cursor, progress}`.

    `{step: "look", settlement_date, progress}` gives `{settlement_date, progress}`.
    """
    if event.get("step") == "look":
        look = LookEvent.model_validate(event)
        progress = steps.look(look.settlement_date, look.progress).model_dump(mode="json")
        answer = {"settlement_date": look.settlement_date.isoformat(), "progress": progress}
    else:
        plan = PlanEvent.model_validate(event)
        request = plan.request
        page = steps.ask(
            request.settlement_date, request.cursor, request.progress, plan.correlation_id
        )
        answer = page.model_dump(mode="json")
    logger.info("settlement", extra={"step": event.get("step"), **answer})
    return answer
