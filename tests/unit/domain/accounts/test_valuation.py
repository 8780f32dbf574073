"""The valuation of positions: quantities, prices, profits, and the portfolio's sum."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import NOW, D
from tests.unit.domain.strategies import amounts
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.accounts.valuation import (
    LastPrice,
    PriceSource,
    average_purchase_price,
    holding,
    is_closed,
    portfolio,
)

LAST = LastPrice(symbol="AAPL", price=D("101.2345"), time=NOW)


def position(**fields: object) -> Position:
    return Position.model_validate({"client_id": "alice", "symbol": "AAPL"} | fields)


def test_a_position_is_valued_at_the_last_price() -> None:
    owned = position(
        available=60, held=40, unsettled=-30, cost_basis=D("9000.07"), realised_profit=D("-5.00")
    )
    shown = holding(owned, LAST, D("90.00"))
    assert (shown.quantity, shown.settled, shown.unsettled) == (100, 130, -30)
    assert (shown.available, shown.held_for_sells) == (60, 40)
    assert shown.average_purchase_price == D("90.0007")
    assert (shown.last_price, shown.price_time, shown.price_source) == (
        D("101.2345"),
        NOW,
        PriceSource.EXECUTION,
    )
    assert (shown.market_value, shown.unrealised_profit) == (D("10123.45"), D("1123.38"))
    assert shown.realised_profit == D("-5.00")


def test_without_a_last_price_the_reference_price_is_used_and_without_both_the_cost() -> None:
    owned = position(available=3, cost_basis=D("30.00"))
    shown = holding(owned, None, D("11.00"))
    assert (shown.market_value, shown.price_source, shown.price_time) == (
        D("33.00"),
        PriceSource.REFERENCE,
        None,
    )
    shown = holding(owned, None, None)
    assert (shown.market_value, shown.unrealised_profit, shown.last_price) == (
        D("30.00"),
        D(0),
        None,
    )
    assert shown.price_source is PriceSource.NONE


def test_a_position_is_closed_when_the_last_share_is_delivered() -> None:
    assert not is_closed(position(available=1))
    assert not is_closed(position(held=1))
    assert not is_closed(position(unsettled=-10)), "it was sold and is still to be delivered"
    assert is_closed(position(realised_profit=D("3.00")))
    assert average_purchase_price(position()) is None


quantities = st.integers(0, 100_000)
positions = st.builds(
    lambda available, held, unsettled, cost, profit: position(
        available=available, held=held, unsettled=unsettled, cost_basis=cost, realised_profit=profit
    ),
    quantities,
    quantities,
    st.integers(-100_000, 100_000),
    amounts,
    amounts,
)


@given(st.lists(positions, max_size=5), amounts, amounts, amounts, amounts, amounts)
def test_a_portfolio_is_the_sum_of_its_parts(
    owned: list[Position],
    available: Decimal,
    held: Decimal,
    unsettled: Decimal,
    loan: Decimal,
    realised: Decimal,
) -> None:
    account = Account(
        client_id="alice", available=available, held=held, unsettled=unsettled, credit_used=loan
    )
    holdings = [holding(each, LAST, None) for each in owned]
    for shown in holdings:
        assert (
            shown.quantity
            == shown.settled + shown.unsettled
            == shown.available + shown.held_for_sells
        )
        assert shown.market_value == shown.cost_basis + shown.unrealised_profit
    whole = portfolio(account, D(50), holdings, realised)
    assert whole.total_value == whole.cash.total + whole.market_value - whole.cash.margin_in_use
    assert whole.market_value - whole.unrealised_profit == sum(each.cost_basis for each in owned)
    assert whole.realised_profit == realised + sum(each.realised_profit for each in owned)
