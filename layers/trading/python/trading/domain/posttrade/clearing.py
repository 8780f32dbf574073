"""Clearing: novation to the CCP, and the margin that it requires.

Every novation creates an obligation (`netting`), which settlement discharges.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from trading.domain import identifiers, ledger
from trading.domain.clients.client import Client
from trading.domain.ledger import Fill, LedgerEntry, NetPosition, Novation
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation, net, obligation_of
from trading.domain.values import Frozen, cents_up, percent_of


class ClearedTrade(Frozen):
    """What clearing one trade creates."""

    novation: Novation
    obligation: Obligation


class ClearingResult(Frozen):
    """What clearing an order changes.
    `order` is None while the order is open: it keeps its status.
    """

    trades: tuple[ClearedTrade, ...]
    order: Order | None


def unnovated(order: Order, entries: Sequence[LedgerEntry]) -> tuple[Fill, ...]:
    """The trades of an order, among some ledger entries, that are still to be cleared.

    A trade that was reversed before its novation is not cleared any more.
    """
    done = {entry.trade_id for entry in entries if isinstance(entry, Novation)}
    done.update(order.reversed_trades)
    return tuple(
        entry for entry in entries if isinstance(entry, Fill) and entry.trade_id not in done
    )


def clear(
    order: Order,
    client: Client,
    fills: Sequence[Fill],
    obligations: Iterable[Obligation],
    now: datetime,
) -> ClearingResult:
    """Clear trades of an order, and the order with them unless it is still open.

    `obligations`: those that the client has in the trades' symbols on their settlement dates.
    """
    known = list(obligations)
    trades: list[ClearedTrade] = []
    for fill in fills:
        obligation = obligation_of(fill)
        known.append(obligation)
        net_position = net(fill.symbol, fill.settlement_date, known)
        novation = novate(fill, client.margin_percent, net_position, now)
        trades.append(ClearedTrade(novation=novation, obligation=obligation))
    return ClearingResult(trades=tuple(trades), order=None if order.is_open else order.cleared(now))


def novate(
    fill: Fill, margin_percent: Decimal, net_position: NetPosition, now: datetime
) -> Novation:
    """The CCP becomes the buyer to the seller and the seller to the buyer.

    `net_position` includes this trade. margin_percent: the client's share.
    """
    ccp = ledger.ccp_account(fill.settlement_date)
    street = ledger.exchange_account(fill.exchange_id)
    sign = fill.side.sign
    return Novation(
        trade_id=fill.trade_id,
        client_id=fill.client_id,
        order_id=fill.order_id,
        booked_at=now,
        clearing_id=identifiers.clearing_id(fill.trade_id),
        margin_required=cents_up(percent_of(fill.notional, margin_percent)),
        settlement_amount=fill.notional,
        net_position=net_position,
        postings=ledger.netted(
            ledger.transfer(fill.currency, street, ccp, sign * fill.notional),
            ledger.transfer(fill.symbol, ccp, street, sign * fill.quantity),
        ),
    )
