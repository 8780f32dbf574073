"""The whole system in memory: the use cases over fakes, with delivery and redelivery of the
mailboxes.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from tests.fakes.books import MemoryBooks
from tests.fakes.builders import (
    NOW,
    TODAY,
    make_client,
    make_exchange,
    make_instrument,
    make_request,
)
from tests.fakes.faults import Faults
from tests.fakes.queues import MemoryInvocations, MemoryMailboxes, MemoryMonitor, MemoryWorkflow
from tests.fakes.venues import (
    MemoryComparedDates,
    MemoryDepository,
    MemoryHealth,
    MemoryLastPrices,
    ScriptedExchanges,
)
from trading.domain.accounts import transfers
from trading.domain.deadline import NEVER, Deadline
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.replacement import Replacement
from trading.domain.reconciliation.checks import check
from trading.domain.reconciliation.findings import Finding
from trading.messages import (
    CancelOrder,
    ClearOrder,
    ExecuteOrder,
    Message,
    PollOrder,
    ReportReceived,
    SettleClient,
)
from trading.usecases.accounts.list_movements import ListMovements
from trading.usecases.accounts.show_accounts import ShowAccounts
from trading.usecases.execution.advance_order import AdvanceOrder
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.execution.close_day import CloseDay, ShardToClose
from trading.usecases.execution.continue_workflow import ContinueWorkflow
from trading.usecases.execution.correct_execution import CorrectExecution
from trading.usecases.execution.end_early import EndEarly
from trading.usecases.execution.give_up_order import GiveUpOrder
from trading.usecases.execution.handle_execution_message import HandleExecutionMessage
from trading.usecases.execution.hold_for_market import HoldForMarket
from trading.usecases.execution.route_order import RouteOrder
from trading.usecases.execution.send_in_sequence import SendInSequence
from trading.usecases.execution.submit_child import SubmitChild
from trading.usecases.execution.sweep_orders import OrdersToSweep, SweepOrders
from trading.usecases.orders.cancel_order import RequestCancel
from trading.usecases.orders.list_orders import ListOrders
from trading.usecases.orders.place_order import PlaceOrder
from trading.usecases.orders.replace_order import ReplaceOrder
from trading.usecases.posttrade.clear_trades import ClearTrades
from trading.usecases.posttrade.reconcile_settlement import ReconcileSettlement
from trading.usecases.posttrade.settle_obligations import SettleObligations
from trading.usecases.posttrade.settlement_cycle import (
    AskClients,
    LookAtSettlement,
    PlanSettlement,
    Progress,
)
from trading.wire import ExecutionReport, VenueQuote

UseCase = TypeVar("UseCase")
EXCHANGES = ("ARCX", "XNAS", "XNYS")
MAX_RECEIVES = 5


class World:
    """One client, `alice`, with 100,000 USD and 1,000 AAPL. Each of three exchanges shows 500
    shares at 99.90 to 100.00.
    """

    def __init__(self) -> None:
        self.now = NOW
        self.faults = Faults()
        self.books = MemoryBooks(self.faults)
        self.mailboxes = MemoryMailboxes(self.faults)
        self.workflow = MemoryWorkflow(self.mailboxes, self.faults)
        self.invocations = MemoryInvocations(self.faults)
        self.exchanges = ScriptedExchanges(self.clock, self.faults)
        self.health = MemoryHealth(self.faults)
        self.prices = MemoryLastPrices(self.faults)
        self.compared = MemoryComparedDates(self.faults)
        self.depository = MemoryDepository(self.clock, self.faults)
        self.monitor = MemoryMonitor(self.faults)
        self.callback_url = "https://callback"
        self.confirmations_per_page = 1000
        self.orders_per_invocation = self.orders_per_page = 100
        self.place = self._use_case(PlaceOrder)
        self.correct = self._use_case(CorrectExecution)
        self.book = self._use_case(BookExecution)
        self.submit = self._use_case(SubmitChild)
        self.end_early = self._use_case(EndEarly)
        self.route = self._use_case(RouteOrder)
        self.advance_order = self._use_case(AdvanceOrder)
        self.continue_workflow = self._use_case(ContinueWorkflow)
        self.give_up_order = self._use_case(GiveUpOrder)
        self.hold_for_market = self._use_case(HoldForMarket)
        self.send_in_sequence = self._use_case(SendInSequence)
        self.execute = self._use_case(HandleExecutionMessage)
        self.clear = self._use_case(ClearTrades)
        self.settle = self._use_case(SettleObligations)
        self.plan = self._use_case(PlanSettlement)
        self.ask = AskClients(self.plan, self.mailboxes)
        self.look = self._use_case(LookAtSettlement)
        self.reconcile = self._use_case(ReconcileSettlement)
        self.accounts = self._use_case(ShowAccounts)
        self.sweep_orders = self._use_case(SweepOrders)
        self.day_close = self._use_case(CloseDay)
        self.list_orders = self._use_case(ListOrders)
        self.list_movements = self._use_case(ListMovements)
        self.request_cancel = self._use_case(RequestCancel)
        self.request_replace = self._use_case(ReplaceOrder)
        self.failures: list[tuple[Message, Exception]] = []
        self.books.venues = [make_exchange(exchange_id) for exchange_id in EXCHANGES]
        self.books.instruments = {"AAPL": make_instrument()}
        self.show("AAPL", *(quote(exchange_id) for exchange_id in EXCHANGES))
        self.add_client("alice", cash="100000.00", shares=1000)

    def _use_case(self, use_case: type[UseCase]) -> UseCase:
        """Build a use case. The names of its fields say which fakes it needs."""
        return use_case(**{name: getattr(self, name) for name in use_case.__dataclass_fields__})  # type: ignore[attr-defined]

    def clock(self) -> datetime:
        """The time. It stands still unless a test moves it."""
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)

    def show(self, symbol: str, *quotes: VenueQuote) -> None:
        """Set what the exchanges display."""
        self.exchanges.displayed[symbol] = quotes

    def add_client(
        self, client_id: str, cash: str = "0.00", shares: int = 0, **changes: Any
    ) -> None:
        """Add a client whose cash and AAPL come from outside."""
        client = make_client(client_id=client_id, settlement_account=f"acct-{client_id}", **changes)
        self.books.clients[client_id] = client
        account = self.books.account(client_id).move(credit_available=client.credit_limit)
        self.books.write(*transfers.deposit_cash(account, Decimal(cash), "opening", self.now))
        if shares:
            position = self.books.position(client_id, "AAPL")
            cost = Decimal(90 * shares)
            self.books.write(
                *transfers.deposit_shares(position, shares, cost, "opening shares", self.now)
            )

    def order(self, key: str = "key-1", **changes: Any) -> Order:
        placed, _ = self.place(
            make_request(**changes), key, f"fingerprint-{key}", f"correlation-{key}"
        )
        return placed

    def placed(self, key: str = "key-1", **changes: Any) -> Order:
        """Place an order and empty its mailbox: it is at the exchanges, without reports."""
        order = self.order(key, **changes)
        self.run()
        return self.current(order)

    def current(self, order: Order) -> Order:
        """The order as the books have it now."""
        return self._order(order.order_id)

    def _order(self, order_id: str) -> Order:
        found = self.books.items["order", order_id]
        assert isinstance(found, Order)
        return found

    def statuses(self, *orders: Order) -> tuple[OrderStatus, ...]:
        """The current statuses of the orders."""
        return tuple(self.current(order).status for order in orders)

    def report(self, report: ExecutionReport) -> None:
        """An exchange's callback arrives."""
        message = ReportReceived(
            client_id=report.account, correlation_id=report.correlation_id, report=report
        )
        self.mailboxes.put("execution", message)
        self.run()

    def fill(
        self, order: Order, quantity: int, price: str = "100.00", child: int = 1
    ) -> ExecutionReport:
        """An exchange executes a child of the order and reports it."""
        report = self.exchanges.fill(f"{order.order_id}-{child}", quantity, price)
        self.report(report)
        return report

    def replace(self, order: Order, key: str = "new", **changes: Any) -> Order:
        """Request a replacement of the order. It has not happened yet."""
        wanted = Replacement(**changes)
        new, _ = self.request_replace(
            order.client_id, order.order_id, wanted, key, f"{changes}", f"correlation-{key}"
        )
        return new

    def cancel(self, order: Order, **changes: Any) -> None:
        """Request a cancel of the order."""
        message = CancelOrder(
            client_id=order.client_id, correlation_id="c", order_id=order.order_id, reason="asked"
        )
        self.mailboxes.put("execution", message.model_copy(update=changes))
        self.run()

    def sweep(self, deadline: Deadline = NEVER) -> int:
        """Sweep, also in further invocations. Returns the number of pushes."""
        return self.sweep_orders(self.invocations, deadline).pushed + self.invoke_further()

    def close_day(self, business_date: date | None) -> int:
        """Close the day, also in further invocations. Returns the number of expiring orders."""
        return self.day_close(business_date, self.invocations).expiring + self.invoke_further()

    def invoke_further(self) -> int:
        """Do what was handed over, and what is handed over meanwhile. Returns the sum."""
        done = 0
        while self.invocations.started:
            match self.invocations.started.popleft():
                case OrdersToSweep(order_ids=order_ids):
                    done += self.sweep_orders.push(order_ids)
                case ShardToClose() as part:
                    done += self.day_close.close_shard(part, self.invocations)
        return done

    def run(self) -> None:
        """Empty the mailboxes, and let the workflows look. A message that fails comes again, up to
        five times, before any other message of its client.
        """
        while True:
            queue = next((queue for queue in self.mailboxes.queues.values() if queue), None)
            if queue is None:
                self.workflow.look(self._order, self.now)
                if not any(self.mailboxes.queues.values()):
                    return
                continue
            message = queue[0]
            for receives in range(1, MAX_RECEIVES + 1):
                try:
                    self.handle(message, receives > 1)
                    break
                except Exception as error:
                    self.failures.append((message, error))
                    if receives == MAX_RECEIVES and isinstance(
                        message, ExecuteOrder | ReportReceived | PollOrder
                    ):
                        self.execute.give_up(message, repr(error))
            queue.popleft()

    def handle(self, message: Message, redelivered: bool = False) -> None:
        """Handle a message as the functions do."""
        match message:
            case ClearOrder():
                self.clear(message.order_id)
            case SettleClient():
                outcome = self.settle(message.client_id, message.settlement_date, NEVER)
                assert outcome.stopped_after is None
            case ExecuteOrder() | ReportReceived() | PollOrder() | CancelOrder():
                self.execute(message, redelivered)

    def settlement_cycle(self, day: date) -> None:
        """Do what SettlementCycle does."""
        cursor: str | None = None
        progress: Progress | None = None
        while True:
            page = self.ask(day, cursor, progress, "cycle")
            cursor, progress = page.cursor, page.progress
            if cursor is None:
                break
        self.run()

    def findings(self, expect_final: bool = False) -> list[Finding]:
        """The violations of the books' invariants."""
        return check(self.books.snapshot(expect_final))


def quote(exchange_id: str, bid: str = "99.90", ask: str = "100.00", size: int = 500) -> VenueQuote:
    """What an exchange displays, with the same size on both sides."""
    return VenueQuote(
        exchange_id=exchange_id, bid=Decimal(bid), bid_size=size, ask=Decimal(ask), ask_size=size
    )


__all__ = ["EXCHANGES", "NOW", "TODAY", "World", "quote"]
