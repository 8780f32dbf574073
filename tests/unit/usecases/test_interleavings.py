"""Orders, fills, replacements, cancels and expiries in any order. Messages are delivered one by
one, late, twice or not at all.
"""

from collections import Counter
from contextlib import suppress
from decimal import Decimal

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.fakes.world import World
from trading.domain.errors import DomainError
from trading.domain.orders.cancellation import BY_CLIENT
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.conflicts import OrderClosedError
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus, is_legal_path
from trading.domain.values import Side, TimeInForce
from trading.messages import Message, ReportReceived
from trading.wire import ExecType, ExecutionReport

PRICES = st.sampled_from(["99.00", "99.50", "100.00", "100.50"])
QUANTITIES = st.integers(1, 300)
PICK = st.integers(0, 99)
TIMES_IN_FORCE = st.sampled_from(
    [TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC]
)


class Interleavings(RuleBasedStateMachine):
    """A client with 100,000 USD and 1,000 shares. Reports and messages are kept until a rule
    delivers them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.reports: list[ExecutionReport] = []
        self.filled: Counter[str] = Counter()
        self.asked: dict[str, int] = {}
        self.canceled: list[Order] = []
        self.keys = 0

    @initialize(side=st.sampled_from(Side), price=PRICES)
    def first(self, side: Side, price: str) -> None:
        self.place(side, 100, price, TimeInForce.DAY)
        self.deliver_all()

    @rule(
        side=st.sampled_from(Side), quantity=QUANTITIES, price=PRICES, time_in_force=TIMES_IN_FORCE
    )
    def place(self, side: Side, quantity: int, price: str, time_in_force: TimeInForce) -> None:
        self.keys += 1
        self.world.order(
            f"key-{self.keys}",
            side=side,
            quantity=quantity,
            limit_price=Decimal(price),
            time_in_force=time_in_force,
        )

    @rule(pick=PICK, quantity=st.none() | QUANTITIES, price=st.none() | PRICES)
    def replace(self, pick: int, quantity: int | None, price: str | None) -> None:
        self.keys += 1
        old = self._order(pick)
        try:
            new = self.world.replace(
                old,
                f"key-{self.keys}",
                quantity=quantity,
                limit_price=None if price is None else Decimal(price),
            )
        except DomainError:
            assert self.world.current(old) == old
            return
        self.asked[new.order_id] = old.quantity if quantity is None else quantity

    @rule(pick=PICK, quantity=QUANTITIES, price=st.none() | PRICES, part=QUANTITIES)
    def replace_while_it_is_executed(
        self, pick: int, quantity: int, price: str | None, part: int
    ) -> None:
        """The order is canceled for its replacement before its execution is reported."""
        self.replace(pick, quantity, price)
        self.execute(pick, part)
        self.deliver_all()

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        order = self._order(pick)
        with suppress(OrderClosedError):
            self.world.request_cancel("alice", order.order_id)
            self.canceled.append(order)

    @rule()
    def close_day(self) -> None:
        self.world.close_day(self.world.now.date())

    @rule(pick=PICK, quantity=QUANTITIES)
    def execute(self, pick: int, quantity: int) -> None:
        """An exchange executes a part of its open quantity. The report comes later, or never."""
        at_exchange = [
            (order, child)
            for order in self.world.books.all_orders()
            for child in order.children
            if child.status is ChildStatus.SENT and self._at_exchange(order, child.number) > 0
        ]
        if at_exchange:
            order, child = at_exchange[pick % len(at_exchange)]
            part = min(quantity, self._at_exchange(order, child.number))
            price = str(order.protection_price)
            self.reports.append(
                self.world.exchanges.fill(f"{order.order_id}-{child.number}", part, price)
            )

    def _at_exchange(self, order: Order, number: int) -> int:
        child = next(c for c in order.children if c.number == number)
        state = self.world.exchanges.status(child.exchange_id, f"{order.order_id}-{number}")
        return state.leaves_quantity if state is not None and not state.status.is_final else 0

    @rule(pick=PICK)
    def end_at_exchange(self, pick: int) -> None:
        order = self._order(pick)
        for child in order.live_children:
            if self._at_exchange(order, child.number):
                self.reports.append(
                    self.world.exchanges.end(f"{order.order_id}-{child.number}", ExecType.EXPIRED)
                )

    @rule(pick=PICK, again=st.booleans())
    def report(self, pick: int, again: bool) -> None:
        if self.reports:
            number = pick % len(self.reports)
            report = self.reports[number] if again else self.reports.pop(number)
            message = ReportReceived(
                client_id=report.account, correlation_id=report.correlation_id, report=report
            )
            self.world.handle(message, redelivered=again)

    @rule(times=st.sampled_from([1, 1, 1, 1, 2, 0]))
    def deliver(self, times: int) -> None:
        """Handle the next message of each mailbox once or twice, or lose it."""
        for queue in list(self.world.mailboxes.queues.values()):
            if queue:
                message: Message = queue.popleft()
                for _ in range(times):
                    self.world.handle(message, redelivered=times > 1)

    @rule()
    def deliver_all(self) -> None:
        """Empty every mailbox."""
        self.world.run()

    @rule(minutes=st.sampled_from([1, 3, 40]))
    def sweep(self, minutes: int) -> None:
        self.world.advance(minutes=minutes)
        self.world.sweep()

    @invariant()
    def holds_are_what_orders_hold(self) -> None:
        orders = self.world.books.all_orders()
        account = self.world.books.account("alice")
        position = self.world.books.position("alice", "AAPL")
        assert account.held == sum(order.hold.cash for order in orders)
        assert position.held == sum(order.hold.shares for order in orders)
        assert set(account.open_order_ids) == {
            o.order_id for o in orders if o.is_open or o.is_pending
        }

    @invariant()
    def cash_and_shares_are_conserved(self) -> None:
        orders = self.world.books.all_orders()
        account = self.world.books.account("alice")
        position = self.world.books.position("alice", "AAPL")
        paid = sum(
            (order.filled_notional * order.side.sign + order.fees for order in orders), Decimal(0)
        )
        assert account.total + paid == Decimal("100000.00")
        assert position.quantity == 1000 + sum(
            order.filled_quantity * order.side.sign for order in orders
        )

    @invariant()
    def what_is_filled_grows_and_histories_are_legal(self) -> None:
        for order in self.world.books.all_orders():
            assert self.filled[order.order_id] <= order.filled_quantity <= order.quantity
            self.filled[order.order_id] = order.filled_quantity
            assert is_legal_path(order.history)

    @invariant()
    def each_share_is_filled_or_replaced(self) -> None:
        orders = {order.order_id: order for order in self.world.books.all_orders()}
        for new in orders.values():
            if new.replaces is None:
                continue
            old = orders[new.replaces]
            assert old.replaced_by == new.order_id
            assert new.is_pending == (old.is_open and new.status is not OrderStatus.CANCELED)
            assert new.reason_code in (None, "REPLACE_TOO_LATE", "CANCELED", "EXPIRED")
            if new.sequence:
                assert new.quantity + old.filled_quantity == self.asked[new.order_id]

    @invariant()
    def a_cancel_that_was_accepted_stays(self) -> None:
        for order in map(self.world.current, self.canceled):
            assert order.ending == BY_CLIENT
            assert not order.is_pending
            assert order.status not in (OrderStatus.EXPIRED, OrderStatus.REJECTED)

    @invariant()
    def the_books_are_right(self) -> None:
        assert self.world.findings() == []

    def teardown(self) -> None:
        """Deliver everything and cancel every order: nothing is left."""
        for _ in range(6):
            self.world.run()
            for report in self.reports:
                self.world.report(report)
            self.world.request_cancel.all("alice")
            self.world.run()
            self.world.advance(minutes=40)
            self.world.sweep()
        self.world.run()
        assert [o for o in self.world.books.all_orders() if o.is_open or o.is_pending] == []
        assert self.world.books.account("alice").held == 0
        self.holds_are_what_orders_hold()
        self.cash_and_shares_are_conserved()

    def _order(self, pick: int) -> Order:
        """An order, usually an open one."""
        orders = self.world.books.all_orders()
        chosen = [order for order in orders if order.is_open] if pick % 5 else []
        return (chosen or orders)[pick % len(chosen or orders)]


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
