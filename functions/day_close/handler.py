"""After the close: DAY orders expire, through their clients' mailboxes."""

from datetime import datetime
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.day_close.settings import Settings
from trading.adapters import stages
from trading.adapters.aws import CLIENT_CONFIG
from trading.adapters.clock import now
from trading.adapters.mailboxes import SqsMailboxes
from trading.adapters.observability import Counters, logger
from trading.adapters.settings import load
from trading.domain.calendar import NEW_YORK
from trading.domain.values import Day, Frozen
from trading.usecases.sweep import CloseDay


class CloseRequest(Frozen):
    """The business date that ends; without it, the day in New York at which the schedule fired, or now."""

    business_date: Day | None = None
    scheduled_time: datetime | None = None


settings = load(Settings)
mailboxes = SqsMailboxes(
    boto3.client("sqs", config=CLIENT_CONFIG), now, execution_queue_url=settings.execution_queue_url
)
close_day = CloseDay(stages.books(settings), mailboxes, Counters())


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """{business_date?} or the schedule's {scheduled_time} in; {business_date, expiring} out."""
    request = CloseRequest.model_validate(event)
    day = request.business_date or (request.scheduled_time or now()).astimezone(NEW_YORK).date()
    return {"business_date": day.isoformat(), "expiring": close_day(day)}
