"""Events: they tell consumers what a transaction wrote into the books.

A transaction is one event. Its aggregate is the account that it changes; if it changes none, the
order, the client or the break. The event's sequence is the version that the aggregate got, so it
has no gaps, and the same event always has the same id. See docs/explanation/events.md.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client, ClientStatus
from trading.domain.coded import Coded
from trading.domain.ledger import (
    UNKNOWN_CLIENT,
    Break,
    BreakCode,
    Deposit,
    Entry,
    EntryKind,
    Fill,
    Reversal,
    Settlement,
    TradeEntry,
    Withdrawal,
    client_account,
)
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.posttrade.netting import Discharged, Obligation
from trading.domain.values import Day, Frozen, Money, OrderType, Side, TimeInForce, Timestamp


class AggregateKind(Coded):
    """What an event's sequence counts the changes of."""

    ACCOUNT = "account", "A client's account: cash, shares, and what open orders hold."
    ORDER = "order", "An order, when nothing of the account changes with it."
    CLIENT = "client", "A client's profile, when the account does not change with it."
    BREAK = "break", "A break, when no account and no order changes with it."


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
    ORDER_CHANGED = "order.changed", "Anything else of an order changed."
    CLIENT_CHANGED = "client.changed", "A client's profile or limits changed, or it is new."
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


class _Readable(Frozen):
    """Base of what an event consists of. A release reads events of the next one, which may have
    fields that it does not know.
    """

    model_config = ConfigDict(extra="ignore")


class Aggregate(_Readable):
    """What an event's sequence counts the changes of."""

    kind: AggregateKind
    id: str


class OrderState(_Readable):
    """An order after the transaction. `version`: its own sequence, without gaps.

    `client_order_id`: the Idempotency-Key with which it was placed. Quantities are in shares,
    prices in the account's currency. `reason`: why it got its status.
    """

    order_id: str
    version: int
    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: int
    limit_price: Money | None = None
    stop_price: Money | None = None
    status: OrderStatus
    filled_quantity: int
    average_price: Money | None = None
    reason: str | None = None
    replaces: str | None = None


class EntryState(_Readable):
    """A ledger entry that the transaction wrote. What the kind of entry does not have is absent.

    `quantity`: shares. `amount`: cash that the client paid or received, fees included. Neither is
    signed: the kind and the side say which way it went.
    """

    trade_id: str
    kind: EntryKind
    order_id: str | None = None
    exchange_id: str | None = None
    symbol: str | None = None
    side: Side | None = None
    quantity: int | None = None
    price: Money | None = None
    fees: Money | None = None
    amount: Money | None = None
    executed_at: Timestamp | None = None
    settlement_date: Day | None = None
    corrects: str | None = None
    reverses: str | None = None
    corrected_by: str | None = None
    reference: str | None = None
    code: BreakCode | None = None


class PositionState(_Readable):
    """A position after the transaction.

    `available`, `held` and `unsettled` are in shares, `cost_basis` and `realised_profit` in the
    account's currency. `unsettled`: bought and not yet received, less sold and not yet delivered.
    """

    symbol: str
    available: int
    held: int
    unsettled: int
    cost_basis: Money
    realised_profit: Money


class BalanceState(_Readable):
    """An account's cash and credit after the transaction, in `currency`.

    `total` = `available` + `held_for_orders` + `unsettled`. `withdrawable`: the part of `available`
    that exceeds the loan. `margin_in_use`: the loan. `suspended`: no order is accepted.
    """

    currency: str
    available: Money
    held_for_orders: Money
    unsettled: Money
    total: Money
    withdrawable: Money
    margin_in_use: Money
    suspended: bool


class ObligationState(_Readable):
    """What a client delivers to the CCP and receives for a trade. `discharged`: it was settled."""

    trade_id: str
    settlement_date: Day
    symbol: str
    side: Side
    quantity: int
    amount: Money
    discharged: bool


class ClientState(_Readable):
    """A client's profile after the transaction. `version`: its own sequence.

    `margin_percent`: the percentage of a purchase that the client puts up. The limits are in the
    account's currency.
    """

    version: int
    status: ClientStatus
    margin_percent: Decimal
    credit_limit: Money
    daily_trading_limit: Money


class EventData(_Readable):
    """Everything that the transaction wrote, by kind. What it did not write is empty or absent."""

    orders: tuple[OrderState, ...] = ()
    entries: tuple[EntryState, ...] = ()
    balance: BalanceState | None = None
    positions: tuple[PositionState, ...] = ()
    obligations: tuple[ObligationState, ...] = ()
    client: ClientState | None = None

    def without_orders(self) -> "EventData":
        """Everything but the orders."""
        return self.but(orders=())


class Event(_Readable):
    """The envelope. A change that breaks consumers makes a new `schema_version`.

    `id` is derived from the aggregate and its sequence. `client_id`: whose event it is; null for a
    break that belongs to nobody. `correlation_id`: of the request that began it, where there is
    one.
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


Fact = Order | Account | Position | Obligation | Client | Entry | Discharged
"""What a transaction writes."""
Lead = Account | Order | Client | Break
"""What can be an event's aggregate."""


def lead_of(facts: Sequence[Fact]) -> Lead | None:
    """The fact whose version gives the event its sequence. None: there is no event."""
    for kind in (Account, Order, Client, Break):
        found = next((fact for fact in facts if isinstance(fact, kind)), None)
        if found is not None:
            return found
    return None


def event_of(facts: Sequence[Fact], now: datetime) -> Event | None:
    """The event of a transaction, or None if it changes nothing that has events.

    `facts`: what the transaction writes, with the versions that were read. `now`: its time.
    """
    lead = lead_of(facts)
    if lead is None:
        return None
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
        client_id=None if lead.client_id == UNKNOWN_CLIENT else lead.client_id,
        correlation_id=orders[0].correlation_id if orders else None,
        topics=topics_of(type_, data),
        data=data,
    )


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
_BY_END = {
    OrderStatus.REJECTED: EventType.ORDER_REJECTED,
    OrderStatus.CANCELED: EventType.ORDER_CANCELED,
    OrderStatus.EXPIRED: EventType.ORDER_EXPIRED,
}


def type_of(facts: Iterable[Fact]) -> EventType:
    """What happened. `facts`: as they are before they are saved."""
    facts = list(facts)
    kinds = {fact.kind for fact in facts if isinstance(fact, Entry)}
    for kind, type_ in _BY_ENTRY.items():
        if kind in kinds:
            return type_
    with_account = any(isinstance(fact, Account) for fact in facts)
    orders = [fact for fact in facts if isinstance(fact, Order)]
    for order in orders:
        if order.version == 0 and order.status in _BY_STATUS:
            return _BY_STATUS[order.status]
    ended = {order.order_id for order in orders if order.status is OrderStatus.CANCELED}
    for order in orders:
        if order.status is OrderStatus.VALIDATED and order.replaces in ended:
            return EventType.ORDER_REPLACED
    for order in orders:
        if with_account and order.status in _BY_END:
            return _BY_END[order.status]
    if orders:
        return EventType.ORDER_CHANGED
    if any(isinstance(fact, Client) for fact in facts):
        return EventType.CLIENT_CHANGED
    return EventType.ACCOUNT_CHANGED


_TRADES = frozenset({EntryKind.FILL, EntryKind.REVERSAL, EntryKind.NOVATION, EntryKind.SETTLEMENT})


def topics_of(type_: EventType, data: EventData) -> tuple[Topic, ...]:
    """The topics of an event, by what it is and what it has."""
    incoming = type_ in (EventType.ORDER_ACCEPTED, EventType.ORDER_RECEIVED) or (
        type_ is EventType.ORDER_REJECTED and any(order.version == 1 for order in data.orders)
    )
    accepted = type_ in (EventType.ORDER_ACCEPTED, EventType.ORDER_REPLACED)
    belongs = {
        Topic.ORDERS: bool(data.orders),
        Topic.TRADES: any(entry.kind in _TRADES for entry in data.entries),
        Topic.BALANCE: data.balance is not None,
        Topic.POSITIONS: bool(data.positions),
        Topic.TRADE_SUBMITTED: incoming,
        Topic.TRADE_VALIDATED: accepted,
        Topic.POSITION_UPDATED: bool(data.positions),
        Topic.SETTLEMENT_COMPLETED: type_ is EventType.TRADE_SETTLED,
    }
    return tuple(topic for topic in Topic if belongs[topic])


def data_of(facts: Sequence[Fact]) -> EventData:
    """What facts say, with the versions that they are saved with."""
    accounts = [fact for fact in facts if isinstance(fact, Account)]
    clients = [fact for fact in facts if isinstance(fact, Client)]
    return EventData(
        orders=tuple(_order(fact) for fact in facts if isinstance(fact, Order)),
        entries=tuple(_entry(fact) for fact in facts if isinstance(fact, Entry)),
        balance=_balance(accounts[0]) if accounts else None,
        positions=tuple(_position(fact) for fact in facts if isinstance(fact, Position)),
        obligations=tuple(
            _obligation(fact) for fact in facts if isinstance(fact, Obligation | Discharged)
        ),
        client=_client(clients[0]) if clients else None,
    )


def _order(order: Order) -> OrderState:
    return OrderState(
        order_id=order.order_id,
        version=order.version + 1,
        client_order_id=order.idempotency_key,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        quantity=order.quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        status=order.status,
        filled_quantity=order.filled_quantity,
        average_price=order.average_price,
        reason=order.status_reason,
        replaces=order.replaces,
    )


def _entry(entry: Entry) -> EntryState:
    named = {"trade_id": entry.trade_id, "kind": entry.kind}
    match entry:
        case TradeEntry():
            return EntryState(
                **named,
                order_id=entry.order_id,
                exchange_id=entry.exchange_id,
                symbol=entry.symbol,
                side=entry.side,
                quantity=entry.quantity,
                price=entry.price,
                fees=entry.fees,
                amount=entry.client_amount,
                executed_at=entry.executed_at,
                settlement_date=entry.settlement_date,
                corrects=entry.corrects if isinstance(entry, Fill) else None,
                reverses=entry.reverses if isinstance(entry, Reversal) else None,
                corrected_by=entry.corrected_by if isinstance(entry, Reversal) else None,
            )
        case Settlement():
            return EntryState(
                **named,
                order_id=entry.order_id,
                symbol=entry.symbol,
                amount=entry.final_amount,
                settlement_date=entry.settlement_date,
            )
        case Deposit() | Withdrawal():
            own = client_account(entry.client_id)
            moved = next(posting for posting in entry.postings if posting.account == own)
            if entry.cost is None:
                return EntryState(**named, amount=abs(moved.amount), reference=entry.reference)
            return EntryState(
                **named,
                symbol=moved.asset,
                quantity=int(abs(moved.amount)),
                reference=entry.reference,
            )
        case Break():
            return EntryState(**named, order_id=entry.order_id, code=entry.code)
        case _:
            return EntryState(**named, order_id=getattr(entry, "order_id", None))


def _position(position: Position) -> PositionState:
    return PositionState(
        symbol=position.symbol,
        available=position.available,
        held=position.held,
        unsettled=position.unsettled,
        cost_basis=position.cost_basis,
        realised_profit=position.realised_profit,
    )


def _balance(account: Account) -> BalanceState:
    return BalanceState(
        currency=account.currency,
        available=account.available,
        held_for_orders=account.held,
        unsettled=account.unsettled,
        total=account.total,
        withdrawable=account.withdrawable,
        margin_in_use=account.credit_used,
        suspended=account.suspended,
    )


def _obligation(fact: Obligation | Discharged) -> ObligationState:
    owed = fact.obligation if isinstance(fact, Discharged) else fact
    return ObligationState(
        trade_id=owed.trade_id,
        settlement_date=owed.settlement_date,
        symbol=owed.symbol,
        side=owed.side,
        quantity=owed.quantity,
        amount=owed.amount,
        discharged=isinstance(fact, Discharged),
    )


def _client(client: Client) -> ClientState:
    return ClientState(version=client.version + 1, status=client.status, **dict(client.limits))
