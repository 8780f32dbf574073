"""The close of the day: DAY orders expire through the mailboxes of their clients."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.day_close.settings import Settings
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap import sweeping
from trading.domain.values import Day, Frozen


class CloseRequest(Frozen):
    """Without a date: the business dates that are over by now. With a date (by hand): every DAY
    order of that business date or earlier.
    """

    business_date: Day | None = None
    scheduled_time: str | None = None


close_day = sweeping.close_day(load(Settings))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, int]:
    """Take `{business_date?}` or the event of the schedule. Answer `{expiring}`, the number of
    orders that were asked to expire.
    """
    return {"expiring": close_day(CloseRequest.model_validate(event).business_date)}
