"""The stages of an order's trades, as the APIs show them: execution, clearing, settlement."""

from collections.abc import Iterable
from decimal import Decimal

from trading.domain.accounts.movements import TradeState
from trading.domain.ledger import Fill, LedgerEntry, NetPosition, Novation, Settlement
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Day, Frozen, Money, Timestamp, cents


class ExecutionDetail(Frozen):
    """One execution at an exchange.

    `status` says whether the exchange corrected or busted it. `corrects` and `corrected_by` are
    trade ids.
    """

    execution_id: str
    trade_id: str
    exchange_id: str
    executed_price: Money
    executed_quantity: int
    execution_fees: Money
    timestamp: Timestamp
    status: TradeState
    corrects: str | None
    corrected_by: str | None


class ClearingDetail(Frozen):
    """One trade at the clearing house. `net_positions` are the client's net obligations that
    include the trade.
    """

    clearing_id: str
    trade_id: str
    clearing_status: OrderStatus
    margin_required: Money
    net_positions: tuple[NetPosition, ...]
    settlement_amount: Money


class SettlementDetail(Frozen):
    """One trade at the depository.
    `final_amount` is what the client paid or received, with fees.
    """

    settlement_id: str
    trade_id: str
    settlement_status: OrderStatus
    settlement_date: Day
    final_amount: Money


class ExecutionSummary(Frozen):
    """The execution of an order so far.

    Quantity and fees are totals, and the price is the average. Id, exchange and timestamp are those
    of the last execution that stands. What has no value before the first execution is null.
    `executions` lists every execution, those that were corrected or busted too.
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


def execution_details(order: Order, entries: Iterable[LedgerEntry]) -> tuple[ExecutionDetail, ...]:
    """The executions of an order among its entries, those that were reversed too."""
    fills = [entry for entry in entries if isinstance(entry, Fill)]
    corrected_by = {fill.corrects: fill.trade_id for fill in fills if fill.corrects}
    return tuple(
        ExecutionDetail(
            execution_id=fill.execution_id,
            trade_id=fill.trade_id,
            exchange_id=fill.exchange_id,
            executed_price=fill.price,
            executed_quantity=fill.quantity,
            execution_fees=fill.fees,
            timestamp=fill.executed_at,
            status=_state_of(fill, order, corrected_by.get(fill.trade_id)),
            corrects=fill.corrects,
            corrected_by=corrected_by.get(fill.trade_id),
        )
        for fill in fills
    )


def _state_of(fill: Fill, order: Order, corrected_by: str | None) -> TradeState:
    if fill.trade_id not in order.reversed_trades:
        return TradeState.BOOKED
    return TradeState.CORRECTED if corrected_by else TradeState.BUSTED


def clearing_detail(novation: Novation) -> ClearingDetail:
    return ClearingDetail(
        clearing_id=novation.clearing_id,
        trade_id=novation.trade_id,
        clearing_status=OrderStatus.CLEARED,
        margin_required=novation.margin_required,
        net_positions=(novation.net_position,),
        settlement_amount=novation.settlement_amount,
    )


def settlement_detail(settlement: Settlement) -> SettlementDetail:
    return SettlementDetail(
        settlement_id=settlement.settlement_id,
        trade_id=settlement.trade_id,
        settlement_status=OrderStatus.SETTLED,
        settlement_date=settlement.settlement_date,
        final_amount=settlement.final_amount,
    )


def execution_summary(order: Order, entries: Iterable[LedgerEntry]) -> ExecutionSummary:
    details = sorted(execution_details(order, entries), key=lambda done: done.timestamp)
    standing = [done for done in details if done.status is TradeState.BOOKED]
    last = standing[-1] if standing else None
    return ExecutionSummary(
        order_id=order.order_id,
        status=order.status,
        execution_id=last.execution_id if last else None,
        executed_price=order.average_price,
        executed_quantity=order.filled_quantity,
        timestamp=last.timestamp if last else None,
        exchange_id=last.exchange_id if last else None,
        execution_fees=cents(sum((done.execution_fees for done in standing), Decimal(0))),
        executions=tuple(details),
    )
