"""What travels in the clients' mailboxes. Message group = client id."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from trading.domain import identifiers
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Day, Frozen
from trading.wire import ExecutionReport


class Message(Frozen):
    """What every message carries: whose it is, and the id that follows the order through the logs."""

    client_id: str
    correlation_id: str

    def facts(self) -> dict[str, str]:
        """What a log line about the message says."""
        return self.model_dump(
            mode="json", include={"kind", "client_id", "correlation_id", "order_id"}
        )


class ExecuteOrder(Message):
    """From OrderLifecycle's Execute (with a task token) or the sweeper (without)."""

    kind: Literal["execute"] = "execute"
    order_id: str
    task_token: str | None = None


class ReportReceived(Message):
    """An exchange's callback, verified."""

    kind: Literal["report"] = "report"
    report: ExecutionReport

    def facts(self) -> dict[str, str]:
        """With the order that the report is about."""
        order_id = identifiers.parent_order_id(self.report.client_order_id)
        return super().facts() | {"order_id": order_id, "execution_id": self.report.execution_id}


class PollOrder(Message):
    """From the sweeper: ask the exchanges what became of an order."""

    kind: Literal["poll"] = "poll"
    order_id: str


class CancelOrder(Message):
    """Take the order back from the exchanges and end it as it is wished to end; if that is not
    written in it yet, as CANCELED, or EXPIRED at the end of its day.
    """

    kind: Literal["cancel"] = "cancel"
    order_id: str
    outcome: Literal[OrderStatus.CANCELED, OrderStatus.EXPIRED] = OrderStatus.CANCELED
    reason: str


class ClearOrder(Message):
    """From OrderLifecycle's Clear (with a task token) or the sweeper (without)."""

    kind: Literal["clear"] = "clear"
    order_id: str
    task_token: str | None = None


class SettleClient(Message):
    """From SettlementCycle: settle what this client has due up to and on the date.

    A client with more to settle than one invocation has time for is continued in further messages:
    `part` counts them, `after` says where the one before stopped, `unanswered` how many
    instructions have been left without an answer.
    """

    kind: Literal["settle"] = "settle"
    settlement_date: Day
    task_token: str | None = None
    part: int = 0
    after: str | None = None
    unanswered: int = 0


ExecutionMessage = Annotated[
    ExecuteOrder | ReportReceived | PollOrder | CancelOrder, Field(discriminator="kind")
]
EXECUTION_MESSAGE: TypeAdapter[ExecutionMessage] = TypeAdapter(ExecutionMessage)
