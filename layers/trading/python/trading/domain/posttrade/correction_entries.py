"""The ledger entries of a correction or a bust."""

from datetime import datetime

from trading.domain import identifiers, ledger
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import Break, BreakCode, Fill, Reversal, Settlement
from trading.domain.orders.venue_correction import VenueCorrection
from trading.domain.reference import calendars
from trading.domain.values import ZERO, Day, Frozen, Money, Side


class ReversedTrade(Frozen):
    """A trade that is to be reversed, with its novation and its settlement if it has them."""

    fill: Fill
    novated: bool
    settlement: Settlement | None

    def is_final(self, now: datetime) -> bool:
        """Whether it is settled, or may be at the depository: that is so from its settlement date.

        Before that date nothing instructs the depository, so its obligation can be replaced.
        """
        today = calendars.date_in_new_york(now)
        due = self.novated and self.fill.settlement_date <= today
        return due or self.settlement is not None


class CorrectedAmounts(Frozen):
    """The corrected trade in numbers. All are zero for a bust. cost: of a sale, its cost basis."""

    quantity: int
    notional: Money
    fees: Money
    drawn: Money = ZERO
    cost: Money = ZERO


class CorrectedCash(Frozen):
    """How the account changes. reversal_drawn: the loan that the reversal draws or gives back."""

    account: Account
    drawn: Money
    reversal_drawn: Money
    advanced: Money


class CorrectedShares(Frozen):
    """How the position changes. cost: what the corrected sale takes out of the cost basis."""

    position: Position
    cost: Money
    advanced: int


def reversal_of(
    correction: VenueCorrection,
    trade: ReversedTrade,
    date: Day,
    cash: CorrectedCash,
    shares: CorrectedShares,
    now: datetime,
) -> Reversal:
    fill, sign = trade.fill, trade.fill.side.sign
    client = ledger.client_account(fill.client_id)
    street = (
        ledger.ccp_account(date) if trade.novated else ledger.exchange_account(fill.exchange_id)
    )
    same = fill.model_dump(
        include={
            "client_id",
            "order_id",
            "exchange_id",
            "symbol",
            "quantity",
            "price",
            "notional",
            "currency",
            "executed_at",
            "trade_date",
        }
    )
    return Reversal(
        **same,
        trade_id=identifiers.reversal_id(fill.trade_id),
        execution_id=correction.execution_id,
        side=Side.SELL if fill.side is Side.BUY else Side.BUY,
        fees=-fill.fees,
        drawn=cash.reversal_drawn,
        settlement_date=date,
        booked_at=now,
        reverses=fill.trade_id,
        corrected_by=None if correction.is_bust else correction.trade_id,
        settles=trade.is_final(now),
        advanced_cash=cash.advanced,
        advanced_shares=shares.advanced,
        postings=ledger.netted(
            ledger.transfer(fill.currency, street, client, sign * fill.notional),
            ledger.transfer(
                fill.currency, ledger.fees_account(fill.exchange_id), client, fill.fees
            ),
            ledger.transfer(fill.currency, ledger.LENDING, client, cash.reversal_drawn),
            ledger.transfer(fill.symbol, client, street, sign * fill.quantity),
            ledger.transfer(fill.currency, ledger.ERROR, client, cash.advanced),
            ledger.transfer(fill.symbol, ledger.ERROR, client, shares.advanced),
        ),
    )


def corrected_fill(
    correction: VenueCorrection, fill: Fill, new: CorrectedAmounts, date: Day, now: datetime
) -> Fill:
    """The corrected trade. It keeps the time and the trade date of the execution."""
    sign, client = fill.side.sign, ledger.client_account(fill.client_id)
    street = ledger.exchange_account(fill.exchange_id)
    peak = max(fill.peak_quantity, new.quantity)
    same = fill.model_dump(
        include={
            "client_id",
            "order_id",
            "exchange_id",
            "symbol",
            "side",
            "currency",
            "executed_at",
            "trade_date",
        }
    )
    return Fill(
        **same,
        trade_id=correction.trade_id,
        execution_id=correction.execution_id,
        quantity=new.quantity,
        price=correction.price,
        notional=new.notional,
        fees=new.fees,
        drawn=new.drawn,
        cost=new.cost,
        settlement_date=date,
        booked_at=now,
        corrects=fill.trade_id,
        peak=None if peak == new.quantity else peak,
        postings=ledger.netted(
            ledger.transfer(fill.currency, client, street, sign * new.notional),
            ledger.transfer(fill.currency, client, ledger.fees_account(fill.exchange_id), new.fees),
            ledger.transfer(fill.currency, ledger.LENDING, client, new.drawn),
            ledger.transfer(fill.symbol, street, client, sign * new.quantity),
        ),
    )


def not_covered(reversal: Reversal, now: datetime) -> Break:
    cash, shares = reversal.advanced_cash, reversal.advanced_shares
    return Break(
        trade_id=reversal.trade_id,
        client_id=reversal.client_id,
        order_id=reversal.order_id,
        booked_at=now,
        postings=(),
        code=BreakCode.CORRECTION_NOT_COVERED,
        reason=f"advanced {cash} {reversal.currency} and {shares} {reversal.symbol}",
        evidence={"cash": str(cash), "shares": str(shares), "reverses": reversal.reverses},
    )
