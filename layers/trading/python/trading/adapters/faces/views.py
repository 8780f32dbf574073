"""What the API shows of orders and trades: the mapping from our entities, and nothing else."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from trading.domain.ledger import Fill, LedgerEntry, NetPosition, Novation, Settlement
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Day, Frozen, Money, OrderType, Side, TimeInForce, Timestamp, cents


class Reason(Frozen):
    """Why an order was rejected or ended early."""

    code: str
    message: str


class OrderAccepted(Frozen):
    """The answer to a new order. A rejected order is kept, with its reason. One that `replaces`
    another is RECEIVED until that one has ended.
    """

    order_id: str
    status: OrderStatus
    timestamp: Timestamp
    reason: Reason | None = None
    replaces: str | None = None


class StatusChange(Frozen):
    """One step of an order's history."""

    status: OrderStatus
    time: Timestamp
    reason: str | None


class ExecutionDetail(Frozen):
    """One execution at an exchange."""

    execution_id: str
    trade_id: str
    exchange_id: str
    executed_price: Money
    executed_quantity: int
    execution_fees: Money
    timestamp: Timestamp


class ClearingDetail(Frozen):
    """One trade at the clearing house. `net_positions`: the client's net obligations that the trade
    became part of.
    """

    clearing_id: str
    trade_id: str
    clearing_status: OrderStatus
    margin_required: Money
    net_positions: tuple[NetPosition, ...]
    settlement_amount: Money


class SettlementDetail(Frozen):
    """One trade at the depository. `final_amount`: what the client paid or received, fees included."""

    settlement_id: str
    trade_id: str
    settlement_status: OrderStatus
    settlement_date: Day
    final_amount: Money


class OrderSummary(Frozen):
    """An order as it stands. `release_at`: it waits, or waited, for its market to open then.
    `client_order_id` is the Idempotency-Key that it was placed with; `cancel_requested`: its cancel
    was asked for, and it may still execute. An order that `replaces` another is RECEIVED until that
    one has ended; its `quantity` then becomes what that one left over.
    """

    order_id: str
    client_order_id: str
    client_id: str
    stock_symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: int
    filled_quantity: int
    price: Money | None
    stop_price: Money | None
    average_price: Money | None
    fees: Money
    current_status: OrderStatus
    cancel_requested: bool
    replaces: str | None
    replaced_by: str | None
    reason: Reason | None
    accepted_at: Timestamp
    release_at: Timestamp | None
    updated_at: Timestamp


class OrdersPage(Frozen):
    """Orders, newest first. With a `next_cursor` there may be more, also when `items` is short or
    empty.
    """

    items: tuple[OrderSummary, ...]
    next_cursor: str | None


class CancelsRequested(Frozen):
    """The open orders that will be canceled as far as they are not executed before; `more`: there
    are others, ask again.
    """

    order_ids: tuple[str, ...]
    more: bool


class OrderView(OrderSummary):
    """An order and everything that happened to it."""

    status_history: tuple[StatusChange, ...]
    execution_details: tuple[ExecutionDetail, ...]
    clearing_details: tuple[ClearingDetail, ...]
    settlement_details: tuple[SettlementDetail, ...]


def accepted(order: Order) -> OrderAccepted:
    """The first answer to an order, now or later: it is what the first two steps of its history
    say, or the first one while it waits to replace another.
    """
    first = order.history[0 if order.replaces else 1]
    refused = first.status is OrderStatus.REJECTED
    return OrderAccepted(
        order_id=order.order_id,
        status=first.status,
        timestamp=order.accepted_at,
        reason=Reason(code=order.reason_code or "", message=first.reason or "")
        if refused
        else None,
        replaces=order.replaces,
    )


def execution_detail(fill: Fill) -> ExecutionDetail:
    """A fill."""
    return ExecutionDetail(
        execution_id=fill.execution_id,
        trade_id=fill.trade_id,
        exchange_id=fill.exchange_id,
        executed_price=fill.price,
        executed_quantity=fill.quantity,
        execution_fees=fill.fees,
        timestamp=fill.executed_at,
    )


def clearing_detail(novation: Novation) -> ClearingDetail:
    """A novation."""
    return ClearingDetail(
        clearing_id=novation.clearing_id,
        trade_id=novation.trade_id,
        clearing_status=OrderStatus.CLEARED,
        margin_required=novation.margin_required,
        net_positions=(novation.net_position,),
        settlement_amount=novation.settlement_amount,
    )


def settlement_detail(settlement: Settlement) -> SettlementDetail:
    """A settlement."""
    return SettlementDetail(
        settlement_id=settlement.settlement_id,
        trade_id=settlement.trade_id,
        settlement_status=OrderStatus.SETTLED,
        settlement_date=settlement.settlement_date,
        final_amount=settlement.final_amount,
    )


def order_summary(order: Order) -> OrderSummary:
    """An order as it stands."""
    latest = order.history[-1]
    return OrderSummary(
        order_id=order.order_id,
        client_order_id=order.idempotency_key,
        client_id=order.client_id,
        stock_symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        price=order.limit_price,
        stop_price=order.stop_price,
        average_price=order.average_price,
        fees=order.fees,
        current_status=order.status,
        cancel_requested=order.is_open
        and order.ending is not None
        and order.ending.asked_by is not None,
        replaces=order.replaces,
        replaced_by=order.replaced_by,
        reason=Reason(code=order.reason_code, message=latest.reason or "")
        if order.reason_code
        else None,
        accepted_at=order.accepted_at,
        release_at=order.release_at,
        updated_at=latest.time,
    )


def order_view(order: Order, entries: Sequence[LedgerEntry]) -> OrderView:
    """An order with what the ledger says of its trades."""
    return OrderView(
        **dict(order_summary(order)),
        status_history=tuple(
            StatusChange(status=e.status, time=e.time, reason=e.reason) for e in order.history
        ),
        execution_details=tuple(execution_detail(e) for e in entries if isinstance(e, Fill)),
        clearing_details=tuple(clearing_detail(e) for e in entries if isinstance(e, Novation)),
        settlement_details=tuple(
            settlement_detail(e) for e in entries if isinstance(e, Settlement)
        ),
    )


class ExecutionSummary(Frozen):
    """An order's execution so far. Quantity and fees are totals, the price is the average over
    them; id, exchange and timestamp are those of the last execution; all are null as long as
    nothing is executed. `executions` has each.
    """

    order_id: str
    status: OrderStatus
    execution_id: str | None
    executed_price: Money | None
    executed_quantity: int
    timestamp: Timestamp | None
    exchange_id: str | None
    execution_fees: Money
    executions: tuple[ExecutionDetail, ...]


def execution_summary(order: Order, entries: Iterable[LedgerEntry]) -> ExecutionSummary:
    """How an order has been executed."""
    fills = sorted((e for e in entries if isinstance(e, Fill)), key=lambda fill: fill.executed_at)
    last = fills[-1] if fills else None
    return ExecutionSummary(
        order_id=order.order_id,
        status=order.status,
        execution_id=last.execution_id if last else None,
        executed_price=order.average_price,
        executed_quantity=order.filled_quantity,
        timestamp=last.executed_at if last else None,
        exchange_id=last.exchange_id if last else None,
        execution_fees=cents(sum((fill.fees for fill in fills), Decimal(0))),
        executions=tuple(execution_detail(fill) for fill in fills),
    )
