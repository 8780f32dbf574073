"""What an event says of the entities that its transaction wrote, each in its state afterwards."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, assert_never

from pydantic import ConfigDict

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client, ClientStatus
from trading.domain.clients.credential_status import CredentialStatus
from trading.domain.ledger import (
    Break,
    BreakCode,
    ClosedAdvance,
    Deposit,
    Entry,
    EntryKind,
    Fill,
    LedgerEntry,
    Novation,
    Reversal,
    Settlement,
    Withdrawal,
    client_account,
)
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import OrderReason
from trading.domain.posttrade.netting import Discharged, Obligation
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import Day, Frozen, Money, OrderType, Side, TimeInForce, Timestamp


class Readable(Frozen):
    """Base of what an event consists of. A release reads events of the next one, which may have
    fields that it does not know.
    """

    model_config = ConfigDict(extra="ignore")


class OrderState(Readable):
    """An order after the transaction. `version`: its own sequence, without gaps.

    `client_order_id`: the Idempotency-Key with which it was placed. Quantities are in shares,
    prices in the account's currency. `reason`: why it got its status. `reason_code`: why it was
    rejected, or ended before it was filled.
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
    reason_code: OrderReason | None = None
    replaces: str | None = None


class EntryState(Readable):
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


class PositionState(Readable):
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


class BalanceState(Readable):
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


class ObligationState(Readable):
    """What a client delivers to the CCP and receives for a trade. `discharged`: it was settled."""

    trade_id: str
    settlement_date: Day
    symbol: str
    side: Side
    quantity: int
    amount: Money
    discharged: bool


class ClientState(Readable):
    """A client's profile after the transaction. `version`: its own sequence.

    `margin_percent`: the percentage of a purchase that the client puts up. The limits are in the
    account's currency.
    """

    version: int
    status: ClientStatus
    margin_percent: Decimal
    credit_limit: Money
    daily_trading_limit: Money


class InstrumentState(Readable):
    """An instrument after the transaction. `version`: its own sequence.

    Prices and `max_order_notional` are in `currency`, `lot_size` and `max_order_quantity` in
    shares. `tradable`: false while it is halted. `trading_hours`: regular are the hours of the New
    York Stock Exchange; continuous never closes.
    """

    symbol: str
    version: int
    name: str
    currency: str
    reference_price: Money
    tick_size: Money
    lot_size: int
    tradable: bool
    limit_collar_percent: Decimal
    market_collar_percent: Decimal
    max_order_quantity: int
    max_order_notional: Money
    settlement_days: int
    trading_hours: Literal["regular", "continuous"]


class ExchangeState(Readable):
    """An exchange after the transaction. `version`: its own sequence.

    `fee_per_share`: in USD. `key_status`: reports with the key of the exchange are accepted while
    it is ACTIVE.
    """

    exchange_id: str
    version: int
    name: str
    fee_per_share: Money
    key_status: CredentialStatus


class EventData(Readable):
    """Everything that the transaction wrote, by kind. What it did not write is empty or absent."""

    orders: tuple[OrderState, ...] = ()
    entries: tuple[EntryState, ...] = ()
    balance: BalanceState | None = None
    positions: tuple[PositionState, ...] = ()
    obligations: tuple[ObligationState, ...] = ()
    client: ClientState | None = None
    instrument: InstrumentState | None = None
    exchange: ExchangeState | None = None

    def without_orders(self) -> "EventData":
        """Everything but the orders."""
        return self.but(orders=())


Fact = (
    Order
    | Account
    | Position
    | Obligation
    | Client
    | Fill
    | Reversal
    | Novation
    | Settlement
    | Deposit
    | Withdrawal
    | ClosedAdvance
    | Break
    | Discharged
    | Instrument
    | Exchange
)
"""What a transaction writes."""


def data_of(facts: Sequence[Fact]) -> EventData:
    """What facts say, with the versions that they are saved with."""
    accounts = [fact for fact in facts if isinstance(fact, Account)]
    clients = [fact for fact in facts if isinstance(fact, Client)]
    instruments = [fact for fact in facts if isinstance(fact, Instrument)]
    exchanges = [fact for fact in facts if isinstance(fact, Exchange)]
    return EventData(
        orders=tuple(_order(fact) for fact in facts if isinstance(fact, Order)),
        entries=tuple(_entry(fact) for fact in facts if isinstance(fact, Entry)),
        balance=_balance(accounts[0]) if accounts else None,
        positions=tuple(_position(fact) for fact in facts if isinstance(fact, Position)),
        obligations=tuple(
            _obligation(fact) for fact in facts if isinstance(fact, Obligation | Discharged)
        ),
        client=_client(clients[0]) if clients else None,
        instrument=_instrument(instruments[0]) if instruments else None,
        exchange=_exchange(exchanges[0]) if exchanges else None,
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
        reason_code=order.reason_code,
        replaces=order.replaces,
    )


def _entry(entry: LedgerEntry) -> EntryState:
    named = {"trade_id": entry.trade_id, "kind": entry.kind}
    match entry:
        case Fill() | Reversal():
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
        case Novation() | ClosedAdvance():
            return EntryState(**named, order_id=entry.order_id)
        case _:
            assert_never(entry)


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


def _instrument(instrument: Instrument) -> InstrumentState:
    kept = InstrumentState.model_fields.keys() - {"version"}
    return InstrumentState(
        version=instrument.version + 1, **{name: getattr(instrument, name) for name in kept}
    )


def _exchange(exchange: Exchange) -> ExchangeState:
    kept = ExchangeState.model_fields.keys() - {"version"}
    return ExchangeState(
        version=exchange.version + 1, **{name: getattr(exchange, name) for name in kept}
    )
