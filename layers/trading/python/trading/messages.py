"""The messages in the clients' mailboxes. The message group is the client id."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from trading.domain import identifiers
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Day, Frozen
from trading.wire import ExecutionReport


class Message(Frozen):
    """Every message carries its client and the correlation id, which follows the order through the
    logs.

    While a release is deployed, workers of the release before read messages of the new one. So a
    field that they do not know is ignored, and does not bury the message.
    """

    model_config = ConfigDict(extra="ignore")

    client_id: str
    correlation_id: str

    def facts(self) -> dict[str, str]:
        """The fields that identify the message in a log line."""
        return self.model_dump(
            mode="json", include={"kind", "client_id", "correlation_id", "order_id"}
        )


class ExecuteOrder(Message):
    """Send an order to the exchanges.

    It comes from OrderLifecycle's Execute, or from an operator.
    """

    kind: Literal["execute"] = "execute"
    order_id: str


class ReportReceived(Message):
    """An exchange's callback, whose signature is verified."""

    kind: Literal["report"] = "report"
    report: ExecutionReport

    def facts(self) -> dict[str, str]:
        """The same fields, with the order and the execution that the report is about."""
        order_id = identifiers.parent_order_id(self.report.client_order_id)
        return super().facts() | {"order_id": order_id, "execution_id": self.report.execution_id}


class PollOrder(Message):
    """Ask the exchanges about the state of an order. The message comes from the sweeper."""

    kind: Literal["poll"] = "poll"
    order_id: str


class CancelOrder(Message):
    """Cancel the order at the exchanges and end it.

    If the order has recorded no ending yet, it ends with `outcome` and `reason`. `unless_sent`: the
    message means nothing if the order was sent to an exchange meanwhile.
    """

    kind: Literal["cancel"] = "cancel"
    order_id: str
    outcome: Literal[OrderStatus.CANCELED, OrderStatus.EXPIRED] = OrderStatus.CANCELED
    reason: str
    unless_sent: bool = False


class ClearOrder(Message):
    """Clear the trades of an order.

    It comes from OrderLifecycle's Clear, from the close of the day, or from the worker if no run
    has the order cleared.
    """

    kind: Literal["clear"] = "clear"
    order_id: str


class SettleClient(Message):
    """Settle what a client has due on or before the date. It comes from SettlementCycle's Plan.

    If one invocation has no time for everything, further messages continue. `part` counts them.
    `after` says where the part before stopped. `unanswered` counts the instructions that were left
    without an answer.
    """

    kind: Literal["settle"] = "settle"
    settlement_date: Day
    part: int = 0
    after: str | None = None
    unanswered: int = 0

    def continued(self, after: str, unanswered: int) -> "SettleClient":
        """The message that continues after an obligation."""
        return self.but(part=self.part + 1, after=after, unanswered=unanswered)


ExecutionMessage = Annotated[
    ExecuteOrder | ReportReceived | PollOrder | CancelOrder, Field(discriminator="kind")
]
EXECUTION_MESSAGE: TypeAdapter[ExecutionMessage] = TypeAdapter(ExecutionMessage)
