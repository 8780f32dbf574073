"""Workers of mailboxes."""

from __future__ import annotations

from collections.abc import Callable

from aws_lambda_powertools.utilities.typing import LambdaContext

from trading.adapters.messaging.mailbox_worker import AnyMessage, MailboxWorker
from trading.bootstrap import clients


def worker(
    parse: Callable[[str], AnyMessage],
    handle: Callable[[AnyMessage, LambdaContext, bool], None],
    give_up: Callable[[AnyMessage, str], None],
    *,
    queue_url: str,
    dlq_url: str,
) -> MailboxWorker[AnyMessage]:
    """The Lambda handler of a mailbox."""
    return MailboxWorker(parse, handle, give_up, clients.sqs(), queue_url, dlq_url)
