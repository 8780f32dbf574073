"""The hold of an order: worked examples, and that fills never take more than it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import NOW, D, holding, make_client, make_execution, make_order, owned
from tests.unit.domain.strategies import Script, amounts, fees, margins, prices, quantities, scripts
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.orders.booking import book, end, split_cost
from trading.domain.orders.fees import fee_of
from trading.domain.orders.holds import Hold
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.values import Side, cents

ENDS = (OrderStatus.CANCELED, OrderStatus.EXPIRED)


def test_a_buy_holds_its_worst_price_with_fees() -> None:
    assert make_order(quantity=101).hold == Hold(cash=D("10100.30"))


@pytest.mark.parametrize(
    ("quantity", "price", "fee", "held"),
    [
        (2, "75.00", "0.003", "150.00"),
        (3, "75.00", "0.003", "225.00"),
        (4, "75.00", "0.003", "300.01"),
        (1, "0.01", "0.50", "0.02"),
    ],
)
def test_a_hold_is_what_the_purchase_costs(quantity: int, price: str, fee: str, held: str) -> None:
    order = make_order(quantity=quantity, limit_price=D(price), hold_fee=fee)
    assert order.hold.cash == D(held)


def test_a_margin_buy_holds_its_margin_in_cash_and_the_rest_in_credit() -> None:
    order = make_order(client=make_client(margin_percent=D(50)), quantity=101)
    assert order.hold == Hold(cash=D("5050.15"), credit=D("5050.15"))


def test_a_sale_holds_only_shares() -> None:
    assert make_order(side=Side.SELL).hold == Hold(shares=100)


@given(prices, quantities, quantities, fees, margins)
def test_the_cash_and_the_credit_of_a_hold_grow_with_the_quantity(
    price: Decimal, quantity: int, less: int, fee: Decimal, margin: Decimal
) -> None:
    terms = {"protection_price": price, "hold_fee_per_share": fee, "margin_percent": margin}
    order = make_order(quantity=quantity).model_copy(update=terms)
    small, large = sorted((quantity, less))
    lower, higher = order.hold_for(small), order.hold_for(large)
    assert 0 <= lower.cash <= higher.cash
    assert 0 <= lower.credit <= higher.credit
    charged = price * large + fee_of(fee, large, price * large)
    assert higher.cash + higher.credit == charged


@given(st.data(), prices, fees, margins)
def test_a_hold_is_the_most_that_any_fills_can_cost(
    data: st.DataObject, worst: Decimal, fee: Decimal, margin: Decimal
) -> None:
    """Any split into fills, each at any price within the limit and at any rate up to the held one.

    Each fill is paid out of what it releases. One fill at the limit takes the whole hold.
    """
    parts = data.draw(st.lists(st.integers(1, 500), min_size=1, max_size=8))
    terms = {"protection_price": worst, "hold_fee_per_share": fee, "margin_percent": margin}
    order = make_order(quantity=sum(parts)).model_copy(update=terms)
    whole, left, cash, credit = order.hold, order.quantity, Decimal(0), Decimal(0)
    for part in parts:
        below = Decimal(data.draw(st.integers(0, 30_000))) / 10_000
        price = max(worst - below, Decimal("0.0001"))
        rate = fee * data.draw(st.integers(0, 4)) / 4
        notional = cents(price * part)
        before, after = order.hold_for(left), order.hold_for(left - part)
        released = Hold(cash=before.cash - after.cash, credit=before.credit - after.credit)
        cost = notional + fee_of(rate, part, notional)
        assert cost <= released.cash + released.credit
        own, drawn = split_cost(cost, released, margin)
        assert 0 <= own <= released.cash
        assert 0 <= drawn <= released.credit
        cash, credit, left = cash + own, credit + drawn, left - part
    assert cash <= whole.cash
    assert credit <= whole.credit
    notional = worst * order.quantity
    at_once = notional + fee_of(fee, order.quantity, notional)
    assert split_cost(at_once, whole, margin) == (whole.cash, whole.credit)


@given(st.data(), margins, amounts, amounts)
def test_a_cost_within_the_hold_takes_no_more_than_its_cash_and_its_credit(
    data: st.DataObject, margin: Decimal, cash: Decimal, credit: Decimal
) -> None:
    cost = Decimal(data.draw(st.integers(0, int((cash + credit) * 100)))) / 100
    own, drawn = split_cost(cost, Hold(cash=cash, credit=credit), margin)
    assert own + drawn == cost
    assert 0 <= own <= cash
    assert 0 <= drawn <= credit


def test_the_client_pays_its_margin_and_draws_the_rest() -> None:
    released = Hold(cash=D("50.00"), credit=D("50.00"))
    assert split_cost(D("99.99"), released, D(50)) == (D("50.00"), D("49.99"))
    assert split_cost(D("60.00"), released, D(50)) == (D("30.00"), D("30.00"))


def play(
    script: Script, account: Account, position: Position
) -> list[tuple[Order, Account, Position]]:
    """The order, the account and the position after each fill."""
    order = script.order
    states = [(order, account, position)]
    for number, (quantity, price) in enumerate(script.fills):
        execution = make_execution(order, quantity, str(price), execution_id=f"e{number}")
        booking = book(order, execution, script.instrument, script.exchange, account, position, NOW)
        order, account, position = booking.order, booking.account, booking.position
        states.append((order, account, position))
    return states


@given(scripts(Side.BUY), st.sampled_from(ENDS))
def test_fills_of_a_buy_never_take_more_than_was_held(script: Script, ending: OrderStatus) -> None:
    """The account has no cash and no credit beyond the hold, so an overdraft would raise."""
    hold = script.order.hold
    account = holding(script.order, available=str(hold.cash), credit=str(hold.credit))
    states = play(script, account, owned(script.order, 0))
    spent_before = Decimal(0)
    for order, now, _ in states:
        assert (now.held, now.credit_held) == (order.hold.cash, order.hold.credit)
        assert (
            min(now.available, now.held, now.credit_available, now.credit_held, now.credit_used)
            >= 0
        )
        assert now.credit_available + now.credit_held + now.credit_used == hold.credit
        spent = hold.cash - now.total + now.credit_used
        assert spent == order.filled_notional + order.fees
        assert spent >= spent_before
        spent_before = spent
    order, account, _ = states[-1]
    if order.is_open:
        ended = end(order, ending, EndReason.CANCELED, "over", account, None, NOW)
        order, account = ended.order, ended.account
    assert order.hold == Hold()
    assert (account.held, account.credit_held) == (0, 0)
    assert (
        account.available + account.credit_available + order.filled_notional + order.fees
        == hold.cash + hold.credit
    )


@given(scripts(Side.SELL), st.integers(0, 1000), amounts, st.sampled_from(ENDS))
def test_fills_of_a_sale_take_only_held_shares(
    script: Script, others: int, cost: Decimal, ending: OrderStatus
) -> None:
    quantity = script.order.quantity
    account = holding(script.order, available="0.00")
    states = play(script, account, owned(script.order, quantity + others, str(cost)))
    for order, now, position in states:
        assert (position.held, position.available) == (
            order.remaining if order.is_open else 0,
            others,
        )
        assert position.unsettled == -order.filled_quantity
        assert position.cost_basis >= 0
        assert position.realised_profit == order.filled_notional - order.fees - (
            cost - position.cost_basis
        )
        assert now.unsettled == order.filled_notional - order.fees >= 0
    order, account, position = states[-1]
    if order.is_open:
        position = (
            end(order, ending, EndReason.CANCELED, "over", account, position, NOW).position
            or position
        )
    assert (position.held, position.available) == (0, quantity + others - order.filled_quantity)
