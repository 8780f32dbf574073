"""The buying power that a balance shows is what order entry accepts."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.fakes.builders import D, make_client, make_order
from tests.unit.domain.strategies import amounts, margins
from trading.domain.accounts.balances import balances, buying_power
from trading.domain.accounts.cash import Account
from trading.domain.orders.order import Order
from trading.domain.orders.order_entry import Refusal, accept
from trading.domain.values import CENT

NO_LIMIT = D(10) ** 13


def purchase(gross: Decimal, margin_percent: Decimal) -> Order:
    """An order with that cost, fees included."""
    terms = {
        "protection_price": gross,
        "hold_fee_per_share": D(0),
        "margin_percent": margin_percent,
    }
    return make_order(quantity=1).model_copy(update=terms)


@given(amounts, amounts, margins)
def test_order_entry_accepts_the_buying_power_and_refuses_a_cent_more(
    available: Decimal, credit: Decimal, margin: Decimal
) -> None:
    account = Account(client_id="alice", available=available, credit_available=credit)
    client = make_client(daily_trading_limit=NO_LIMIT)
    power = buying_power(account, margin)
    assume(power > 0)
    assert accept(purchase(power, margin), client, account, None).account.total == account.total
    with pytest.raises(Refusal):
        accept(purchase(power + CENT, margin), client, account, None)


@given(amounts, amounts, amounts, margins, st.integers(-(10**6), 10**6))
def test_the_parts_of_a_balance_add_up_to_the_total(
    available: Decimal, held: Decimal, unsettled: Decimal, margin: Decimal, credit: int
) -> None:
    account = Account(
        client_id="alice",
        available=available,
        held=held,
        unsettled=unsettled,
        credit_available=Decimal(credit),
    )
    shown = balances(account, margin)
    assert shown.total == shown.available + shown.held_for_orders + shown.unsettled
    assert 0 <= shown.withdrawable == available
    assert shown.buying_power >= 0


def test_a_credit_limit_below_the_credit_in_use_leaves_a_purchase_without_credit() -> None:
    account = Account(
        client_id="bob", available=D("500.00"), credit_available=D("-10.00"), credit_used=D("60.00")
    )
    shown = balances(account, D(50))
    assert shown.margin_in_use == D("60.00")
    assert shown.buying_power == CENT, "a purchase of one cent draws no credit"
    assert buying_power(account, D(100)) == D("500.00")
