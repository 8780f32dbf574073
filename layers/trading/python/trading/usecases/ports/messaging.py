"""The clients' mailboxes and the workflow of an order."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from trading.domain.orders.order import Order
from trading.domain.values import Frozen
from trading.messages import CancelOrder, ClearOrder, ExecutionMessage, SettleClient


class Workflow(Protocol):
    """OrderLifecycle. Starting a run again is harmless."""

    def start(self, order: Order) -> None: ...
    def start_at_clearing(self, order: Order) -> None: ...


class Mailboxes(Protocol):
    """The clients' mailboxes, one a kind of work."""

    def execution(self, message: ExecutionMessage) -> None: ...
    def clearing(self, message: ClearOrder) -> None: ...
    def settlement(self, message: SettleClient) -> None: ...


class MailboxBatches(Protocol):
    """The clients' mailboxes, for many messages at once. Each returns those that were not taken."""

    def executions(self, messages: Sequence[CancelOrder]) -> Sequence[CancelOrder]: ...
    def clearings(self, messages: Sequence[ClearOrder]) -> Sequence[ClearOrder]: ...


class FurtherInvocations(Protocol):
    """Other invocations of the function that runs, beside this one and after it."""

    def start(self, request: Frozen) -> None:
        """Have a part of the work done. It may be done more than once."""
        ...


class SettlementMailboxes(Protocol):
    """The clients' mailboxes for settlement."""

    def settle(
        self, client_ids: Sequence[str], settlement_date: date, correlation_id: str
    ) -> Sequence[str]:
        """Ask clients to settle what is due on or before a date.

        Asking again is harmless. Returns the clients whose mailbox did not take the message.
        """
        ...
