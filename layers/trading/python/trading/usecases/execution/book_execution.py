"""Booking what exchanges say: reports that come by callback, and states that we asked for."""

from dataclasses import dataclass
from decimal import Decimal

from trading.domain import identifiers
from trading.domain.ledger import Break, BreakCode, EntryKind
from trading.domain.orders import booking
from trading.domain.orders.booking import Breach, VenueExecution
from trading.domain.orders.order import ChildOrder, ChildStatus, Order
from trading.metrics import Metric
from trading.usecases.orders.end_order import changes_of_end
from trading.usecases.ports import Books, Clock, LastPrices, Monitor, NotFoundError, VenueHealth
from trading.wire import ExecType, ExecutionReport, OrderState

ENDINGS: dict[str, ChildStatus] = {
    "CANCELED": ChildStatus.CANCELED,
    "REJECTED": ChildStatus.REJECTED,
    "EXPIRED": ChildStatus.EXPIRED,
}
"""An exchange's word for the end of an order (as ExecType or VenueOrderStatus) in ours."""


@dataclass(frozen=True)
class BookExecution:
    """A fill is one transaction: trade with both sides of the ledger and fees, order, account,
    position. It happens once.
    """

    books: Books
    health: VenueHealth
    prices: LastPrices
    monitor: Monitor
    clock: Clock

    def report(self, report: ExecutionReport) -> Order | None:
        """Book a report; the order as it stands afterwards, or None if the report is for no order
        of that account (a break).
        """
        order = self.books.order(identifiers.parent_order_id(report.client_order_id))
        child = order.child(report.client_order_id) if order else None
        if (
            order is None
            or child is None
            or order.client_id != report.account
            or child.exchange_id != report.exchange_id
        ):
            return self._record_break(
                report,
                BreakCode.UNKNOWN_ORDER,
                "no such child order of that account at that exchange",
            )
        if (report.symbol, report.side) != (order.symbol, order.side):
            said = f"{report.side} {report.symbol}, ordered was {order.side} {order.symbol}"
            return self._record_break(report, BreakCode.OTHER_ORDER_REPORTED, said, order)
        if report.exec_type is ExecType.TRADE:
            if report.last_quantity <= 0 or report.last_price is None:
                return self._record_break(
                    report, BreakCode.MALFORMED_TRADE, "a trade without quantity or price", order
                )
            fill = VenueExecution(
                exchange_id=report.exchange_id,
                execution_id=report.execution_id,
                client_order_id=report.client_order_id,
                quantity=report.last_quantity,
                price=report.last_price,
                executed_at=report.transact_time,
            )
            return self._fill(order, fill)
        if report.exec_type in ENDINGS:
            ending = ENDINGS[report.exec_type]
            return self.child_ended(order, child, ending, report.cumulative_quantity, report.reason)
        return order

    def state(self, order: Order, child: ChildOrder, state: OrderState) -> Order:
        """Book everything that an exchange says of a child: the executions that are new to us, then
        its end.
        """
        client_order_id = identifiers.child_order_id(order.order_id, child.number)
        for done in state.executions:
            fill = VenueExecution(
                exchange_id=child.exchange_id,
                execution_id=done.execution_id,
                client_order_id=client_order_id,
                quantity=done.quantity,
                price=done.price,
                executed_at=done.transact_time,
            )
            order = self._fill(order, fill)
        if state.status in ENDINGS:
            order = self.child_ended(
                order, child, ENDINGS[state.status], state.cumulative_quantity, state.reason
            )
        return order

    def child_ended(
        self,
        order: Order,
        child: ChildOrder,
        ending: ChildStatus,
        cumulative: int,
        reason: str | None,
    ) -> Order:
        """Note the end of a child, of which the exchange says that it executed `cumulative` in all."""
        client_order_id = identifiers.child_order_id(order.order_id, child.number)
        current = order.child(client_order_id)
        if current is None or current.status is not ChildStatus.SENT or current.ending is not None:
            return order
        order = order.child_ended(client_order_id, ending, cumulative, reason)
        self.books.commit(order)
        self.health.observe(child.exchange_id, Decimal(current.filled) / current.quantity)
        return order.saved()

    def _fill(self, order: Order, fill: VenueExecution) -> Order:
        if fill.trade_id in order.trades:
            return self._repeated(order, fill)
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
            return (
                self._record_break(fill, breach.code, breach.message, order, fill.quantity) or order
            )
        changes = changes_of_end(self.books, booked.order, booked.account, booked.position, now)
        self.books.commit(booked.fill, *changes)
        self.monitor.count(Metric.FILLS_BOOKED)
        self.prices.observe(order.symbol, fill.price, min(fill.executed_at, booked.fill.booked_at))
        child = booked.order.child(fill.client_order_id)
        if child is not None and child.status is ChildStatus.FILLED:
            self.health.observe(fill.exchange_id, Decimal(1))
        return booked.order.saved()

    def _repeated(self, order: Order, fill: VenueExecution) -> Order:
        """The same execution again is normal; the same id with other numbers is a break."""
        booked = self.books.fill(fill.trade_id)
        self.monitor.count(Metric.FILLS_REPEATED)
        if booked is None or (booked.quantity, booked.price) == (fill.quantity, fill.price):
            return order
        message = f"{fill.quantity} at {fill.price}, booked {booked.quantity} at {booked.price}"
        return self._record_break(fill, BreakCode.EXECUTION_CHANGED, message, order) or order

    def _record_break(
        self,
        said: ExecutionReport | VenueExecution,
        code: BreakCode,
        reason: str,
        order: Order | None = None,
        refused_quantity: int = 0,
    ) -> Order | None:
        """Keep what the exchange said for people to look at, once an execution id, and flag the
        order if there is one.
        """
        entry = Break(
            trade_id=identifiers.trade_id(said.exchange_id, said.execution_id),
            client_id=order.client_id if order else "unknown",
            order_id=order.order_id if order else None,
            booked_at=self.clock(),
            postings=(),
            code=code,
            reason=reason,
            evidence={name: str(value) for name, value in said.model_dump(mode="json").items()},
        )
        self.monitor.count(Metric.BREAKS, code=code, reason=reason)
        if any(known.kind is EntryKind.BREAK for known in self.books.entries([entry.trade_id])):
            return order
        if order is None:
            self.books.commit(entry)
            return None
        flagged = order.refused(said.client_order_id, refused_quantity).model_copy(
            update={"review_reason": code}
        )
        self.books.commit(entry, flagged)
        return flagged.saved()
