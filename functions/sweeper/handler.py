"""Each minute, and at the open: push whatever was due to happen to an order and did not."""

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
    """What the schedules send. With a shard: only what is listed there, and as long as it takes."""

    shard: str | None = None
    scheduled_time: str | None = None


sweep_orders = sweeping.sweep_orders(load(Settings))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """{shard?} in; {pushed} out: how many orders were pushed. Without a shard it ends before the
    next minute's sweep begins.
    """
    shard = SweepRequest.model_validate(event).shard
    deadline = invocation_deadline(context, LEFT_FOR_THE_END)
    if shard is None:
        deadline = deadline.or_sooner(_before_the_next_sweep())
    return {"pushed": sweep_orders(deadline, shard)}


def _before_the_next_sweep() -> Deadline:
    began = time.monotonic()
    return Deadline(lambda: timedelta(seconds=A_MINUTES_SWEEP_SECONDS + began - time.monotonic()))
