"""execution.fifo: routes orders, books what exchanges report, cancels, polls."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.execution.settings import Settings
from trading import bootstrap
from trading.adapters.messaging.worker import MailboxWorker, has_time
from trading.adapters.runtime.aws import CLIENT_CONFIG
from trading.adapters.runtime.settings import load
from trading.messages import EXECUTION_MESSAGE, ExecutionMessage

settings = load(Settings)
handle_message = bootstrap.handle_execution_message(settings)


def handle(message: ExecutionMessage, context: LambdaContext, redelivered: bool) -> None:
    """One message of a client."""
    handle_message(message, redelivered, lambda: has_time(context))


handler = MailboxWorker(
    EXECUTION_MESSAGE.validate_json,
    handle,
    handle_message.give_up,
    boto3.client("sqs", config=CLIENT_CONFIG),
    settings.execution_queue_url,
    settings.execution_dlq_url,
)
