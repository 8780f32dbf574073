"""The effect of a confirmed delivery versus payment."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import NOW, TOMORROW, D, make_client
from tests.unit.domain.posttrade.test_clearing import balances, make_fill
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.errors import NegativeBalanceError
from trading.domain.ledger import Fill
from trading.domain.posttrade.clearing import novate
from trading.domain.posttrade.netting import net, obligation_of
from trading.domain.posttrade.settlement import Discharge, discharge
from trading.domain.values import Side


def discharged(fill: Fill, account: Account) -> Discharge:
    position = Position(
        client_id="alice",
        symbol="AAPL",
        available=fill.quantity,
        unsettled=fill.side.sign * fill.quantity,
    )
    return discharge(fill, "confirmed-1", TOMORROW, account, position, NOW)


def test_settling_a_buy_settles_shares_and_does_not_change_the_cash() -> None:
    account = Account(client_id="alice", available=D("500.00"), credit_used=D("80.00"))
    done = discharged(make_fill(), account)
    assert done.account == account
    assert (done.position.available, done.position.unsettled) == (100, 0)
    assert (done.settlement.final_amount, done.settlement.loan_repaid) == (D("10000.30"), 0)
    assert balances(done.settlement) == {
        ("ccp:2026-11-24", "USD"): D("-10000.00"),
        ("depository", "USD"): D("10000.00"),
        ("ccp:2026-11-24", "AAPL"): D(100),
        ("depository", "AAPL"): D(-100),
    }


def test_settling_a_sale_settles_its_proceeds() -> None:
    account = Account(client_id="alice", available=D("500.00"), unsettled=D("9999.70"))
    done = discharged(make_fill(Side.SELL), account)
    assert (done.account.available, done.account.unsettled) == (D("10499.70"), 0)
    assert done.position.unsettled == 0
    assert balances(done.settlement) == {
        ("ccp:2026-11-24", "USD"): D("10000.00"),
        ("depository", "USD"): D("-10000.00"),
        ("ccp:2026-11-24", "AAPL"): D(-100),
        ("depository", "AAPL"): D(100),
    }


@pytest.mark.parametrize(
    ("loan", "repaid", "available"),
    [
        ("4000.00", "4000.00", "5999.70"),
        ("9999.70", "9999.70", "0.00"),
        ("20000.00", "9999.70", "0.00"),
    ],
)
def test_the_proceeds_of_a_sale_first_repay_the_loan(
    loan: str, repaid: str, available: str
) -> None:
    account = Account(
        client_id="alice", unsettled=D("9999.70"), credit_used=D(loan), credit_available=D("10.00")
    )
    done = discharged(make_fill(Side.SELL), account)
    assert done.settlement.loan_repaid == D(repaid)
    assert done.account.available == D(available)
    assert done.account.credit_used == D(loan) - D(repaid)
    assert done.account.credit_available == D("10.00") + D(repaid)
    after = balances(done.settlement)
    assert (after["client:alice", "USD"], after["lending", "USD"]) == (-D(repaid), D(repaid))


def test_settling_unexpected_proceeds_is_an_error() -> None:
    with pytest.raises(NegativeBalanceError):
        discharged(make_fill(Side.SELL), Account(client_id="alice"))


@given(
    st.sampled_from(Side),
    st.integers(1, 1000),
    st.integers(8000, 12000),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
)
def test_after_settlement_only_client_fees_loan_and_outside_accounts_have_balances(
    side: Side, quantity: int, price: int, loan: int, cash: int
) -> None:
    fill = make_fill(side, quantity, str(Decimal(price) / 100))
    novation = novate(
        fill, make_client().margin_percent, net("AAPL", TOMORROW, [obligation_of(fill)]), NOW
    )
    proceeds = fill.client_amount if side is Side.SELL else D("0.00")
    account = Account(
        client_id="alice",
        available=Decimal(cash) / 100,
        unsettled=proceeds,
        credit_used=Decimal(loan) / 100,
    )
    done = discharged(fill, account)
    left = balances(fill, novation, done.settlement)
    assert {owner for owner, _ in left} <= {"client:alice", "fees:XNYS", "lending", "depository"}
    assert left["depository", "AAPL"] == -left["client:alice", "AAPL"] == -side.sign * quantity
    assert left["depository", "USD"] == side.sign * fill.notional
    assert done.account.total == account.total - done.settlement.loan_repaid
    assert done.account.credit_used == account.credit_used - done.settlement.loan_repaid >= 0
