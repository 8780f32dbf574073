"""Order entry: the pre-trade checks, in their order, and what acceptance changes in the account.

docs/explanation/order-entry.md lists the checks.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading.domain import identifiers
from trading.domain.accounts.cash import Account, OpenOrder
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.orders import attention
from trading.domain.orders.order import Order
from trading.domain.orders.order_effects import OrderEffect
from trading.domain.orders.order_request import OrderRequest
from trading.domain.orders.order_status import HistoryEntry, OrderStatus
from trading.domain.orders.order_times import release_of
from trading.domain.orders.reasons import RejectReason
from trading.domain.reference.calendars import business_date
from trading.domain.reference.instruments import Instrument
from trading.domain.values import ZERO, Frozen, Side, cents_down, cents_up, iso

MAX_OPEN_ORDERS = 200
"""The account names its open orders. Each takes 55 bytes of an item that every order writes."""


class Refusal(Exception):
    """Why an order is rejected: a stable code, and a message for the client with the facts."""

    def __init__(self, code: RejectReason, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class EntryFacts:
    """What a decision about a new order is made from, as it stood when it was read.

    instrument: with the last price as its reference price; None if the symbol is not listed.
    highest_fee: the highest fee of all exchanges, in USD a share. position: for a sale only.
    """

    client: Client
    instrument: Instrument | None
    highest_fee: Decimal
    account: Account
    position: Position | None


class Rejection(Frozen):
    """A new order that failed a pre-trade check. It is stored with the reason. The account stays as
    it is, and is written: its version counts all that its client is told of.
    """

    order: Order
    account: Account

    @property
    def changed(self) -> tuple[Order, Account]:
        """What is written, in one transaction."""
        return (self.order, self.account)


def decide(received: Order, facts: EntryFacts, now: datetime) -> OrderEffect | Rejection:
    """Accept a new order or reject it."""
    try:
        return assess(received, facts, now)
    except Refusal as refusal:
        return Rejection(order=rejected(received, refusal, now), account=facts.account)


def assess(received: Order, facts: EntryFacts, now: datetime) -> OrderEffect:
    """Return what acceptance changes. Raises Refusal for the first check that fails."""
    instrument = listed(received.symbol, facts.instrument)
    check_terms(received, instrument)
    order = priced(received, facts.client, instrument, facts.highest_fee)
    due = validated(order, instrument, now)
    return accept(due, facts.client, facts.account, facts.position)


def protection_price(request: OrderRequest, instrument: Instrument) -> Decimal:
    """The worst price at which an order may execute.

    It is the limit price. A market order has the collar instead, and a stop order the collar
    around its stop price.
    """
    if request.limit_price is not None:
        return request.limit_price
    if request.stop_price is not None:
        return instrument.traded_at(request.stop_price).market_protection_price(request.side)
    return instrument.market_protection_price(request.side)


def listed(symbol: str, instrument: Instrument | None) -> Instrument:
    """The instrument that was found for a symbol. Raises Refusal if there is none."""
    if instrument is None:
        raise Refusal(RejectReason.UNKNOWN_SYMBOL, f"The symbol {symbol} is not listed.")
    return instrument


def check_terms(request: OrderRequest, instrument: Instrument) -> None:
    """The checks that need no balance. Raises Refusal."""
    if not instrument.tradable:
        raise Refusal(RejectReason.INSTRUMENT_HALTED, f"Trading in {instrument.symbol} is halted.")
    if request.quantity % instrument.lot_size:
        raise Refusal(
            RejectReason.LOT_SIZE, f"The quantity must be a multiple of {instrument.lot_size}."
        )
    if request.quantity > instrument.max_order_quantity:
        raise Refusal(
            RejectReason.MAX_ORDER_QUANTITY,
            f"The quantity exceeds the maximum of {instrument.max_order_quantity}.",
        )
    low, high = instrument.limit_band()
    for name, price in (("price", request.limit_price), ("stop_price", request.stop_price)):
        if price is not None and not instrument.is_on_tick(price):
            raise Refusal(
                RejectReason.TICK_SIZE, f"The {name} must be a multiple of {instrument.tick_size}."
            )
        if price is not None and not low <= price <= high:
            raise Refusal(
                RejectReason.PRICE_OUTSIDE_COLLAR,
                f"The {name} must be between {cents_up(low)} and {cents_down(high)}.",
            )
    if (
        request.stop_price is not None
        and (request.stop_price - instrument.reference_price) * request.side.sign <= 0
    ):
        where = "above" if request.side is Side.BUY else "below"
        raise Refusal(
            RejectReason.STOP_PRICE_REACHED,
            f"The stop price of a {request.side} must be {where} the last price, "
            f"{instrument.reference_price}.",
        )
    notional = protection_price(request, instrument) * request.quantity
    if notional > instrument.max_order_notional:
        raise Refusal(
            RejectReason.MAX_ORDER_NOTIONAL,
            f"The notional of {notional} exceeds the maximum of {instrument.max_order_notional}.",
        )


def open_order(order: Order) -> OpenOrder:
    """What its account keeps of an order."""
    return OpenOrder(
        order_id=order.order_id,
        side=order.side,
        symbol=order.symbol,
        worst_price=order.protection_price,
        stop_price=order.stop_price,
    )


def accept(
    order: Order, client: Client, account: Account, position: Position | None
) -> OrderEffect:
    """Check an order against limits and balances, and hold what it needs.

    Raises Refusal with the amount that is missing.
    """
    _check_active(account)
    if len(account.open_orders) >= MAX_OPEN_ORDERS:
        raise Refusal(
            RejectReason.TOO_MANY_OPEN_ORDERS,
            f"A client may have {MAX_OPEN_ORDERS} open orders at most.",
        )
    entering = open_order(order)
    for resting in account.open_orders:
        if resting.may_trade_with(entering):
            raise Refusal(
                RejectReason.SELF_TRADE,
                f"The order could trade with the client's own order {resting.order_id}.",
            )
    notional, used = order.open_notional, account.notional_on(order.business_date)
    if used + notional > client.daily_trading_limit:
        left = client.daily_trading_limit - used
        raise Refusal(
            RejectReason.DAILY_LIMIT_EXCEEDED,
            f"The order counts {notional} and {left} of the daily trading limit is left: "
            f"{notional - left} short.",
        )
    return admit(order, account, position)


def _check_active(account: Account) -> None:
    if account.suspended:
        raise Refusal(RejectReason.CLIENT_INACTIVE, "The client may not trade.")


def admit(order: Order, account: Account, position: Position | None) -> OrderEffect:
    """Hold what an order within the limits needs, and give it the client's next sequence number.

    Raises Refusal with the amount that is missing.
    """
    _check_active(account)
    hold = order.hold
    if order.side is Side.SELL:
        owned = position.available if position else 0
        if position is None or owned < hold.shares:
            raise Refusal(
                RejectReason.INSUFFICIENT_SHARES,
                f"The order needs {hold.shares} {order.symbol} and {owned} are available: "
                f"{hold.shares - owned} short.",
            )
        position = position.hold(hold.shares)
    else:
        position = None
        credit, cash = max(account.credit_available, ZERO), account.available_to_trade
        if hold.credit > credit:
            raise Refusal(
                RejectReason.CREDIT_LIMIT_EXCEEDED,
                f"The order draws credit of {hold.credit} and {credit} is available: "
                f"{hold.credit - credit} short.",
            )
        if hold.cash > cash:
            raise Refusal(
                RejectReason.INSUFFICIENT_FUNDS,
                f"The order needs {account.currency} {hold.cash} and {cash} is available: "
                f"{hold.cash - cash} short.",
            )
        account = account.hold(hold.cash, hold.credit)
    others_wait = (
        account.waiting_until is not None and order.history[-1].time < account.waiting_until
    )
    entering = open_order(order)
    accepted = order.in_sequence(
        account.sequence + 1,
        account.last_order_id,
        overtakes=others_wait and order.release_at is None,
        kept_apart=any(resting.meets(entering) for resting in account.open_orders),
    )
    account = account.count_notional(order.business_date, order.open_notional).append_order(
        entering
    )
    if order.release_at is not None:
        account = account.record_waiting(order.release_at)
        accepted = accepted.looked_at_next(attention.turn_at_open(account, order.release_at))
    return OrderEffect(order=accepted, account=account, position=position)


def receive(
    request: OrderRequest,
    idempotency_key: str,
    fingerprint: str,
    correlation_id: str,
    now: datetime,
) -> Order:
    """The order of a request, as RECEIVED. Its id follows from client and idempotency key."""
    return Order(
        **request.model_dump(),
        order_id=identifiers.order_id(request.client_id, idempotency_key),
        idempotency_key=idempotency_key,
        fingerprint=fingerprint,
        correlation_id=correlation_id,
        business_date=business_date(now),
        accepted_at=now,
        status=OrderStatus.RECEIVED,
        history=(HistoryEntry(status=OrderStatus.RECEIVED, time=now),),
    )


def priced(
    received: Order, client: Client, instrument: Instrument, hold_fee_per_share: Decimal
) -> Order:
    """Fix the terms that the hold is computed from: worst price, highest fee, client's share."""
    return received.with_hold_terms(
        protection_price=protection_price(received, instrument),
        hold_fee_per_share=hold_fee_per_share,
        margin_percent=client.margin_percent,
    )


def validated(order: Order, instrument: Instrument, now: datetime) -> Order:
    """Accept the terms for execution now or at the open. Raises Refusal."""
    release_at = release_of(instrument, now)
    if release_at is not None and not order.venue_time_in_force.rests:
        raise Refusal(
            RejectReason.MARKET_CLOSED,
            f"The market of {instrument.symbol} opens at {iso(release_at)}. Only a DAY or GTC "
            "order with a price waits for it.",
        )
    return order.validated(now, release_at, attention.first_look(release_at, now))


def rejected(received: Order, refusal: Refusal, now: datetime) -> Order:
    """End an order as REJECTED, with the code and the message of a refusal."""
    return received.ended(OrderStatus.REJECTED, now, refusal.code, refusal.message)
