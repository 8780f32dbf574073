"""clearing.fifo: clears the trades of an order through the CCP."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clearing.settings import Settings
from trading.adapters.runtime.settings import load
from trading.bootstrap import clearing, workers
from trading.messages import ClearOrder

settings = load(Settings)
clear_trades = clearing.clear_trades(settings)


def handle(message: ClearOrder, _: LambdaContext, __: bool) -> None:
    """Clear an order."""
    clear_trades(message.order_id)


def give_up(message: ClearOrder, reason: str) -> None:
    """Flag the order for review."""
    clear_trades.flag(message.order_id, reason)


handler = workers.worker(
    ClearOrder.model_validate_json,
    handle,
    give_up,
    queue_url=settings.clearing_queue_url,
    dlq_url=settings.clearing_dlq_url,
)
