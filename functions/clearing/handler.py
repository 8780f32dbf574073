"""clearing.fifo: clears the trades of an order through the CCP and answers the workflow of the
order.
"""

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clearing.settings import Settings
from trading.adapters.runtime.settings import load
from trading.bootstrap import clearing, messaging, workers
from trading.messages import ClearOrder

settings = load(Settings)
clear_trades = clearing.clear_trades(settings)
workflow = messaging.task_answers()


def handle(message: ClearOrder, _: LambdaContext, __: bool) -> None:
    """Clear an order. The workflow is answered after the commit, and again if the message comes
    again.
    """
    order = clear_trades(message.order_id)
    if message.task_token:
        workflow.succeed(message.task_token, {"order_id": order.order_id, "status": order.status})


def give_up(message: ClearOrder, reason: str) -> None:
    """Flag the order for review and fail the step, so that the workflow ends visibly."""
    clear_trades.flag(message.order_id, reason)
    if message.task_token:
        workflow.fail(message.task_token, "ClearingFailed", reason)


handler = workers.worker(
    ClearOrder.model_validate_json,
    handle,
    give_up,
    queue_url=settings.clearing_queue_url,
    dlq_url=settings.clearing_dlq_url,
)
