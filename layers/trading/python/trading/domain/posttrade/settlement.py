"""Settlement: what a confirmed delivery versus payment changes in the books."""

from datetime import datetime
from typing import Protocol

from trading.domain import identifiers, ledger
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import UNKNOWN_CLIENT, Break, BreakCode, Fill, Settlement, TradeEntry
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation
from trading.domain.values import ZERO, Day, Frozen, Side


class Confirmation(Protocol):
    """What a settlement keeps of the depository's confirmation."""

    @property
    def confirmation_id(self) -> str: ...
    @property
    def settlement_date(self) -> Day: ...


class Discharge(Frozen):
    """What the settlement of one trade changes in balances and ledger."""

    account: Account
    position: Position
    settlement: Settlement


class SettlementResult(Frozen):
    """What the settlement of one trade changes.

    The account is always written: its version counts all that happens to what the client owns.
    """

    settlement: Settlement
    account: Account
    position: Position
    order: Order


def settle(
    order: Order,
    fill: TradeEntry,
    account: Account,
    position: Position,
    confirmation: Confirmation,
    now: datetime,
) -> SettlementResult:
    """Settle one trade of an order, or the reversal of one.

    The order counts the shares of its trades that stand.
    """
    stands = isinstance(fill, Fill) and fill.trade_id not in order.reversed_trades
    done = discharge(
        fill, confirmation.confirmation_id, confirmation.settlement_date, account, position, now
    )
    return SettlementResult(
        settlement=done.settlement,
        account=done.account,
        position=done.position,
        order=order.settled(fill.quantity if stands else 0, now),
    )


def mismatch(obligation: Obligation, instructed: str, confirmed: str, now: datetime) -> Break:
    """The break of a confirmation that differs from its instruction. Both are its evidence."""
    return Break(
        trade_id=obligation.trade_id,
        client_id=obligation.client_id,
        order_id=obligation.order_id,
        booked_at=now,
        postings=(),
        code=BreakCode.CONFIRMATION_MISMATCH,
        reason="the depository confirmed something else than was instructed",
        evidence={"instructed": instructed, "confirmed": confirmed},
    )


def unreconciled(trade_id: str, reason: str, confirmed: str, now: datetime) -> Break:
    """The break of a confirmation that the ledger does not agree with. It is the evidence."""
    return Break(
        trade_id=trade_id,
        client_id=UNKNOWN_CLIENT,
        booked_at=now,
        postings=(),
        code=BreakCode.UNRECONCILED_CONFIRMATION,
        reason=reason,
        evidence={"confirmed": confirmed},
    )


def discharge(
    fill: TradeEntry,
    confirmation_id: str,
    settlement_date: Day,
    account: Account,
    position: Position,
    now: datetime,
) -> Discharge:
    """Settle one trade: bought shares become settled, the proceeds of a sale become available.

    The proceeds first repay the margin loan. Exception: the part that purchases have used before.
    """
    repaid = ZERO
    if fill.side is Side.SELL:
        proceeds = fill.client_amount
        free = max(account.available + proceeds - account.unsettled_used, ZERO)
        repaid = min(account.credit_used, proceeds, free)
        account = account.move(
            unsettled=-proceeds,
            available=proceeds - repaid,
            credit_used=-repaid,
            credit_available=repaid,
        )
    ccp = ledger.ccp_account(fill.settlement_date)
    sign = fill.side.sign
    settlement = Settlement(
        trade_id=fill.trade_id,
        client_id=fill.client_id,
        order_id=fill.order_id,
        symbol=fill.symbol,
        booked_at=now,
        settlement_id=identifiers.settlement_id(fill.trade_id),
        confirmation_id=confirmation_id,
        settlement_date=settlement_date,
        final_amount=fill.client_amount,
        loan_repaid=repaid,
        postings=ledger.netted(
            ledger.transfer(fill.currency, ccp, ledger.DEPOSITORY, sign * fill.notional),
            ledger.transfer(fill.symbol, ledger.DEPOSITORY, ccp, sign * fill.quantity),
            ledger.transfer(
                fill.currency, ledger.client_account(fill.client_id), ledger.LENDING, repaid
            ),
        ),
    )
    return Discharge(
        account=account, position=position.settled(fill.side, fill.quantity), settlement=settlement
    )
