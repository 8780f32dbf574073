"""Events: they tell consumers what a transaction wrote into the books.

A transaction is one event. Its aggregate is the account that it changes; if it changes none, the
order, the client, the break, the instrument or the exchange. The event's sequence is the version
that the aggregate got, so it has no gaps, and the same event always has the same id. See
docs/explanation/events.md.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Literal

from trading.domain.accounts.cash import Account
from trading.domain.clients.client import Client
from trading.domain.coded import Coded
from trading.domain.event_data import EventData, Fact, OrderState, Readable, data_of
from trading.domain.ledger import UNKNOWN_CLIENT, Break, Entry, EntryKind
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import FINAL, FULLY_EXECUTED, OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import Timestamp


class AggregateKind(Coded):
    """What an event's sequence counts the changes of."""

    ACCOUNT = "account", "A client's account: cash, shares, and what open orders hold."
    ORDER = "order", "An order, when nothing of the account changes with it."
    CLIENT = "client", "A client's profile, when the account does not change with it."
    BREAK = "break", "A break, when no account and no order changes with it."
    INSTRUMENT = "instrument", "An instrument. Its id is the symbol."
    EXCHANGE = "exchange", "An exchange, and whether its key is accepted."


class EventType(Coded):
    """What happened. If a transaction does several things, its ledger entry gives the type. Without
    an entry, a new order does. Without a new order, an order that ended does.
    """

    TRADE_REVERSED = "trade.reversed", "An exchange corrected or busted an execution."
    ORDER_EXECUTED = "order.executed", "An execution was booked."
    TRADE_SETTLED = "trade.settled", "The depository settled a trade: shares against cash."
    TRADE_CLEARED = "trade.cleared", "The CCP took over the other side of a trade."
    DEPOSIT_BOOKED = "deposit.booked", "Cash or shares came in from outside."
    WITHDRAWAL_BOOKED = "withdrawal.booked", "Cash or shares went out."
    ADVANCE_CLOSED = "advance.closed", "An advance of the error account was closed."
    BREAK_RECORDED = "break.recorded", "Our books refused a report or a confirmation."
    ORDER_ACCEPTED = "order.accepted", "An order passed the pre-trade checks."
    ORDER_RECEIVED = "order.received", "A replacement waits for the order that it replaces."
    ORDER_REJECTED = "order.rejected", "An order was rejected, here or by its exchange."
    ORDER_CANCELED = "order.canceled", "An order was canceled."
    ORDER_EXPIRED = "order.expired", "An order expired."
    ORDER_REPLACED = "order.replaced", "An order was canceled, and its replacement was accepted."
    ORDER_CANCEL_REQUESTED = (
        "order.cancel_requested",
        "A client or an operator requested the cancel of an order. The exchanges may still "
        "execute it.",
    )
    ORDER_FLAGGED = (
        "order.flagged",
        "A message about an order could not be handled. An operator looks at the order.",
    )
    ORDER_CHANGED = "order.changed", "Anything else of an order changed."
    CLIENT_CHANGED = "client.changed", "A client's profile or limits changed, or it is new."
    INSTRUMENT_REGISTERED = "instrument.registered", "An instrument is new."
    INSTRUMENT_HALTED = (
        "instrument.halted",
        "An instrument was halted: new orders in it are rejected.",
    )
    INSTRUMENT_RESUMED = (
        "instrument.resumed",
        "An instrument was resumed: new orders in it are accepted again.",
    )
    INSTRUMENT_CHANGED = "instrument.changed", "Anything else of an instrument changed."
    EXCHANGE_CHANGED = (
        "exchange.changed",
        "An exchange is new, or its key is accepted or refused from now on.",
    )
    ACCOUNT_CHANGED = "account.changed", "Anything else of an account changed."


class Topic(Coded):
    """A group of events that consumers subscribe to. An event can be in several."""

    ORDERS = "orders", "Every change of an order."
    TRADES = "trades", "Executions, their corrections, clearing and settlement."
    BALANCE = "balance", "Every change of an account's cash and credit."
    POSITIONS = "positions", "Every change of a position."
    TRADE_SUBMITTED = "trade-submitted", "A new order came in. A replacement is one, too."
    TRADE_VALIDATED = (
        "trade-validated",
        "An order passed the pre-trade checks. A replacement does so when it takes over.",
    )
    POSITION_UPDATED = "position-updated", "Every change of a position."
    SETTLEMENT_COMPLETED = "settlement-completed", "A trade was settled."
    REFERENCE_DATA_EVENTS = (
        "reference-data-events",
        "Every change of an instrument, halts included, and of an exchange.",
    )
    TRADE_DEAD_LETTER = (
        "trade-dead-letter",
        "A break was recorded, or a message about an order could not be handled. Such an order is "
        "rejected with PROCESSING_FAILED if no exchange has it. Otherwise it is flagged.",
    )


class Aggregate(Readable):
    """What an event's sequence counts the changes of."""

    kind: AggregateKind
    id: str


class Event(Readable):
    """The envelope. A change that breaks consumers makes a new `schema_version`.

    `id` is derived from the aggregate and its sequence. `client_id`: whose event it is; null for an
    instrument, an exchange, and a break that belongs to nobody. `correlation_id`: of the request
    that began it, where there is one.
    """

    id: str
    schema_version: Literal[1]
    type: EventType
    time: Timestamp
    aggregate: Aggregate
    sequence: int
    client_id: str | None = None
    correlation_id: str | None = None
    topics: tuple[Topic, ...]
    data: EventData

    def without_orders(self) -> "Event":
        """The event as somebody sees it who may not see orders."""
        data = self.data.without_orders()
        return self.but(data=data, topics=topics_of(self.type, data))


def shown(
    events: Iterable[Event], topics: Collection[Topic], *, sees_orders: bool
) -> tuple[Event, ...]:
    """The events of any of the topics, as somebody sees them. Without topics: all events."""
    seen = (event if sees_orders else event.without_orders() for event in events)
    return tuple(event for event in seen if not topics or set(topics) & set(event.topics))


Lead = Account | Order | Client | Break | Instrument | Exchange
"""What can be an event's aggregate."""


def lead_of(facts: Sequence[Fact]) -> Lead | None:
    """The fact whose version gives the event its sequence. None: there is no event."""
    for kind in (Account, Order, Client, Break, Instrument, Exchange):
        found = next((fact for fact in facts if isinstance(fact, kind)), None)
        if found is not None:
            return found
    return None


def event_of(facts: Sequence[Fact], now: datetime) -> Event | None:
    """The event of a transaction, or None if it changes nothing that has events.

    `facts`: what the transaction writes, with the versions that were read. `now`: its time.
    """
    lead = lead_of(facts)
    return None if lead is None else event_led_by(lead, facts, now)


def event_led_by(lead: Lead, facts: Sequence[Fact], now: datetime) -> Event:
    """The event of a transaction whose sequence is the next version of `lead`."""
    aggregate, type_, data = aggregate_of(lead), type_of(facts), data_of(facts)
    sequence = 1 if isinstance(lead, Break) else lead.version + 1
    orders = [fact for fact in facts if isinstance(fact, Order)]
    return Event(
        id=f"{aggregate.kind}/{aggregate.id}/{sequence}",
        schema_version=1,
        type=type_,
        time=now,
        aggregate=aggregate,
        sequence=sequence,
        client_id=_client_of(lead),
        correlation_id=orders[0].correlation_id if orders else None,
        topics=topics_of(type_, data),
        data=data,
    )


def _client_of(lead: Lead) -> str | None:
    """Whose event it is. A client's id may be any text, also that of a break of nobody."""
    if isinstance(lead, Instrument | Exchange):
        return None
    if isinstance(lead, Break) and lead.client_id == UNKNOWN_CLIENT:
        return None
    return lead.client_id


def aggregate_of(lead: Lead) -> Aggregate:
    """What the sequence counts the changes of."""
    match lead:
        case Account():
            return Aggregate(kind=AggregateKind.ACCOUNT, id=lead.client_id)
        case Order():
            return Aggregate(kind=AggregateKind.ORDER, id=lead.order_id)
        case Client():
            return Aggregate(kind=AggregateKind.CLIENT, id=lead.client_id)
        case Break():
            return Aggregate(kind=AggregateKind.BREAK, id=lead.trade_id)
        case Instrument():
            return Aggregate(kind=AggregateKind.INSTRUMENT, id=lead.symbol)
        case Exchange():
            return Aggregate(kind=AggregateKind.EXCHANGE, id=lead.exchange_id)


_BY_ENTRY = {
    EntryKind.REVERSAL: EventType.TRADE_REVERSED,
    EntryKind.FILL: EventType.ORDER_EXECUTED,
    EntryKind.SETTLEMENT: EventType.TRADE_SETTLED,
    EntryKind.NOVATION: EventType.TRADE_CLEARED,
    EntryKind.DEPOSIT: EventType.DEPOSIT_BOOKED,
    EntryKind.WITHDRAWAL: EventType.WITHDRAWAL_BOOKED,
    EntryKind.CLOSED_ADVANCE: EventType.ADVANCE_CLOSED,
    EntryKind.BREAK: EventType.BREAK_RECORDED,
}
_BY_STATUS = {
    OrderStatus.RECEIVED: EventType.ORDER_RECEIVED,
    OrderStatus.VALIDATED: EventType.ORDER_ACCEPTED,
    OrderStatus.REJECTED: EventType.ORDER_REJECTED,
}
_CANCELED = frozenset({OrderStatus.CANCELED})
_OVER = FINAL | FULLY_EXECUTED
_BY_END = {
    OrderStatus.REJECTED: EventType.ORDER_REJECTED,
    OrderStatus.CANCELED: EventType.ORDER_CANCELED,
    OrderStatus.EXPIRED: EventType.ORDER_EXPIRED,
}


def type_of(facts: Sequence[Fact]) -> EventType:
    """What happened. `facts`: as they are before they are saved."""
    kinds = {fact.kind for fact in facts if isinstance(fact, Entry)}
    for kind, type_ in _BY_ENTRY.items():
        if kind in kinds:
            return type_
    with_account = any(isinstance(fact, Account) for fact in facts)
    orders = [fact for fact in facts if isinstance(fact, Order)]
    for order in orders:
        if order.version == 0 and order.status in _BY_STATUS:
            return _BY_STATUS[order.status]
    if _takes_over(orders, _CANCELED):
        return EventType.ORDER_REPLACED
    for order in orders:
        if with_account and order.status in _BY_END:
            return _BY_END[order.status]
    if orders:
        return _type_of_change(orders)
    return _type_without_orders(facts)


def _type_of_change(orders: Sequence[Order]) -> EventType:
    if any(order.requests_cancel for order in orders):
        return EventType.ORDER_CANCEL_REQUESTED
    if any(order.flags for order in orders):
        return EventType.ORDER_FLAGGED
    return EventType.ORDER_CHANGED


def _type_without_orders(facts: Sequence[Fact]) -> EventType:
    for fact in facts:
        match fact:
            case Client():
                return EventType.CLIENT_CHANGED
            case Instrument(version=0):
                return EventType.INSTRUMENT_REGISTERED
            case Instrument(sets_tradable=True, tradable=tradable):
                return EventType.INSTRUMENT_RESUMED if tradable else EventType.INSTRUMENT_HALTED
            case Instrument():
                return EventType.INSTRUMENT_CHANGED
            case Exchange():
                return EventType.EXCHANGE_CHANGED
    return EventType.ACCOUNT_CHANGED


def _takes_over(orders: Sequence[Order | OrderState], statuses: Collection[OrderStatus]) -> bool:
    """Whether one of the orders takes the place of another one, which ended in these statuses."""
    ended = {order.order_id for order in orders if order.status in statuses}
    return any(
        order.status is OrderStatus.VALIDATED and order.replaces in ended for order in orders
    )


_TRADES = frozenset({EntryKind.FILL, EntryKind.REVERSAL, EntryKind.NOVATION, EntryKind.SETTLEMENT})


def topics_of(type_: EventType, data: EventData) -> tuple[Topic, ...]:
    """The topics of an event, by what it is and what it has."""
    incoming = type_ in (EventType.ORDER_ACCEPTED, EventType.ORDER_RECEIVED) or (
        type_ is EventType.ORDER_REJECTED and any(order.version == 1 for order in data.orders)
    )
    accepted = type_ in (EventType.ORDER_ACCEPTED, EventType.ORDER_REPLACED)
    # An order can be replaced when it is filled or expires. Then that gives the type.
    replaced = _takes_over(data.orders, _OVER)
    given_up = type_ is EventType.ORDER_FLAGGED or (
        type_ is EventType.ORDER_REJECTED
        and any(order.reason_code is EndReason.PROCESSING_FAILED for order in data.orders)
    )
    belongs = {
        Topic.ORDERS: bool(data.orders),
        Topic.TRADES: any(entry.kind in _TRADES for entry in data.entries),
        Topic.BALANCE: data.balance is not None,
        Topic.POSITIONS: bool(data.positions),
        Topic.TRADE_SUBMITTED: incoming,
        Topic.TRADE_VALIDATED: accepted or replaced,
        Topic.POSITION_UPDATED: bool(data.positions),
        Topic.SETTLEMENT_COMPLETED: type_ is EventType.TRADE_SETTLED,
        Topic.REFERENCE_DATA_EVENTS: data.instrument is not None or data.exchange is not None,
        Topic.TRADE_DEAD_LETTER: given_up
        or any(entry.kind is EntryKind.BREAK for entry in data.entries),
    }
    return tuple(topic for topic in Topic if belongs[topic])
