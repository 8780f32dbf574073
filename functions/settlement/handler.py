"""settlement.fifo: settles what a client has due and answers the settlement cycle."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.settlement.settings import Settings
from trading import bootstrap
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.adapters.messaging.worker import MailboxWorker
from trading.adapters.runtime.aws import CLIENT_CONFIG
from trading.adapters.runtime.clock import now
from trading.adapters.runtime.settings import load
from trading.messages import SettleClient
from trading.usecases.ports import OutcomeUnknownError
from trading.usecases.posttrade.settle_obligations import SettlementFailedError

TIME_FOR_ONE_OBLIGATION_MS = 9_500
"""Both tries of an instruction and the booking."""
MAX_PARTS = 500

settings = load(Settings)
sqs = boto3.client("sqs", config=CLIENT_CONFIG)
settle_obligations = bootstrap.settle_obligations(settings)
workflow = bootstrap.lifecycle("")
mailboxes = SqsMailboxes(sqs, now, settlement_queue_url=settings.settlement_queue_url)


def handle(message: SettleClient, context: LambdaContext, redelivered: bool) -> None:
    """Settle a client; what there is no time for goes on in a message of its own, and the last one
    answers the cycle.

    A last one that had to leave instructions without an answer comes again, and then starts over
    with all that is due.
    """
    if message.part > MAX_PARTS:
        raise SettlementFailedError(f"not done after {MAX_PARTS} messages")
    outcome = settle_obligations(
        message.client_id,
        message.settlement_date,
        lambda: context.get_remaining_time_in_millis() < TIME_FOR_ONE_OBLIGATION_MS,
        None if redelivered else message.after,
    )
    unanswered = outcome.unanswered + (0 if redelivered else message.unanswered)
    if outcome.stopped_after is not None:
        following = {
            "part": message.part + 1,
            "after": outcome.stopped_after,
            "unanswered": unanswered,
        }
        mailboxes.settlement(message.model_copy(update=following))
    elif unanswered:
        raise OutcomeUnknownError(
            f"the depository left {unanswered} instructions without an answer"
        )
    elif message.task_token:
        workflow.succeed(
            message.task_token,
            {
                "client_id": message.client_id,
                "settled": str(outcome.settled),
                "failed": str(outcome.failed),
            },
        )


def give_up(message: SettleClient, reason: str) -> None:
    """What is due stays due; the cycle is told."""
    if message.task_token:
        workflow.fail(message.task_token, "SettlementFailed", reason)


handler = MailboxWorker(
    SettleClient.model_validate_json,
    handle,
    give_up,
    sqs,
    settings.settlement_queue_url,
    settings.settlement_dlq_url,
)
