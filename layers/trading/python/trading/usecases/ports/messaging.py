"""The clients' mailboxes and the workflow of an order."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from trading.domain.orders.order import Order
from trading.messages import ClearOrder, ExecutionMessage, SettleClient


class Workflow(Protocol):
    """OrderLifecycle.

    `succeed` and `fail` return False if the token is used or expired, or its workflow is gone.
    """

    def start(self, order: Order) -> bool: ...
    def succeed(self, task_token: str, output: dict[str, str]) -> bool: ...
    def fail(self, task_token: str, error: str, cause: str) -> bool: ...


class Mailboxes(Protocol):
    """The clients' mailboxes, one a kind of work."""

    def execution(self, message: ExecutionMessage) -> None: ...
    def clearing(self, message: ClearOrder) -> None: ...
    def settlement(self, message: SettleClient) -> None: ...


class SettlementMailboxes(Protocol):
    """The clients' mailboxes for settlement."""

    def settle(
        self, client_ids: Sequence[str], settlement_date: date, correlation_id: str
    ) -> Sequence[str]:
        """Ask clients to settle what is due on or before a date.

        Asking again is harmless. Returns the clients whose mailbox did not take the message.
        """
        ...
