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
from trading.bootstrap.messaging import own_invocations
from trading.domain.deadline import Deadline
from trading.domain.values import Frozen

A_MINUTES_SWEEP_SECONDS = 45
LEFT_FOR_THE_END = timedelta(seconds=10)


class SweepRequest(Frozen):
    """The input of the schedules, and that of a further invocation.

    With a shard: only the orders listed there, for as long as it takes. With order ids: only these.
    """

    shard: str | None = None
    order_ids: tuple[str, ...] | None = None
    scheduled_time: str | None = None


sweep_orders = sweeping.sweep_orders(load(Settings))
invocations_of = own_invocations()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Take `{shard?, order_ids?}`. Answer `{pushed, handed_over}`: the number of orders that were
    pushed, and of those that further invocations push. Without a shard, a run ends before the sweep
    of the next minute begins.
    """
    request = SweepRequest.model_validate(event)
    deadline = invocation_deadline(context, LEFT_FOR_THE_END)
    if request.shard is None:
        deadline = deadline.or_sooner(_before_the_next_sweep())
    if request.order_ids is not None:
        return {"pushed": sweep_orders.push(request.order_ids, deadline), "handed_over": 0}
    return sweep_orders(invocations_of(context), deadline, request.shard)._asdict()


def _before_the_next_sweep() -> Deadline:
    began = time.monotonic()
    return Deadline(lambda: timedelta(seconds=A_MINUTES_SWEEP_SECONDS + began - time.monotonic()))
