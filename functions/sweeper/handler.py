"""The sweeper: every minute and at the open, it pushes each order that is due."""

import time
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.sweeper.settings import Settings
from trading.adapters.runtime.deadlines import invocation_deadline
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap import sweeping
from trading.domain.deadline import Deadline
from trading.domain.values import Frozen

A_MINUTES_SWEEP_SECONDS = 45
LEFT_FOR_THE_END = timedelta(seconds=10)


class SweepRequest(Frozen):
    """The input of the schedules. With a shard: only the orders listed there, for as long as it
    takes.
    """

    shard: str | None = None
    scheduled_time: str | None = None


sweep_orders = sweeping.sweep_orders(load(Settings))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Take `{shard?}`. Answer `{pushed}`, the number of orders that were pushed. Without a shard, a
    run ends before the sweep of the next minute begins.
    """
    shard = SweepRequest.model_validate(event).shard
    deadline = invocation_deadline(context, LEFT_FOR_THE_END)
    if shard is None:
        deadline = deadline.or_sooner(_before_the_next_sweep())
    return {"pushed": sweep_orders(deadline, shard)}


def _before_the_next_sweep() -> Deadline:
    began = time.monotonic()
    return Deadline(lambda: timedelta(seconds=A_MINUTES_SWEEP_SECONDS + began - time.monotonic()))
