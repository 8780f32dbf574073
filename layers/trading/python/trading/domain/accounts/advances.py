"""Advances of the error account: a reversal took more than its client had.

An operator closes an advance once. The client pays back what it can, and the broker writes off the
rest. docs/explanation/corrections.md has an example.
"""

from datetime import datetime
from decimal import Decimal

from trading.domain import ledger
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.accounts.transfers import check_cash_may_leave, check_shares_may_leave
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.ledger import ClosedAdvance, Reversal
from trading.domain.values import ZERO, Frozen, Money, proportional


class ExceedsAdvanceError(DomainError):
    """More is to be paid back than was advanced. details: `advanced`, in the asset's unit."""

    code = ErrorCode.EXCEEDS_ADVANCE

    def __init__(self, asset: str, field: str, advanced: Decimal | int) -> None:
        super().__init__(
            f"only {advanced} {asset} was advanced",
            field=field,
            details={"advanced": str(advanced)},
        )


class AdvanceClosedError(DomainError):
    """The advance was closed otherwise. details: `repaid_cash`, `repaid_shares`, `reference`."""

    code = ErrorCode.ADVANCE_CLOSED
    kind = ErrorKind.CONFLICT

    def __init__(self, closed: ClosedAdvance) -> None:
        cash, shares = closed.repaid_cash, closed.repaid_shares
        super().__init__(
            f"the advance was closed before, under {closed.reference}: {cash} {closed.currency} "
            f"and {shares} {closed.symbol} were paid back",
            details={
                "repaid_cash": str(cash),
                "repaid_shares": str(shares),
                "reference": closed.reference,
            },
        )


class Closure(Frozen):
    """How an operator closes an advance: what the client pays back, and the reference of the case.
    The broker writes off the rest.
    """

    repaid_cash: Money = ZERO
    repaid_shares: int = 0
    reference: str

    def is_of(self, closed: ClosedAdvance) -> bool:
        """Whether the advance was closed in this way."""
        return self == Closure.model_validate(closed.model_dump(include=set(Closure.model_fields)))


class AdvanceResult(Frozen):
    """What the close of an advance changes. All of it is written together."""

    account: Account
    position: Position
    entry: ClosedAdvance


def close_advance(
    reversal: Reversal, closure: Closure, account: Account, position: Position, now: datetime
) -> AdvanceResult:
    """Close what the error account advanced with a reversal.

    Cash that is paid back is settled, free and not owed, and so are shares. The client got the
    shares for nothing when they were advanced, so their cost now lowers its realised profit.
    Raises ExceedsAdvanceError, NotWithdrawableError, LoanNotCoveredError.
    """
    cash, shares, cost = closure.repaid_cash, closure.repaid_shares, ZERO
    if cash > reversal.advanced_cash:
        raise ExceedsAdvanceError(reversal.currency, "repaid_cash", reversal.advanced_cash)
    if shares > reversal.advanced_shares:
        raise ExceedsAdvanceError(reversal.symbol, "repaid_shares", reversal.advanced_shares)
    if cash:
        check_cash_may_leave(account, cash, "repaid_cash")
        account = account.move(available=-cash)
    if shares:
        check_shares_may_leave(account, position, shares, "repaid_shares")
        cost = proportional(position.cost_basis, shares, position.quantity)
        position = position.move(available=-shares, cost=-cost, profit=-cost)
    return AdvanceResult(
        account=account, position=position, entry=_entry(reversal, closure, cost, now)
    )


def _entry(reversal: Reversal, closure: Closure, cost: Decimal, now: datetime) -> ClosedAdvance:
    client = ledger.client_account(reversal.client_id)
    lost_cash = reversal.advanced_cash - closure.repaid_cash
    lost_shares = reversal.advanced_shares - closure.repaid_shares
    return ClosedAdvance(
        **reversal.model_dump(include={"trade_id", "client_id", "order_id", "symbol", "currency"}),
        **closure.model_dump(),
        booked_at=now,
        written_off_cash=lost_cash,
        written_off_shares=lost_shares,
        cost=cost,
        postings=ledger.netted(
            ledger.transfer(reversal.currency, client, ledger.ERROR, closure.repaid_cash),
            ledger.transfer(reversal.symbol, client, ledger.ERROR, closure.repaid_shares),
            ledger.transfer(reversal.currency, ledger.WRITE_OFFS, ledger.ERROR, lost_cash),
            ledger.transfer(reversal.symbol, ledger.WRITE_OFFS, ledger.ERROR, lost_shares),
        ),
    )
