"""Clearing: novation to the CCP, the margin that it requires, and the obligation that it creates.

Settlement discharges the obligation.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from trading.domain import identifiers, ledger
from trading.domain.clients.client import Client
from trading.domain.ledger import Fill, LedgerEntry, NetPosition, Novation
from trading.domain.orders.order import Order
from trading.domain.values import Day, Frozen, Money, Side, cents_up


class Obligation(Frozen):
    """What a client delivers to the CCP and receives from it for one trade.

    Shares move one way, the amount the other.
    """

    client_id: str
    settlement_date: Day
    symbol: str
    trade_id: str
    order_id: str
    side: Side
    quantity: int
    amount: Money
    currency: str

    @property
    def signed_quantity(self) -> int:
        """Shares to receive (+) or to deliver (−)."""
        return self.side.sign * self.quantity

    @property
    def signed_amount(self) -> Decimal:
        """Cash to receive (+) or to pay (−)."""
        return -self.side.sign * self.amount


class ClearedTrade(Frozen):
    """What clearing one trade creates."""

    novation: Novation
    obligation: Obligation


class ClearingResult(Frozen):
    """What clearing an order changes. `order` is None while the order is open: it keeps its status."""

    trades: tuple[ClearedTrade, ...]
    order: Order | None


def unnovated(entries: Sequence[LedgerEntry]) -> tuple[Fill, ...]:
    """The trades among some ledger entries that have no novation among them."""
    novated = {entry.trade_id for entry in entries if isinstance(entry, Novation)}
    return tuple(
        entry for entry in entries if isinstance(entry, Fill) and entry.trade_id not in novated
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
        novation = novate(fill, client, net_position, now)
        trades.append(ClearedTrade(novation=novation, obligation=obligation))
    return ClearingResult(trades=tuple(trades), order=None if order.is_open else order.cleared(now))


def obligation_of(fill: Fill) -> Obligation:
    """The obligation that a trade's novation creates."""
    return Obligation(
        client_id=fill.client_id,
        settlement_date=fill.settlement_date,
        symbol=fill.symbol,
        trade_id=fill.trade_id,
        order_id=fill.order_id,
        side=fill.side,
        quantity=fill.quantity,
        amount=fill.notional,
        currency=fill.currency,
    )


def net(symbol: str, settlement_date: Day, obligations: Iterable[Obligation]) -> NetPosition:
    """A client's net obligation in one symbol on one settlement date."""
    relevant = {
        o.trade_id: o
        for o in obligations
        if o.symbol == symbol and o.settlement_date == settlement_date
    }.values()
    return NetPosition(
        symbol=symbol,
        settlement_date=settlement_date,
        net_quantity=sum(o.signed_quantity for o in relevant),
        net_amount=sum((o.signed_amount for o in relevant), Decimal("0.00")),
    )


def novate(fill: Fill, client: Client, net_position: NetPosition, now: datetime) -> Novation:
    """The CCP becomes the buyer to the seller and the seller to the buyer.

    `net_position` includes this trade.
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
        margin_required=cents_up(fill.notional * client.margin_percent / 100),
        settlement_amount=fill.notional,
        net_position=net_position,
        postings=ledger.netted(
            ledger.transfer(fill.currency, street, ccp, sign * fill.notional),
            ledger.transfer(fill.symbol, ccp, street, sign * fill.quantity),
        ),
    )
