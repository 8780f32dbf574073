"""settlement.fifo: settles a client's due obligations."""

from datetime import timedelta

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.settlement.settings import Settings
from trading.adapters.runtime.deadlines import invocation_deadline
from trading.adapters.runtime.settings import load
from trading.bootstrap import messaging, settlement, workers
from trading.messages import SettleClient
from trading.usecases.ports import OutcomeUnknownError
from trading.usecases.posttrade.settle_obligations import SettlementFailedError

TIME_FOR_ONE_OBLIGATION_MS = 9_500
"""Enough time for both tries of an instruction and for the write of its settlement."""
MAX_PARTS = 500

settings = load(Settings)
settle_obligations = settlement.settle_obligations(settings)
mailboxes = messaging.mailboxes(settlement_queue_url=settings.settlement_queue_url)


def handle(message: SettleClient, context: LambdaContext, redelivered: bool) -> None:
    """Settle a client. If time runs out, a further message continues.

    If the last message leaves instructions without an answer, it comes again and starts over with
    everything that is due.
    """
    if message.part > MAX_PARTS:
        raise SettlementFailedError(f"not done after {MAX_PARTS} messages")
    outcome = settle_obligations(
        message.client_id,
        message.settlement_date,
        invocation_deadline(context, timedelta(milliseconds=TIME_FOR_ONE_OBLIGATION_MS)),
        None if redelivered else message.after,
    )
    unanswered = outcome.unanswered + (0 if redelivered else message.unanswered)
    if outcome.stopped_after is not None:
        mailboxes.settlement(message.continued(outcome.stopped_after, unanswered))
    elif unanswered:
        raise OutcomeUnknownError(
            f"the depository left {unanswered} instructions without an answer"
        )


def give_up(message: SettleClient, reason: str) -> None:
    """There is nothing to take back: the obligations stay due, and the cycle reports them."""


handler = workers.worker(
    SettleClient.model_validate_json,
    handle,
    give_up,
    queue_url=settings.settlement_queue_url,
    dlq_url=settings.settlement_dlq_url,
)
