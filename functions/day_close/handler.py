"""After the close: DAY orders expire, through their clients' mailboxes."""

from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.day_close.settings import Settings
from trading import bootstrap
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.adapters.runtime.aws import CLIENT_CONFIG
from trading.adapters.runtime.clock import now
from trading.adapters.runtime.observability import Counters, logger
from trading.adapters.runtime.settings import load
from trading.domain.values import Day, Frozen
from trading.usecases.execution.close_day import CloseDay


class CloseRequest(Frozen):
    """Without a date: what is over by now. With one, by hand: every DAY order of that business date
    or before.
    """

    business_date: Day | None = None
    scheduled_time: str | None = None


settings = load(Settings)
mailboxes = SqsMailboxes(
    boto3.client("sqs", config=CLIENT_CONFIG),
    now,
    execution_queue_url=settings.execution_queue_url,
    clearing_queue_url=settings.clearing_queue_url,
)
close_day = CloseDay(bootstrap.books(settings), mailboxes, Counters(), now)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, int]:
    """{business_date?}, or what the schedule sends, in; {expiring} out: how many orders were asked
    to expire.
    """
    return {"expiring": close_day(CloseRequest.model_validate(event).business_date)}
