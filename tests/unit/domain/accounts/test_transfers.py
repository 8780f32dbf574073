"""Deposits, withdrawals and limits: their effect on balances, and what is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import NOW, D
from tests.unit.domain.strategies import amounts
from trading.domain import ledger
from trading.domain.accounts import transfers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.accounts.transfers import LoanNotCoveredError, NotWithdrawableError
from trading.domain.ledger import LEDGER_ENTRY
from trading.domain.values import Side

FREE = Account(client_id="alice")
"""An account without a loan."""


def test_a_cash_withdrawal_is_a_double_entry() -> None:
    account, entry = transfers.withdraw_cash(
        Account(client_id="alice", available=D("10.00")), D("4.00"), "w-1", NOW
    )
    assert account.available == D("6.00")
    assert entry.postings == ledger.transfer("USD", "client:alice", "depository", D("4.00"))
    assert LEDGER_ENTRY.validate_python(entry.model_dump()) == entry


def test_held_and_unsettled_cash_cannot_be_withdrawn() -> None:
    account = Account(client_id="alice", available=D("10.00"), held=D("5.00"), unsettled=D("7.00"))
    with pytest.raises(NotWithdrawableError) as refusal:
        transfers.withdraw_cash(account, D("10.01"), "w-1", NOW)
    assert refusal.value.details == {"available": "10.00", "lacking": "0.01"}


def test_proceeds_held_by_a_purchase_cannot_be_withdrawn_after_a_deposit() -> None:
    account = (
        Account(client_id="alice", unsettled=D("7.00"))
        .hold(D("5.00"), D(0))
        .move(available=D("6.00"))
    )
    assert (account.available, account.unsettled, account.withdrawable) == (
        D("1.00"),
        D("7.00"),
        D("1.00"),
    )
    with pytest.raises(NotWithdrawableError):
        transfers.withdraw_cash(account, D("1.01"), "w-1", NOW)


def test_a_withdrawal_of_shares_takes_out_their_part_of_the_cost() -> None:
    position = Position(
        client_id="alice", symbol="AAPL", available=3, held=1, cost_basis=D("100.00")
    )
    left, entry = transfers.withdraw_shares(FREE, position, 3, "w-1", NOW)
    assert (left.available, left.held, left.cost_basis, left.realised_profit) == (
        0,
        1,
        D("25.00"),
        D("0.00"),
    )
    assert entry.cost == D("75.00")
    assert entry.postings == ledger.transfer("AAPL", "client:alice", "depository", 3)


@pytest.mark.parametrize(
    ("bought", "sold", "withdrawable"),
    [(0, 0, 1000), (400, 0, 1000), (0, 300, 700), (900, 1000, 0), (300, 700, 300)],
)
def test_shares_that_are_still_to_be_received_cannot_be_withdrawn(
    bought: int, sold: int, withdrawable: int
) -> None:
    """Sold shares that are not delivered yet are owed to the CCP. They come out of what the
    depository has, whatever was bought later.
    """
    position = Position(client_id="alice", symbol="AAPL", available=1000).hold(sold)
    position = position.move(held=-sold, unsettled=-sold).bought(bought, D("10.00"))
    assert position.withdrawable == withdrawable
    with pytest.raises(NotWithdrawableError):
        transfers.withdraw_shares(FREE, position, withdrawable + 1, "w-1", NOW)
    settled = position.settled(Side.SELL, sold).settled(Side.BUY, bought)
    assert (settled.withdrawable, settled.unsettled) == (1000 + bought - sold, 0)


def test_cash_that_secures_the_loan_cannot_be_withdrawn() -> None:
    account = Account(client_id="alice", available=D("10.00"), credit_used=D("4.00"))
    assert transfers.withdraw_cash(account, D("6.00"), "w-1", NOW)[0].available == D("4.00")
    with pytest.raises(NotWithdrawableError) as refusal:
        transfers.withdraw_cash(account, D("6.01"), "w-1", NOW)
    assert refusal.value.details == {"available": "6.00", "lacking": "0.01"}


def test_shares_can_be_withdrawn_when_cash_covers_the_loan() -> None:
    position = Position(client_id="alice", symbol="AAPL", available=3, cost_basis=D("100.00"))
    covered = Account(client_id="alice", available=D("4.00"), credit_used=D("4.00"))
    assert transfers.withdraw_shares(covered, position, 3, "w-1", NOW)[0].available == 0
    with pytest.raises(LoanNotCoveredError) as refusal:
        transfers.withdraw_shares(covered.move(available=D("-0.01")), position, 1, "w-1", NOW)
    assert refusal.value.details == {"loan": "4.00", "available": "3.99"}


def test_a_reference_names_one_deposit_and_one_withdrawal() -> None:
    account = Account(client_id="alice", available=D("10.00"))
    first, again = (
        transfers.deposit_cash(account, D("1.00"), "ref", NOW)[1].trade_id for _ in range(2)
    )
    assert first == again
    assert transfers.withdraw_cash(account, D("1.00"), "ref", NOW)[1].trade_id != first


@given(amounts, amounts, amounts, amounts)
def test_the_available_held_and_used_credit_add_up_to_the_limit(
    before: Decimal, held: Decimal, used: Decimal, limit: Decimal
) -> None:
    account = Account(
        client_id="alice", credit_available=before, credit_held=held, credit_used=used
    )
    changed = account.with_credit_limit(limit)
    assert changed.credit_available + changed.credit_held + changed.credit_used == limit
    assert changed == account.model_copy(update={"credit_available": changed.credit_available})


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 1000), amounts), max_size=20))
def test_no_cost_remains_after_all_shares_are_withdrawn(
    moves: list[tuple[bool, int, Decimal]],
) -> None:
    position = Position(client_id="alice", symbol="AAPL")
    for number, (comes, quantity, cost) in enumerate(moves):
        if comes:
            position, _ = transfers.deposit_shares(position, quantity, cost, str(number), NOW)
        elif quantity <= position.withdrawable:
            position, _ = transfers.withdraw_shares(FREE, position, quantity, str(number), NOW)
        assert position.cost_basis >= 0
    if position.quantity:
        position, _ = transfers.withdraw_shares(FREE, position, position.quantity, "last", NOW)
    assert (position.quantity, position.cost_basis) == (0, D("0.00"))
