"""Booking what exchanges say: reports that arrive by callback, and states that we asked for."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from trading.domain import identifiers
from trading.domain.ledger import UNKNOWN_CLIENT, Break, BreakCode, EntryKind
from trading.domain.orders import booking
from trading.domain.orders.booking import Breach, VenueExecution
from trading.domain.orders.child_order import ChildOrder, ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.venue_correction import VenueCorrection
from trading.domain.values import ZERO, ratio
from trading.metrics import Metric
from trading.usecases.execution.correct_execution import CorrectExecution
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
    StaleError,
    UnitOfWork,
    VenueHealth,
)
from trading.wire import ExecType, Execution, ExecutionReport, OrderState

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
    correct: CorrectExecution
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
        if report.exec_type is ExecType.OTHER:
            return self._keep(report, order)
        try:
            _check_instrument(report, order)
            fill, correction = _fill_in(report), _correction_in(report)
        except Breach as breach:
            return self._record_break(report, breach, order)
        if correction is not None:
            return self._correct(order, correction)
        if fill is not None:
            return self._fill(order, fill)
        if report.exec_type in ENDINGS:
            ending = ENDINGS[report.exec_type]
            executed = report.cumulative_quantity + report.busted_quantity
            return self.child_end(order, child, ending, executed, report.reason)
        return order

    def state(self, order: Order, child: ChildOrder, state: OrderState) -> Order:
        """Book an exchange's answer about a child: the executions new to us, the corrections and
        busts of executions, then its end.
        """
        client_order_id = identifiers.child_order_id(order.order_id, child.number)
        for execution in state.executions:
            order = self._execution(order, child, client_order_id, execution)
        for bust in state.busts:
            order = self._correct(
                order,
                VenueCorrection(
                    exchange_id=child.exchange_id,
                    execution_id=bust.execution_id,
                    reference_execution_id=bust.reference_execution_id,
                    client_order_id=client_order_id,
                    reported_at=bust.transact_time,
                ),
            )
        order = self.refuse_parked(order, client_order_id)
        if state.status in ENDINGS:
            ending = ENDINGS[state.status]
            executed = state.cumulative_quantity + state.busted_quantity
            order = self.child_end(order, child, ending, executed, state.reason)
        return order

    def _execution(
        self, order: Order, child: ChildOrder, client_order_id: str, execution: Execution
    ) -> Order:
        """Book an execution, or a correction, that an exchange's answer lists."""
        fill = VenueExecution(
            exchange_id=child.exchange_id,
            execution_id=execution.execution_id,
            client_order_id=client_order_id,
            quantity=execution.quantity,
            price=execution.price,
            executed_at=execution.transact_time,
        )
        if not execution.is_readable:
            if fill.trade_id in order.trades:
                return order
            unreadable = Breach(BreakCode.MALFORMED_TRADE, f"{execution.not_understood}")
            return self._record_break(fill, unreadable, order, fill.quantity) or order
        if execution.reference_execution_id is None:
            return self._fill(order, fill)
        correction = VenueCorrection(
            exchange_id=child.exchange_id,
            execution_id=execution.execution_id,
            reference_execution_id=execution.reference_execution_id,
            client_order_id=client_order_id,
            quantity=execution.quantity,
            price=execution.price,
            reported_at=execution.transact_time,
        )
        return self._correct(order, correction)

    def refuse_parked(self, order: Order, client_order_id: str) -> Order:
        """Record a break for each parked correction of a child.

        Its exchange has just listed all executions, and the one that it changes is not among them.
        """
        for parked in order.parked:
            if parked.client_order_id == client_order_id:
                message = f"the exchange does not have {parked.reference_execution_id}"
                order = self._refuse(order, parked, Breach(BreakCode.UNKNOWN_EXECUTION, message))
        return order

    def child_end(
        self,
        order: Order,
        child: ChildOrder,
        ending: ChildStatus,
        cumulative: int,
        reason: str | None,
    ) -> Order:
        """Book the end of a child of which the exchange has executed `cumulative` in all.

        `cumulative` counts busted shares too.
        """
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
        try:
            self.books.commit(booked.fill, *changes)
        except StaleError:
            if (other := self._booked_elsewhere(order, fill)) is None:
                raise
            return self._record_break(fill, other, order, fill.quantity) or order
        self.monitor.count(Metric.FILLS_BOOKED)
        at = min(fill.executed_at, booked.fill.booked_at)
        self.prices.observe(order.symbol, fill.price, at, fill.trade_id)
        child = booked.order.child(fill.client_order_id)
        if child is not None and child.status is ChildStatus.FILLED:
            self.health.observe(fill.exchange_id, Decimal(1))
        return self._apply_parked(booked.order.saved())

    def _booked_elsewhere(self, order: Order, fill: VenueExecution) -> Breach | None:
        """The breach of reporting an execution of one order again for another."""
        booked = self.books.fill(fill.trade_id)
        if booked is None or booked.order_id == order.order_id:
            return None
        return Breach(BreakCode.EXECUTION_CHANGED, f"booked for the order {booked.order_id}")

    def _fill_again(self, order: Order, fill: VenueExecution) -> Order:
        """Accept a repeated execution; record a break if its numbers are not those of the trade."""
        booked = self.books.fill(fill.trade_id)
        self.monitor.count(Metric.FILLS_REPEATED)
        if booked is None or (booked.quantity, booked.price) == (fill.quantity, fill.price):
            return self._apply_parked(order)
        message = f"{fill.quantity} at {fill.price}, booked {booked.quantity} at {booked.price}"
        return (
            self._record_break(fill, Breach(BreakCode.EXECUTION_CHANGED, message), order) or order
        )

    def _correct(self, order: Order, correction: VenueCorrection) -> Order:
        """Book a correction or a bust, and whatever waited for it."""
        try:
            corrected = self.correct(order, correction)
        except Breach as breach:
            return self._refuse(order, correction, breach)
        return self._apply_parked(corrected) if corrected is not order else order

    def _apply_parked(self, order: Order) -> Order:
        """Book the parked corrections whose execution is booked now."""
        while True:
            ready = next((c for c in order.parked if c.reversed_trade_id in order.trades), None)
            if ready is None:
                return order
            try:
                order = self.correct(order, ready)
            except Breach as breach:
                order = self._refuse(order, ready, breach)
            order = self._unpark(order, ready)

    def _refuse(self, order: Order, correction: VenueCorrection, breach: Breach) -> Order:
        """Record a break for a correction or a bust that the books refuse."""
        recorded = self._record_break(correction, breach, order) or order
        return self._unpark(recorded, correction)

    def _unpark(self, order: Order, correction: VenueCorrection) -> Order:
        if correction not in order.parked:
            return order
        unparked = order.without_parked(correction)
        self.books.commit(unparked)
        return unparked.saved()

    def _keep(self, report: ExecutionReport, order: Order) -> Order:
        """Record an event that we do not know, once for each execution id.

        It may be harmless, so it does not flag the order.
        """
        said = f"{(report.not_understood or {}).get('exec_type', report.exec_type)}"
        entry = self._break(report, Breach(BreakCode.NOT_UNDERSTOOD, said), order)
        if not self._is_recorded(entry):
            self.monitor.count(Metric.NOT_UNDERSTOOD, exchange_id=report.exchange_id, said=said)
            self.books.commit(entry)
        return order

    def _record_break(
        self,
        said: ExecutionReport | VenueExecution | VenueCorrection,
        breach: Breach,
        order: Order | None = None,
        refused_quantity: int = 0,
    ) -> Order | None:
        """Record what the exchange said, once for each execution id, for operators to review.

        The same transaction flags the order, if there is one. A worker that dies after it never
        comes here again, so the break is counted before.
        """
        entry = self._break(said, breach, order)
        if self._is_recorded(entry):
            return order
        self.monitor.count(Metric.BREAKS, code=breach.code, reason=breach.message)
        if order is None:
            self.books.commit(entry)
            return None
        flagged = order.execution_refused(
            said.client_order_id, refused_quantity
        ).flagged_for_review(breach.code)
        self.books.commit(entry, flagged)
        return flagged.saved()

    def _break(
        self,
        said: ExecutionReport | VenueExecution | VenueCorrection,
        breach: Breach,
        order: Order | None,
    ) -> Break:
        return Break(
            trade_id=identifiers.trade_id(said.exchange_id, said.execution_id),
            client_id=order.client_id if order else UNKNOWN_CLIENT,
            order_id=order.order_id if order else None,
            booked_at=self.clock(),
            postings=(),
            code=breach.code,
            reason=breach.message,
            evidence={name: str(value) for name, value in said.model_dump(mode="json").items()},
        )

    def _is_recorded(self, entry: Break) -> bool:
        known = self.books.entries([entry.trade_id])
        return any(each.kind is EntryKind.BREAK for each in known)


def _check_instrument(report: ExecutionReport, order: Order) -> None:
    """Raises Breach if the report is about another instrument or side than the order."""
    if (report.symbol, report.side) != (order.symbol, order.side):
        raise Breach(
            BreakCode.OTHER_ORDER_REPORTED,
            f"{report.side} {report.symbol}, ordered was {order.side} {order.symbol}",
        )


def _correction_in(report: ExecutionReport) -> VenueCorrection | None:
    """The correction or bust that a report brings, if it brings one.

    Raises Breach if it is malformed.
    """
    if report.exec_type not in (ExecType.TRADE_CORRECT, ExecType.TRADE_CANCEL):
        return None
    corrects = report.exec_type is ExecType.TRADE_CORRECT
    if report.reference_execution_id is None:
        raise Breach(BreakCode.MALFORMED_CORRECTION, "no execution is named")
    if corrects and (report.last_quantity <= 0 or report.last_price is None):
        raise Breach(BreakCode.MALFORMED_CORRECTION, "a correction without quantity or price")
    return VenueCorrection(
        exchange_id=report.exchange_id,
        execution_id=report.execution_id,
        reference_execution_id=report.reference_execution_id,
        client_order_id=report.client_order_id,
        quantity=report.last_quantity if corrects else 0,
        price=report.last_price if corrects and report.last_price is not None else ZERO,
        reported_at=report.transact_time,
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
