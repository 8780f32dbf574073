"""The rules of an exchange: it accepts, matches and cancels orders, and it reports events."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from simulators.behaviour import ExchangeBehaviour
from simulators.dice import Dice
from simulators.market import Listing, is_within_limit, opposite
from simulators.problem import Problem
from trading.domain.reference.calendars import business_date, close_of
from trading.domain.values import Frozen, TimeInForce, Timestamp
from trading.wire import (
    Bust,
    ExecType,
    Execution,
    ExecutionReport,
    OrderState,
    SubmitOrder,
    VenueOrderStatus,
    VenueQuote,
)

MAX_ORDER_QUANTITY = 1_000_000
MAX_LIMIT_PRICE = Decimal(1_000_000)
MAX_FILLS_A_MATCH = 3
_TERMS = {"account", "symbol", "side", "quantity", "limit_price", "stop_price", "time_in_force"}


class BookedOrder(Frozen):
    """An order in the exchange's book.

    `version` is its optimistic lock. `report_count` numbers its reports. `elected` says that the
    last price has reached the stop price, which stays true from then on.
    """

    exchange_id: str
    order: SubmitOrder
    accepted_at: Timestamp
    status: VenueOrderStatus = VenueOrderStatus.NEW
    cumulative_quantity: int = 0
    busted_quantity: int = 0
    report_count: int = 0
    elected: bool = False
    reason: str | None = None
    version: int = 1

    @property
    def exchange_order_id(self) -> str:
        """The exchange's own id of the order."""
        return exchange_order_id(self.exchange_id, self.order.client_order_id)

    @property
    def leaves_quantity(self) -> int:
        """The shares that are still working (FIX tag 151). A final order has none."""
        return 0 if self.status.is_final else self.order.quantity - self.executed_quantity

    @property
    def executed_quantity(self) -> int:
        """The shares of all executions, with those that busts and corrections took away."""
        return self.cumulative_quantity + self.busted_quantity

    def corrected(self, change: int) -> "BookedOrder":
        """The order after a correction or a bust of an execution.

        `change`: of the cumulative quantity, negative for shares that are taken away. The change
        makes a report.
        """
        return self.but(
            cumulative_quantity=self.cumulative_quantity + change,
            busted_quantity=self.busted_quantity - change,
            report_count=self.report_count + 1,
        )

    def next_version(self) -> "BookedOrder":
        """The order with the version under which it is written."""
        return self.but(version=self.version + 1)

    def canceled(self) -> "BookedOrder":
        """The order after its owner canceled it."""
        return self.but(
            status=VenueOrderStatus.CANCELED,
            reason="canceled on request",
            version=self.version + 1,
        )

    def elected_now(self) -> "BookedOrder":
        """The stop order after the last price reached its stop price."""
        return self.but(elected=True)

    def after_match(
        self, status: VenueOrderStatus, cumulative_quantity: int, reports: int, reason: str | None
    ) -> "BookedOrder":
        """The order after a match that made `reports` reports."""
        return self.but(
            status=status,
            cumulative_quantity=cumulative_quantity,
            report_count=self.report_count + reports,
            reason=reason,
            version=self.version + 1,
        )

    def has_terms_of(self, other: SubmitOrder) -> bool:
        """Whether the other order has the same terms. The callback URL and the correlation id are
        not terms.
        """
        return self.order.model_dump(include=_TERMS) == other.model_dump(include=_TERMS)

    def state(self, reports: Sequence[ExecutionReport]) -> OrderState:
        """What the exchange tells about the order. `reports` holds all of its reports."""
        return OrderState(
            exchange_id=self.exchange_id,
            client_order_id=self.order.client_order_id,
            exchange_order_id=self.exchange_order_id,
            status=self.status,
            quantity=self.order.quantity,
            cumulative_quantity=self.cumulative_quantity,
            leaves_quantity=self.leaves_quantity,
            busted_quantity=self.busted_quantity,
            reason=self.reason,
            busts=tuple(
                Bust(
                    execution_id=report.execution_id,
                    reference_execution_id=report.reference_execution_id,
                    transact_time=report.transact_time,
                )
                for report in reports
                if report.exec_type is ExecType.TRADE_CANCEL and report.reference_execution_id
            ),
            executions=tuple(
                Execution(
                    execution_id=report.execution_id,
                    quantity=report.last_quantity,
                    price=report.last_price,
                    transact_time=report.transact_time,
                    reference_execution_id=report.reference_execution_id,
                )
                for report in reports
                if report.exec_type in (ExecType.TRADE, ExecType.TRADE_CORRECT)
                and report.last_price is not None
            ),
        )


class Tombstone(Frozen):
    """Stands in the book for an order that was canceled before it arrived, and keeps it from
    arriving later.
    """

    exchange_id: str
    client_order_id: str

    def state(self) -> OrderState:
        """The state of a canceled order with quantity zero."""
        return OrderState(
            exchange_id=self.exchange_id,
            client_order_id=self.client_order_id,
            exchange_order_id=exchange_order_id(self.exchange_id, self.client_order_id),
            status=VenueOrderStatus.CANCELED,
            quantity=0,
            cumulative_quantity=0,
            leaves_quantity=0,
            reason="canceled before arrival",
        )


class MatchOutcome(Frozen):
    """The result of matching an order once: its new state and its new reports."""

    booked: BookedOrder
    reports: tuple[ExecutionReport, ...]

    @property
    def taken(self) -> int:
        """The number of shares filled."""
        trades = (report for report in self.reports if report.exec_type is ExecType.TRADE)
        return sum(report.last_quantity for report in trades)


def exchange_order_id(exchange_id: str, client_order_id: str) -> str:
    """The exchange's id of an order. It is derived, so that every caller gets the same id."""
    digest = hashlib.sha256(f"{exchange_id}/{client_order_id}".encode()).hexdigest()
    return f"{exchange_id}-{digest[:24]}"


def validate(order: SubmitOrder, listing: Listing | None) -> None:
    """Raise Problem 422 unless the exchange can take the order."""
    if listing is None:
        raise Problem(422, "UNKNOWN_SYMBOL", f"{order.symbol} is not listed here")
    if order.quantity > MAX_ORDER_QUANTITY or order.quantity % listing.lot_size:
        raise Problem(
            422,
            "BAD_QUANTITY",
            f"quantity must be whole lots of {listing.lot_size}, not above {MAX_ORDER_QUANTITY}",
        )
    for name, price in (("limit", order.limit_price), ("stop", order.stop_price)):
        if price is not None and (price > MAX_LIMIT_PRICE or price % listing.tick_size):
            raise Problem(
                422,
                "BAD_PRICE",
                f"{name} price must be whole ticks of {listing.tick_size}, not above "
                f"{MAX_LIMIT_PRICE}",
            )
    if order.stop_price is not None and not order.time_in_force.rests:
        raise Problem(422, "BAD_TIME_IN_FORCE", "a stop order rests until it is elected")


def accept(exchange_id: str, order: SubmitOrder, now: datetime) -> BookedOrder:
    return BookedOrder(exchange_id=exchange_id, order=order, accepted_at=now)


def cancel(booked: BookedOrder) -> BookedOrder:
    """The order after its owner canceled it. No report follows: the owner has the answer."""
    return booked.canceled()


def expire(booked: BookedOrder, now: datetime) -> MatchOutcome | None:
    """End a DAY order whose session is over. None: it goes on."""
    session = business_date(booked.accepted_at)
    if booked.order.time_in_force is not TimeInForce.DAY or now < close_of(session):
        return None
    return _Reporter(booked, now).end(VenueOrderStatus.EXPIRED, ExecType.EXPIRED, "end of the day")


def match(
    booked: BookedOrder, quote: VenueQuote, behaviour: ExchangeBehaviour, dice: Dice, now: datetime
) -> MatchOutcome | None:
    """Match a working order with the remaining displayed liquidity. None means that nothing
    happened and the order rests.

    Fills are at the price of the opposite side, never worse than the limit. The unfilled part of an
    IOC or FOK order is canceled. A stop order is not matched before it is elected.
    """
    order, untouched = booked.order, booked.executed_quantity == 0
    key = (booked.exchange_id, order.client_order_id)
    if untouched and dice.chance(behaviour.reject_rate, "reject", *key):
        return _Reporter(booked, now).end(
            VenueOrderStatus.REJECTED, ExecType.REJECTED, "refused by the exchange"
        )

    elected = is_elected(booked, quote)
    newly_elected = elected and not booked.elected and order.stop_price is not None
    if newly_elected:
        booked = booked.elected_now()
    price, size = opposite(quote, order.side)
    takes = elected and is_within_limit(price, order.limit_price, order.side)
    quantity = min(booked.leaves_quantity, size) if takes else 0
    if order.time_in_force is TimeInForce.FOK:
        quantity = quantity if quantity == booked.leaves_quantity else 0
    elif untouched and quantity > 1 and dice.chance(behaviour.partial_rate, "partial", *key):
        quantity = dice.between(1, quantity - 1, "partial quantity", *key)

    reporter = _Reporter(booked, now)
    for fill in split_quantity(
        quantity, dice.between(1, MAX_FILLS_A_MATCH, "fills", *key, booked.version)
    ):
        reporter.fill(fill, price)
    if order.time_in_force.rests or reporter.executed_quantity == order.quantity:
        return reporter.outcome() if quantity or newly_elected else None
    return reporter.end(
        VenueOrderStatus.CANCELED, ExecType.CANCELED, f"{order.time_in_force} remainder"
    )


def is_elected(booked: BookedOrder, quote: VenueQuote) -> bool:
    """Whether an order may execute: it has no stop price, or the last price has reached its stop
    price.

    The last price is the middle of the displayed quote. The seed moves it from minute to minute.
    """
    stop_price, last_price = booked.order.stop_price, (quote.bid + quote.ask) / 2
    return (
        booked.elected
        or stop_price is None
        or (last_price - stop_price) * booked.order.side.sign >= 0
    )


def split_quantity(quantity: int, parts: int) -> list[int]:
    """The quantity in at most `parts` parts of at least one share each. The largest part comes
    first.
    """
    if quantity == 0:
        return []
    parts = min(parts, quantity)
    each, over = divmod(quantity, parts)
    return [each + (1 if number < over else 0) for number in range(parts)]


class _Reporter:
    """Numbers the reports of one match and adds up their quantities."""

    def __init__(self, booked: BookedOrder, now: datetime) -> None:
        self._booked = booked
        self._now = now
        self._reports: list[ExecutionReport] = []
        self.cumulative_quantity = booked.cumulative_quantity
        self.busted_quantity = booked.busted_quantity

    @property
    def executed_quantity(self) -> int:
        """The shares of all executions, those that were busted too."""
        return self.cumulative_quantity + self.busted_quantity

    def fill(self, quantity: int, price: Decimal) -> None:
        self.cumulative_quantity += quantity
        leaves = self._booked.order.quantity - self.executed_quantity
        self._report(ExecType.TRADE, leaves, last_quantity=quantity, last_price=price)

    def end(self, status: VenueOrderStatus, exec_type: ExecType, reason: str) -> MatchOutcome:
        self._report(exec_type, leaves=0, reason=reason)
        return self._changed(status, reason)

    def outcome(self) -> MatchOutcome:
        if self.executed_quantity == self._booked.order.quantity:
            return self._changed(VenueOrderStatus.FILLED, None)
        return self._changed(
            VenueOrderStatus.PARTIALLY_FILLED if self.cumulative_quantity else VenueOrderStatus.NEW,
            None,
        )

    def _report(
        self,
        exec_type: ExecType,
        leaves: int,
        last_quantity: int = 0,
        last_price: Decimal | None = None,
        reason: str | None = None,
    ) -> None:
        booked, order = self._booked, self._booked.order
        number = booked.report_count + len(self._reports) + 1
        self._reports.append(
            ExecutionReport(
                exchange_id=booked.exchange_id,
                execution_id=f"{booked.exchange_order_id}-{number}",
                client_order_id=order.client_order_id,
                exchange_order_id=booked.exchange_order_id,
                account=order.account,
                symbol=order.symbol,
                side=order.side,
                exec_type=exec_type,
                last_quantity=last_quantity,
                last_price=last_price,
                cumulative_quantity=self.cumulative_quantity,
                busted_quantity=self.busted_quantity,
                leaves_quantity=leaves,
                reason=reason,
                transact_time=self._now,
                correlation_id=order.correlation_id,
            )
        )

    def _changed(self, status: VenueOrderStatus, reason: str | None) -> MatchOutcome:
        booked = self._booked.after_match(
            status, self.cumulative_quantity, len(self._reports), reason
        )
        return MatchOutcome(booked=booked, reports=tuple(self._reports))
