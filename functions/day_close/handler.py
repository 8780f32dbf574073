"""After the close: DAY orders expire, through their clients' mailboxes."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.day_close.settings import Settings
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap import sweeping
from trading.domain.values import Day, Frozen


class CloseRequest(Frozen):
    """Without a date: what is over by now. With one, by hand: every DAY order of that business date
    or before.
    """

    business_date: Day | None = None
    scheduled_time: str | None = None


close_day = sweeping.close_day(load(Settings))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, int]:
    """{business_date?}, or what the schedule sends, in; {expiring} out: how many orders were asked
    to expire.
    """
    return {"expiring": close_day(CloseRequest.model_validate(event).business_date)}
