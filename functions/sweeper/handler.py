"""Each minute, and at the open: push whatever was due to happen to an order and did not."""

import time
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.sweeper.settings import Settings
from trading import bootstrap
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.adapters.runtime.aws import CLIENT_CONFIG
from trading.adapters.runtime.clock import now
from trading.adapters.runtime.observability import Counters, logger
from trading.adapters.runtime.settings import load
from trading.domain.values import Frozen
from trading.usecases.execution.sweep_orders import SweepOrders

A_MINUTES_SWEEP_SECONDS = 45
LEFT_FOR_THE_END_MS = 10_000


class SweepRequest(Frozen):
    """What the schedules send. With a shard: only what is listed there, and as long as it takes."""

    shard: str | None = None
    scheduled_time: str | None = None


settings = load(Settings)
mailboxes = SqsMailboxes(
    boto3.client("sqs", config=CLIENT_CONFIG), now, execution_queue_url=settings.execution_queue_url
)
sweep = SweepOrders(
    bootstrap.books(settings),
    bootstrap.lifecycle(settings.order_lifecycle_arn),
    mailboxes,
    Counters(),
    now,
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """{shard?} in; {pushed} out: how many orders were pushed. Without a shard it ends before the
    next minute's sweep begins.
    """
    shard = SweepRequest.model_validate(event).shard
    began = time.monotonic()

    def has_time() -> bool:
        in_time = shard is not None or time.monotonic() - began < A_MINUTES_SWEEP_SECONDS
        return in_time and context.get_remaining_time_in_millis() > LEFT_FOR_THE_END_MS

    return {"pushed": sweep(has_time, shard)}
