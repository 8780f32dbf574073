"""The clients' mailboxes, OrderLifecycle and the monitor in memory."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TypeVar

from tests.fakes.faults import Faults, faulty
from trading.domain.orders.order import Order
from trading.domain.orders.watch import watched_until
from trading.domain.values import Frozen
from trading.messages import (
    CancelOrder,
    ClearOrder,
    ExecuteOrder,
    ExecutionMessage,
    Message,
    SettleClient,
)

Sent = TypeVar("Sent", bound=Message)


class MemoryInvocations:
    """The port `FurtherInvocations`. It keeps what was asked for."""

    port = "invocations"

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.started: deque[Frozen] = deque()

    @faulty
    def start(self, request: Frozen) -> None:
        self.started.append(request)


class MemoryMailboxes:
    """The port `Mailboxes`: one FIFO queue for each step and client."""

    port = "mailboxes"

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.queues: dict[tuple[str, str], deque[Message]] = {}
        self.refusing: set[str] = set()

    @faulty
    def execution(self, message: ExecutionMessage) -> None:
        self.put("execution", message)

    @faulty
    def clearing(self, message: ClearOrder) -> None:
        self.put("clearing", message)

    @faulty
    def executions(self, messages: Sequence[CancelOrder]) -> Sequence[CancelOrder]:
        """The port `MailboxBatches`, like the next one. `refusing` has the clients that it takes
        nothing for.
        """
        return self._put_all("execution", messages)

    @faulty
    def clearings(self, messages: Sequence[ClearOrder]) -> Sequence[ClearOrder]:
        return self._put_all("clearing", messages)

    def _put_all(self, stage: str, messages: Sequence[Sent]) -> Sequence[Sent]:
        for message in messages:
            if message.client_id not in self.refusing:
                self.put(stage, message)
        return [message for message in messages if message.client_id in self.refusing]

    @faulty
    def settlement(self, message: SettleClient) -> None:
        self.put("settlement", message)

    @faulty
    def settle(
        self, client_ids: Sequence[str], settlement_date: date, correlation_id: str
    ) -> Sequence[str]:
        """Also the port `SettlementMailboxes`. `refusing` has the clients that it takes nothing
        for.
        """
        for client_id in client_ids:
            if client_id not in self.refusing:
                message = SettleClient(
                    client_id=client_id,
                    correlation_id=correlation_id,
                    settlement_date=settlement_date,
                )
                self.put("settlement", message)
        return [client_id for client_id in client_ids if client_id in self.refusing]

    def put(self, stage: str, message: Message) -> None:
        """Put a message in as another sender would: without a fault and without being counted."""
        self.queues.setdefault((stage, message.client_id), deque()).append(message)

    def waiting(self, stage: str) -> list[Message]:
        """The messages of one step, for all clients."""
        return [
            message
            for (name, _), queue in self.queues.items()
            if name == stage
            for message in queue
        ]


class MemoryWorkflow:
    """The port `Workflow`: the runs of OrderLifecycle. `look` lets those that go on look again."""

    port = "workflow"

    def __init__(self, mailboxes: MemoryMailboxes, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.started: list[str] = []
        self.started_at_clearing: list[str] = []
        self._mailboxes = mailboxes
        self._looking: list[str] = []

    @faulty
    def start(self, order: Order) -> None:
        self.started.append(order.order_id)
        self._looking.append(order.order_id)
        self._mailboxes.put("execution", ExecuteOrder(**_ids(order)))

    @faulty
    def start_at_clearing(self, order: Order) -> None:
        self.started_at_clearing.append(order.order_id)
        self._mailboxes.put("clearing", ClearOrder(**_ids(order)))

    def look(self, order_of: Callable[[str], Order], now: datetime) -> None:
        """Let each run look at its order, send it to clearing, or end."""
        for order_id in list(self._looking):
            order = order_of(order_id)
            until = watched_until(order)
            is_over = until is None or now > until
            if order.awaits_clearing and not is_over:
                self._mailboxes.put("clearing", ClearOrder(**_ids(order)))
            if is_over or not order.is_open:
                self._looking.remove(order_id)

    def kill(self) -> None:
        """Kill all runs. The messages that they have sent stay."""
        self._looking.clear()


class MemoryMonitor:
    """The port `Monitor`. It keeps what was counted."""

    port = "monitor"

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.counted: list[tuple[str, dict[str, str]]] = []

    @faulty
    def count(self, name: str, **facts: str) -> None:
        self.counted.append((name, facts))

    def times(self, name: str) -> int:
        return sum(1 for counted, _ in self.counted if counted == name)


def _ids(order: Order) -> dict[str, str]:
    return {
        "client_id": order.client_id,
        "correlation_id": order.correlation_id,
        "order_id": order.order_id,
    }
