"""Obligations to the CCP, and the net position that they come to per symbol and settlement date."""

from collections.abc import Iterable
from decimal import Decimal

from trading.domain.ledger import NetPosition, TradeEntry
from trading.domain.values import Day, Frozen, Money, Side


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


class Discharged(Frozen):
    """Delete the obligation. The commit fails if the obligation is gone already."""

    obligation: Obligation


def obligation_of(fill: TradeEntry) -> Obligation:
    """The obligation that a trade's novation creates, or a reversal that settles by itself."""
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
