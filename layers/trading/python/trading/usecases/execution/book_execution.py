"""Booking what exchanges say: reports that arrive by callback, and states that we asked for."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from trading.domain import identifiers
from trading.domain.ledger import Break, BreakCode, EntryKind
from trading.domain.orders import booking
from trading.domain.orders.booking import Breach, VenueExecution
from trading.domain.orders.child_order import ChildOrder, ChildStatus
from trading.domain.orders.order import Order
from trading.domain.values import ratio
from trading.metrics import Metric
from trading.usecases.orders.end_order import changes_of_end
from trading.usecases.ports import (
    Accounts,
    Clock,
    LastPrices,
    Ledger,
    Monitor,
    NotFoundError,
    Orders,
    ReferenceData,
    UnitOfWork,
    VenueHealth,
)
from trading.wire import ExecType, ExecutionReport, OrderState

ENDINGS: dict[str, ChildStatus] = {
    "CANCELED": ChildStatus.CANCELED,
    "REJECTED": ChildStatus.REJECTED,
    "EXPIRED": ChildStatus.EXPIRED,
}
"""The statuses of a child by the exchanges' words for its end (ExecType or VenueOrderStatus)."""


class BookingBooks(Orders, ReferenceData, Accounts, Ledger, UnitOfWork, Protocol):
    """Everything that a fill reads and writes."""


@dataclass(frozen=True)
class BookExecution:
    """Books each fill once, in one transaction: trade, both ledger sides, fees, order, account and
    position.
    """

    books: BookingBooks
    health: VenueHealth
    prices: LastPrices
    monitor: Monitor
    clock: Clock

    def report(self, report: ExecutionReport) -> Order | None:
        """Book a report.

        Returns the order as it stands afterwards. If the report names no child order of its account
        at its exchange, the books record a break and the answer is None.
        """
        order = self.books.order(identifiers.parent_order_id(report.client_order_id))
        child = order.child(report.client_order_id) if order else None
        if (
            order is None
            or child is None
            or order.client_id != report.account
            or child.exchange_id != report.exchange_id
        ):
            unknown = "no such child order of that account at that exchange"
            return self._record_break(report, Breach(BreakCode.UNKNOWN_ORDER, unknown))
        try:
            _check_instrument(report, order)
            fill = _fill_in(report)
        except Breach as breach:
            return self._record_break(report, breach, order)
        if fill is not None:
            return self._fill(order, fill)
        if report.exec_type in ENDINGS:
            ending = ENDINGS[report.exec_type]
            return self.child_end(order, child, ending, report.cumulative_quantity, report.reason)
        return order

    def state(self, order: Order, child: ChildOrder, state: OrderState) -> Order:
        """Book an exchange's answer about a child: the executions new to us, then its end."""
        client_order_id = identifiers.child_order_id(order.order_id, child.number)
        for execution in state.executions:
            fill = VenueExecution(
                exchange_id=child.exchange_id,
                execution_id=execution.execution_id,
                client_order_id=client_order_id,
                quantity=execution.quantity,
                price=execution.price,
                executed_at=execution.transact_time,
            )
            order = self._fill(order, fill)
        if state.status in ENDINGS:
            ending = ENDINGS[state.status]
            order = self.child_end(order, child, ending, state.cumulative_quantity, state.reason)
        return order

    def child_end(
        self,
        order: Order,
        child: ChildOrder,
        ending: ChildStatus,
        cumulative: int,
        reason: str | None,
    ) -> Order:
        """Book the end of a child of which the exchange has executed `cumulative` in all."""
        client_order_id = identifiers.child_order_id(order.order_id, child.number)
        current = order.child(client_order_id)
        if current is None or current.status is not ChildStatus.SENT or current.ending is not None:
            return order
        order = order.child_ended(client_order_id, ending, cumulative, reason)
        self.books.commit(order)
        self.health.observe(child.exchange_id, ratio(current.filled, current.quantity))
        return order.saved()

    def _fill(self, order: Order, fill: VenueExecution) -> Order:
        if fill.trade_id in order.trades:
            return self._fill_again(order, fill)
        exchange = next(
            (e for e in self.books.exchanges() if e.exchange_id == fill.exchange_id), None
        )
        instrument = self.books.instrument(order.symbol)
        if exchange is None or instrument is None:
            raise NotFoundError(f"no reference data for {fill.exchange_id} or {order.symbol}")
        account = self.books.account(order.client_id)
        position = self.books.position(order.client_id, order.symbol)
        now = self.clock()
        try:
            booked = booking.book(order, fill, instrument, exchange, account, position, now)
        except Breach as breach:
            return self._record_break(fill, breach, order, fill.quantity) or order
        changes = changes_of_end(self.books, booked.order, booked.account, booked.position, now)
        self.books.commit(booked.fill, *changes)
        self.monitor.count(Metric.FILLS_BOOKED)
        self.prices.observe(order.symbol, fill.price, min(fill.executed_at, booked.fill.booked_at))
        child = booked.order.child(fill.client_order_id)
        if child is not None and child.status is ChildStatus.FILLED:
            self.health.observe(fill.exchange_id, Decimal(1))
        return booked.order.saved()

    def _fill_again(self, order: Order, fill: VenueExecution) -> Order:
        """Accept a repeated execution; record a break if its numbers are not those of the trade."""
        booked = self.books.fill(fill.trade_id)
        self.monitor.count(Metric.FILLS_REPEATED)
        if booked is None or (booked.quantity, booked.price) == (fill.quantity, fill.price):
            return order
        message = f"{fill.quantity} at {fill.price}, booked {booked.quantity} at {booked.price}"
        return (
            self._record_break(fill, Breach(BreakCode.EXECUTION_CHANGED, message), order) or order
        )

    def _record_break(
        self,
        said: ExecutionReport | VenueExecution,
        breach: Breach,
        order: Order | None = None,
        refused_quantity: int = 0,
    ) -> Order | None:
        """Record what the exchange said, once for each execution id, for operators to review.

        The same transaction flags the order, if there is one.
        """
        entry = Break(
            trade_id=identifiers.trade_id(said.exchange_id, said.execution_id),
            client_id=order.client_id if order else "unknown",
            order_id=order.order_id if order else None,
            booked_at=self.clock(),
            postings=(),
            code=breach.code,
            reason=breach.message,
            evidence={name: str(value) for name, value in said.model_dump(mode="json").items()},
        )
        self.monitor.count(Metric.BREAKS, code=breach.code, reason=breach.message)
        if any(known.kind is EntryKind.BREAK for known in self.books.entries([entry.trade_id])):
            return order
        if order is None:
            self.books.commit(entry)
            return None
        flagged = order.execution_refused(
            said.client_order_id, refused_quantity
        ).flagged_for_review(breach.code)
        self.books.commit(entry, flagged)
        return flagged.saved()


def _check_instrument(report: ExecutionReport, order: Order) -> None:
    """Raises Breach if the report is about another instrument or side than the order."""
    if (report.symbol, report.side) != (order.symbol, order.side):
        raise Breach(
            BreakCode.OTHER_ORDER_REPORTED,
            f"{report.side} {report.symbol}, ordered was {order.side} {order.symbol}",
        )


def _fill_in(report: ExecutionReport) -> VenueExecution | None:
    """The fill that a report brings, if it brings one. Raises Breach if it is malformed."""
    if report.exec_type is not ExecType.TRADE:
        return None
    if report.last_quantity <= 0 or report.last_price is None:
        raise Breach(BreakCode.MALFORMED_TRADE, "a trade without quantity or price")
    return VenueExecution(
        exchange_id=report.exchange_id,
        execution_id=report.execution_id,
        client_order_id=report.client_order_id,
        quantity=report.last_quantity,
        price=report.last_price,
        executed_at=report.transact_time,
    )
