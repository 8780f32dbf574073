"""Mailboxes and workflows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from trading.adapters.messaging.invocations import OwnInvocations
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.adapters.messaging.workflow import OrderLifecycle
from trading.adapters.runtime import clock
from trading.bootstrap import clients

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def mailboxes(
    *, execution_queue_url: str = "", clearing_queue_url: str = "", settlement_queue_url: str = ""
) -> SqsMailboxes:
    """The mailboxes that a function may send to."""
    return SqsMailboxes(
        clients.sqs(), clock.now, execution_queue_url, clearing_queue_url, settlement_queue_url
    )


def order_lifecycle(arn: str) -> OrderLifecycle:
    """The workflow of an order."""
    return OrderLifecycle(clients.step_functions(), clock.now, arn)


def own_invocations() -> Callable[[LambdaContext], OwnInvocations]:
    """Further invocations of the function that is invoked with a context."""
    return partial(OwnInvocations, clients.lambdas())
