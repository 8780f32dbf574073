"""The close of the day: DAY orders expire through the mailboxes of their clients."""

from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.day_close.settings import Settings
from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap import sweeping
from trading.bootstrap.messaging import own_invocations
from trading.domain.deadline import Deadline
from trading.domain.values import Day, Frozen
from trading.usecases.execution.close_day import ShardToClose

A_PART = timedelta(seconds=120)


class CloseRequest(Frozen):
    """Without a date: the business dates that are over by now. With a date (by hand): every DAY
    order of that business date or earlier. A further invocation gets a shard of the open orders.
    """

    business_date: Day | None = None
    shard: str | None = None
    after: str | None = None
    scheduled_time: str | None = None


close_day = sweeping.close_day(load(Settings))
invocations_of = own_invocations()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Take `{business_date?}` or the event of the schedule, or `{business_date?, shard, after?}`.
    Answer `{expiring, handed_over}`: the number of orders that were asked to expire, and the number
    of shards that have invocations of their own.
    """
    request = CloseRequest.model_validate(event)
    invocations, deadline = invocations_of(context), Deadline.after(A_PART, clock.now)
    if request.shard is None:
        return close_day(request.business_date, invocations, deadline)._asdict()
    part = ShardToClose(
        shard=request.shard, after=request.after, business_date=request.business_date
    )
    return {"expiring": close_day.close_shard(part, invocations, deadline), "handed_over": 0}
