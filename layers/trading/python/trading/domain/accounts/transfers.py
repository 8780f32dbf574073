"""Deposits and withdrawals of cash and shares, as double entries.

The reference of a payment gives the entry its id, so a repeated transfer is written once.
"""

from datetime import datetime
from decimal import Decimal

from trading.domain import identifiers, ledger
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.errors import DomainError, ErrorCode
from trading.domain.ledger import Deposit, Withdrawal
from trading.domain.values import proportional


class NotWithdrawableError(DomainError):
    """The withdrawal is larger than what is settled, free and not owed.

    details: `available` and `lacking`, in the asset's unit.
    """

    code = ErrorCode.NOT_WITHDRAWABLE

    def __init__(
        self, asset: str, field: str, wanted: Decimal | int, available: Decimal | int
    ) -> None:
        lacking = wanted - available
        super().__init__(
            f"{lacking} {asset} lacking: {available} settled, free and not owed",
            field=field,
            details={"available": str(available), "lacking": str(lacking)},
        )


class LoanNotCoveredError(DomainError):
    """Settled cash does not cover the loan, so the shares secure it and cannot leave.

    details: `loan` and `available`, in the account's currency.
    """

    code = ErrorCode.LOAN_NOT_COVERED

    def __init__(self, account: Account) -> None:
        super().__init__(
            f"the loan of {account.credit_used} {account.currency} is not covered by "
            f"{account.available} of settled cash",
            details={"loan": str(account.credit_used), "available": str(account.available)},
        )


def check_cash_may_leave(account: Account, amount: Decimal, field: str) -> None:
    """Raises NotWithdrawableError unless so much cash is settled, not held and not owed."""
    if amount > account.withdrawable:
        raise NotWithdrawableError(account.currency, field, amount, account.withdrawable)


def check_shares_may_leave(account: Account, position: Position, quantity: int, field: str) -> None:
    """Raises LoanNotCoveredError if the shares secure a loan, and NotWithdrawableError unless so
    many are received and not held.
    """
    if account.available < account.credit_used:
        raise LoanNotCoveredError(account)
    if quantity > position.withdrawable:
        raise NotWithdrawableError(position.symbol, field, quantity, position.withdrawable)


def deposit_cash(
    account: Account, amount: Decimal, reference: str, now: datetime
) -> tuple[Account, Deposit]:
    """Add cash from outside. It is settled at once."""
    client = ledger.client_account(account.client_id)
    entry = Deposit(
        trade_id=identifiers.deposit_id(account.client_id, reference),
        client_id=account.client_id,
        reference=reference,
        booked_at=now,
        postings=ledger.transfer(account.currency, ledger.DEPOSITORY, client, amount),
    )
    return account.move(available=amount), entry


def deposit_shares(
    position: Position, quantity: int, cost: Decimal, reference: str, now: datetime
) -> tuple[Position, Deposit]:
    """Add shares from outside, settled at once. cost: what the client paid for all of them."""
    client = ledger.client_account(position.client_id)
    entry = Deposit(
        trade_id=identifiers.deposit_id(position.client_id, reference),
        client_id=position.client_id,
        reference=reference,
        booked_at=now,
        cost=cost,
        postings=ledger.transfer(position.symbol, ledger.DEPOSITORY, client, quantity),
    )
    return position.move(available=quantity, cost=cost), entry


def withdraw_cash(
    account: Account, amount: Decimal, reference: str, now: datetime
) -> tuple[Account, Withdrawal]:
    """Take out cash that is settled, not held and not owed. Raises NotWithdrawableError."""
    check_cash_may_leave(account, amount, "amount")
    client = ledger.client_account(account.client_id)
    entry = Withdrawal(
        trade_id=identifiers.withdrawal_id(account.client_id, reference),
        client_id=account.client_id,
        reference=reference,
        booked_at=now,
        postings=ledger.transfer(account.currency, client, ledger.DEPOSITORY, amount),
    )
    return account.move(available=-amount), entry


def withdraw_shares(
    account: Account, position: Position, quantity: int, reference: str, now: datetime
) -> tuple[Position, Withdrawal]:
    """Take out shares, and their proportional part of the cost basis.

    Raises NotWithdrawableError, LoanNotCoveredError.
    """
    check_shares_may_leave(account, position, quantity, "quantity")
    cost = proportional(position.cost_basis, quantity, position.quantity)
    client = ledger.client_account(position.client_id)
    entry = Withdrawal(
        trade_id=identifiers.withdrawal_id(position.client_id, reference),
        client_id=position.client_id,
        reference=reference,
        booked_at=now,
        cost=cost,
        postings=ledger.transfer(position.symbol, client, ledger.DEPOSITORY, quantity),
    )
    return position.move(available=-quantity, cost=-cost), entry
