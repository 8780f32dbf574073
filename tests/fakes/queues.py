"""The clients' mailboxes, OrderLifecycle and the monitor in memory."""

from collections import deque
from collections.abc import Sequence
from datetime import date

from tests.fakes.faults import Faults, faulty
from trading.domain.orders.order import Order
from trading.messages import ClearOrder, ExecuteOrder, ExecutionMessage, Message, SettleClient


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
    """The port `Workflow`: OrderLifecycle with its two states, Execute and Clear. Each token works
    once.
    """

    port = "workflow"

    def __init__(self, mailboxes: MemoryMailboxes, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.started: list[str] = []
        self.ended: dict[str, str] = {}
        self._mailboxes = mailboxes
        self._waiting: dict[str, Order] = {}

    @faulty
    def start(self, order: Order) -> bool:
        if order.order_id in self.started:
            return False
        self.started.append(order.order_id)
        self._mailboxes.put(
            "execution", ExecuteOrder(**_ids(order), task_token=self._token("execute", order))
        )
        return True

    @faulty
    def succeed(self, task_token: str, output: dict[str, str]) -> bool:
        order = self._waiting.pop(task_token, None)
        if order is None:
            return False
        if task_token.startswith("execute"):
            self._mailboxes.put(
                "clearing", ClearOrder(**_ids(order), task_token=self._token("clear", order))
            )
        elif task_token.startswith("clear"):
            self.ended[order.order_id] = "SUCCEEDED"
        return True

    @faulty
    def fail(self, task_token: str, error: str, cause: str) -> bool:
        order = self._waiting.pop(task_token, None)
        if order is not None:
            self.ended[order.order_id] = f"{error}: {cause}"
        return order is not None

    def lose(self, order_id: str) -> None:
        """Stop the order's execution by hand, so that its tokens are dead."""
        self._waiting = {
            token: order for token, order in self._waiting.items() if order.order_id != order_id
        }

    def _token(self, stage: str, order: Order) -> str:
        token = f"{stage}:{order.order_id}"
        self._waiting[token] = order
        return token


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
