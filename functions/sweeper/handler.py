"""Each minute: push whatever was due to happen to an order and did not."""

from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.sweeper.settings import Settings
from trading.adapters import stages
from trading.adapters.aws import CLIENT_CONFIG
from trading.adapters.clock import now
from trading.adapters.mailboxes import SqsMailboxes
from trading.adapters.observability import Counters, logger
from trading.adapters.settings import load
from trading.usecases.sweep import Sweep

settings = load(Settings)
mailboxes = SqsMailboxes(
    boto3.client("sqs", config=CLIENT_CONFIG), now, execution_queue_url=settings.execution_queue_url
)
sweep = Sweep(stages.books(settings), stages.lifecycle(settings.order_lifecycle_arn), mailboxes, Counters(), now)


@logger.inject_lambda_context
def handler(_: dict[str, Any], __: LambdaContext) -> dict[str, int]:
    """{pushed}: how many orders were pushed."""
    return {"pushed": sweep()}
