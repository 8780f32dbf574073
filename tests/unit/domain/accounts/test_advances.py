"""Advances of the error account are closed: paid back, or written off. Nothing gets lost."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import NOW, TODAY, D
from trading.domain import ledger
from trading.domain.accounts.advances import Closure, ExceedsAdvanceError, close_advance
from trading.domain.accounts.cash import Account
from trading.domain.accounts.movements import MovementType, movements_of
from trading.domain.accounts.position import Position
from trading.domain.accounts.transfers import LoanNotCoveredError, NotWithdrawableError
from trading.domain.ledger import LEDGER_ENTRY, Reversal
from trading.domain.values import Side

RICH = Account(client_id="carol", available=D("500.00"))
OWNS = Position(client_id="carol", symbol="AAPL", available=100, cost_basis=D("9000.00"))


def reversal(cash: str = "0.00", shares: int = 0) -> Reversal:
    return Reversal(
        trade_id="trd_1r",
        client_id="carol",
        order_id="ord_1",
        exchange_id="XNYS",
        execution_id="e-1",
        symbol="AAPL",
        side=Side.SELL,
        quantity=100,
        price=D("100.00"),
        notional=D("10000.00"),
        fees=D("-0.30"),
        currency="USD",
        executed_at=NOW,
        trade_date=TODAY,
        settlement_date=TODAY,
        booked_at=NOW,
        reverses="trd_1",
        settles=False,
        advanced_cash=D(cash),
        advanced_shares=shares,
    )


def closure(cash: str = "0.00", shares: int = 0) -> Closure:
    return Closure(repaid_cash=D(cash), repaid_shares=shares, reference="case-1")


def posted(postings: Any) -> dict[tuple[str, str], Decimal]:
    return {(each.account, each.asset): each.amount for each in postings}


def test_cash_is_paid_back_and_the_rest_is_written_off() -> None:
    result = close_advance(reversal(cash="100.00"), closure("40.00"), RICH, OWNS, NOW)
    assert result.account == RICH.move(available=D("-40.00"))
    assert result.position == OWNS
    assert posted(result.entry.postings) == {
        ("client:carol", "USD"): D("-40.00"),
        ("error", "USD"): D("100.00"),
        ("write-offs", "USD"): D("-60.00"),
    }
    assert LEDGER_ENTRY.validate_python(result.entry.model_dump()) == result.entry


def test_shares_that_are_paid_back_take_their_cost_out_of_the_profit() -> None:
    result = close_advance(reversal(shares=60), closure(shares=50), RICH, OWNS, NOW)
    assert result.account == RICH
    assert (result.position.available, result.position.cost_basis) == (50, D("4500.00"))
    assert result.position.realised_profit == D("-4500.00")
    assert result.entry.cost == D("4500.00")
    assert posted(result.entry.postings) == {
        ("client:carol", "AAPL"): -50,
        ("error", "AAPL"): 60,
        ("write-offs", "AAPL"): -10,
    }


def test_the_example_of_the_page_about_corrections() -> None:
    again = Position(
        client_id="carol",
        symbol="AAPL",
        available=60,
        cost_basis=D("6180.00"),
        realised_profit=D("10200.00"),
    )
    result = close_advance(reversal(shares=100), closure(shares=60), RICH, again, NOW)
    assert (result.position.quantity, result.position.realised_profit) == (0, D("4020.00"))
    assert posted(result.entry.postings)["write-offs", "AAPL"] == -40


def test_the_statement_has_a_line_for_what_was_paid_back() -> None:
    entry = close_advance(
        reversal(cash="10.00", shares=2), closure("10.00", 1), RICH, OWNS, NOW
    ).entry
    (line,) = movements_of(entry, None)
    assert (line.type, line.amount, line.quantity) == (MovementType.REPAYMENT, D("-10.00"), -1)
    assert (line.symbol, line.currency, line.reference) == ("AAPL", "USD", "case-1")
    nothing = close_advance(reversal(cash="10.00", shares=2), closure(), RICH, OWNS, NOW).entry
    assert movements_of(nothing, None) == []


@pytest.mark.parametrize(
    ("paid", "field", "advanced"),
    [
        (closure("10.01"), "repaid_cash", "10.00"),
        (closure(shares=3), "repaid_shares", "2"),
    ],
)
def test_no_more_is_paid_back_than_was_advanced(paid: Closure, field: str, advanced: str) -> None:
    with pytest.raises(ExceedsAdvanceError) as refusal:
        close_advance(reversal(cash="10.00", shares=2), paid, RICH, OWNS, NOW)
    assert (refusal.value.field, refusal.value.details) == (field, {"advanced": advanced})


def test_only_settled_free_assets_that_are_not_owed_are_paid_back() -> None:
    owed = reversal(cash="100.00", shares=100)
    unsettled = Account(client_id="carol", available=D("9.00"), unsettled=D("500.00"))
    with pytest.raises(NotWithdrawableError) as cash:
        close_advance(owed, closure("10.00"), unsettled, OWNS, NOW)
    assert (cash.value.field, cash.value.details["available"]) == ("repaid_cash", "9.00")
    bought = OWNS.move(unsettled=60, receivable=60)
    with pytest.raises(NotWithdrawableError) as shares:
        close_advance(owed, closure(shares=41), RICH, bought, NOW)
    assert (shares.value.field, shares.value.details["available"]) == ("repaid_shares", "40")
    lent = Account(client_id="carol", available=D("9.00"), credit_used=D("10.00"))
    with pytest.raises(LoanNotCoveredError):
        close_advance(owed, closure(shares=1), lent, OWNS, NOW)


@given(st.integers(0, 50_000), st.integers(0, 100), st.data())
def test_the_error_account_gets_back_exactly_what_it_advanced(
    cents: int, shares: int, data: st.DataObject
) -> None:
    advanced = reversal(cash=f"{Decimal(cents) / 100}", shares=shares)
    back = data.draw(st.integers(0, cents)), data.draw(st.integers(0, shares))
    paid = closure(f"{Decimal(back[0]) / 100}", back[1])
    entry = close_advance(advanced, paid, RICH, OWNS, NOW).entry
    sums = posted(entry.postings)
    assert sums.get(("error", "USD"), 0) == advanced.advanced_cash
    assert sums.get(("error", "AAPL"), 0) == shares
    assert ledger.imbalance(entry.postings) == {}
