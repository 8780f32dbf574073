"""Settlement: what a confirmed delivery versus payment does to the account, the position and the
ledger.
"""

from datetime import datetime

from trading.domain import identifiers, ledger
from trading.domain.accounts.cash import Account, Position
from trading.domain.ledger import Fill, Settlement
from trading.domain.values import ZERO, Day, Frozen, Side


class Discharge(Frozen):
    """What the settlement of one trade writes, together with the order's."""

    account: Account
    position: Position
    settlement: Settlement


def discharge(
    fill: Fill,
    confirmation_id: str,
    settlement_date: Day,
    account: Account,
    position: Position,
    now: datetime,
) -> Discharge:
    """Settle one trade: bought shares become settled, the proceeds of a sale become available and
    first repay the margin loan, but for what purchases have taken of them before.
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
