"""Booking: what an execution at an exchange changes in order, account, position and ledger.

All of it is written in one transaction. docs/explanation/holds.md has examples.
"""

from datetime import datetime
from decimal import Decimal

from trading.domain import identifiers, ledger
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import BreakCode
from trading.domain.orders import attention
from trading.domain.orders.child_order import ChildOrder
from trading.domain.orders.execution_times import ImplausibleTimeError, trade_date_of
from trading.domain.orders.fees import fee_of
from trading.domain.orders.holds import Hold
from trading.domain.orders.order import Order
from trading.domain.orders.order_effects import OrderEffect
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.reference.calendars import CalendarRangeError, settlement_date
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import (
    Frozen,
    Money,
    Side,
    Timestamp,
    cents,
    cents_up,
    percent_of,
    proportional,
)


class VenueExecution(Frozen):
    """A fill as an exchange reports it (ExecutionReport, FIX MsgType 8).

    quantity: in shares; price: in USD a share. client_order_id: the id of the child order.
    """

    exchange_id: str
    execution_id: str
    client_order_id: str
    quantity: int
    price: Money
    executed_at: Timestamp

    @property
    def trade_id(self) -> str:
        """The id of the trade. The same execution always gets the same id."""
        return identifiers.trade_id(self.exchange_id, self.execution_id)


class Breach(Exception):
    """An exchange reports what it may not report. The books keep it as a break, for people."""

    def __init__(self, code: BreakCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BookingResult(Frozen):
    """What booking one fill changes. All of it is written together."""

    order: Order
    account: Account
    position: Position
    fill: ledger.Fill


def check_execution(order: Order, execution: VenueExecution) -> ChildOrder:
    """Return the child that was executed. Raises Breach if the exchange may not execute so.

    An execution is binding while it fits into two limits: what the exchange has announced of the
    child, and what the order still holds for. It is binding even if the books say that the child
    is over.
    """
    child = order.child(execution.client_order_id)
    if child is None or child.exchange_id != execution.exchange_id:
        raise Breach(
            BreakCode.UNKNOWN_CHILD_ORDER,
            f"{execution.exchange_id} never got {execution.client_order_id}",
        )
    left = min(child.expected - child.executed, order.remaining) if order.is_open else 0
    if execution.quantity > left:
        raise Breach(BreakCode.OVERFILL, f"{execution.quantity} executed where {left} was left")
    if execution.price <= 0:
        raise Breach(BreakCode.IMPLAUSIBLE_PRICE, f"{execution.price}")
    if (execution.price - order.protection_price) * order.side.sign > 0:
        raise Breach(
            BreakCode.PRICE_WORSE_THAN_LIMIT, f"{execution.price} against {order.protection_price}"
        )
    return child


def split_cost(cost: Decimal, released: Hold, margin_percent: Decimal) -> tuple[Decimal, Decimal]:
    """Split the cost of a purchase into (own cash, drawn credit).

    Each part is at most what the fill released of the hold. margin_percent: the client's share.
    """
    own = min(cents_up(percent_of(cost, margin_percent)), released.cash)
    drawn = min(cost - own, released.credit)
    return cost - drawn, drawn


def fees_of(order: Order, exchange: Exchange, quantity: int, notional: Decimal) -> Decimal:
    """The exchange's fee for an execution: its rate a share, rounded down to the cent.

    A buy pays at most the rate that was held for, because a rate may change while an order stands.
    """
    rate = exchange.fee_per_share
    if order.side is Side.BUY:
        rate = min(rate, order.hold_fee_per_share)
    return fee_of(rate, quantity, notional)


def book(
    order: Order,
    execution: VenueExecution,
    instrument: Instrument,
    exchange: Exchange,
    account: Account,
    position: Position,
    now: datetime,
) -> BookingResult:
    """Book a fill. Raises Breach.

    Fee: the broker computes it (`fees_of`); the exchange does not report it.
    Buy: the hold pays. What a better price leaves over goes back at once.
    Sale: the proceeds are unsettled.
    Cost basis: average cost. Fees are part of it, and a sale takes out its proportional part.
    """
    check_execution(order, execution)
    quantity, side = execution.quantity, order.side
    notional = cents(execution.price * quantity)
    fees = fees_of(order, exchange, quantity, notional)
    filled = order.filled(
        execution.client_order_id, execution.trade_id, quantity, notional, fees, now
    )
    before, after = order.hold, filled.hold
    try:
        trade_date = trade_date_of(order, instrument, execution.executed_at, now)
        settles = settlement_date(trade_date, instrument.settlement_days)
    except (ImplausibleTimeError, CalendarRangeError) as error:
        raise Breach(BreakCode.IMPLAUSIBLE_TIME, str(error)) from error
    drawn = cost = Decimal("0.00")
    if side is Side.BUY:
        released = Hold(cash=before.cash - after.cash, credit=before.credit - after.credit)
        own, drawn = split_cost(notional + fees, released, order.margin_percent)
        account = account.release(released.cash, released.credit).move(
            available=-own, credit_available=-drawn, credit_used=drawn
        )
        position = position.bought(quantity, notional + fees)
    else:
        account = account.move(unsettled=notional - fees)
        cost = proportional(position.cost_basis, quantity, position.quantity)
        position = position.move(
            held=-quantity, unsettled=-quantity, cost=-cost, profit=notional - fees - cost
        )
    if not filled.is_open:
        account = account.close_order(order.order_id)
    client = ledger.client_account(order.client_id)
    street = ledger.exchange_account(exchange.exchange_id)
    fill = ledger.Fill(
        trade_id=execution.trade_id,
        client_id=order.client_id,
        order_id=order.order_id,
        exchange_id=exchange.exchange_id,
        execution_id=execution.execution_id,
        symbol=order.symbol,
        side=side,
        quantity=quantity,
        price=execution.price,
        notional=notional,
        fees=fees,
        drawn=drawn,
        cost=cost,
        currency=instrument.currency,
        executed_at=execution.executed_at,
        booked_at=now,
        trade_date=trade_date,
        settlement_date=settles,
        postings=ledger.netted(
            ledger.transfer(instrument.currency, client, street, side.sign * notional),
            ledger.transfer(
                instrument.currency, client, ledger.fees_account(exchange.exchange_id), fees
            ),
            ledger.transfer(instrument.currency, ledger.LENDING, client, drawn),
            ledger.transfer(order.symbol, street, client, side.sign * quantity),
        ),
    )
    return BookingResult(
        order=attention.look_after_end(filled, now), account=account, position=position, fill=fill
    )


def end(
    order: Order,
    status: OrderStatus,
    code: EndReason,
    reason: str,
    account: Account,
    position: Position | None,
    now: datetime,
) -> OrderEffect:
    """End an open order and release its hold. The daily limit gets back what was never filled."""
    if status not in (OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED):
        raise ValueError(f"{status} does not end an order early")
    hold = order.hold
    account = account.release(hold.cash, hold.credit).count_notional(
        order.business_date, -order.open_notional
    )
    account = account.close_order(order.order_id)
    if order.side is Side.SELL and position is not None:
        position = position.hold(-hold.shares)
    return OrderEffect(
        order=attention.look_after_end(order.ended(status, now, code, reason), now),
        account=account,
        position=position,
    )
