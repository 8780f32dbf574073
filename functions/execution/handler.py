"""execution.fifo: routes and cancels orders, books what exchanges report, and polls exchanges."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.execution.settings import Settings
from trading.adapters.messaging.mailbox_worker import message_deadline
from trading.adapters.runtime.settings import load
from trading.bootstrap import execution, workers
from trading.messages import EXECUTION_MESSAGE, ExecutionMessage

settings = load(Settings)
handle_message = execution.handle_execution_message(settings)


def handle(message: ExecutionMessage, context: LambdaContext, redelivered: bool) -> None:
    """Handle one message of a client."""
    handle_message(message, redelivered, message_deadline(context))


handler = workers.worker(
    EXECUTION_MESSAGE.validate_json,
    handle,
    handle_message.give_up,
    queue_url=settings.execution_queue_url,
    dlq_url=settings.execution_dlq_url,
)
