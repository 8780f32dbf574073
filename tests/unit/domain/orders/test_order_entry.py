"""Order entry against the account: each refusal at its boundary, what acceptance writes."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import (
    NOW,
    TODAY,
    TOMORROW,
    D,
    make_client,
    make_instrument,
    make_order,
    make_received,
)
from tests.unit.domain.strategies import amounts, margins, prices, quantities
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.orders.order import Order
from trading.domain.orders.order_effects import OrderEffect
from trading.domain.orders.order_entry import (
    MAX_OPEN_ORDERS,
    Refusal,
    accept,
    open_order,
    rejected,
)
from trading.domain.orders.order_status import OrderStatus, is_legal_path
from trading.domain.orders.reasons import RejectReason
from trading.domain.values import OrderType, Side

RICH = D("99999.00")


def accept_code(
    account: Account, position: Position | None = None, client: Client | None = None, **order: Any
) -> str:
    client = client or make_client()
    with pytest.raises(Refusal) as refusal:
        accept(make_order(client=client, **order), client, account, position)
    return refusal.value.code


def test_every_order_of_a_suspended_client_is_refused() -> None:
    account = Account(client_id="alice", available=RICH, suspended=True)
    assert accept_code(account) == "CLIENT_INACTIVE"
    assert (
        accept_code(
            account, Position(client_id="alice", symbol="AAPL", available=100), side=Side.SELL
        )
        == "CLIENT_INACTIVE"
    )


def test_exactly_enough_funds_are_accepted_and_a_cent_less_is_refused() -> None:
    exact = Account(client_id="alice", available=D("10000.30"))
    acceptance = accept(make_order(), make_client(), exact, None)
    assert (acceptance.account.available, acceptance.account.held) == (0, D("10000.30"))
    assert accept_code(exact.move(available=D("-0.01"))) == "INSUFFICIENT_FUNDS"


def test_unsettled_proceeds_can_buy() -> None:
    account = Account(client_id="alice", available=D("4000.00"), unsettled=D("6000.30"))
    bought = accept(make_order(), make_client(), account, None).account
    assert (bought.available, bought.held, bought.unsettled) == (0, D("10000.30"), 0)
    assert bought.total == account.total
    assert accept_code(account.move(unsettled=D("-0.01"))) == "INSUFFICIENT_FUNDS"


HALF = {"margin_percent": D(50)}


OPENED = {"available": D("99999.00"), "notional_date": TODAY, "notional_today": D("500.00")}


@pytest.mark.parametrize(
    ("account", "terms", "side", "message"),
    [
        ({"available": D("10000.28"), "unsettled": D("0.01")}, {}, Side.BUY,
         "The order needs USD 10000.30 and 10000.29 is available: 0.01 short."),
        ({"credit_available": D("5000.14")}, HALF, Side.BUY,
         "The order draws credit of 5000.15 and 5000.14 is available: 0.01 short."),
        ({"credit_available": D("-9.00")}, HALF, Side.BUY,
         "The order draws credit of 5000.15 and 0.00 is available: 5000.15 short."),
        (OPENED, {"daily_trading_limit": D("10499.00")}, Side.BUY,
         "The order counts 10000.00 and 9999.00 of the daily trading limit is left: 1.00 short."),
        ({}, {}, Side.SELL, "The order needs 100 AAPL and 60 are available: 40 short."),
    ],
)  # fmt: skip
def test_a_refusal_says_how_much_is_lacking(
    account: dict[str, Any], terms: dict[str, Any], side: Side, message: str
) -> None:
    client, position = (
        make_client(**terms),
        Position(client_id="alice", symbol="AAPL", available=60),
    )
    with pytest.raises(Refusal) as refusal:
        accept(
            make_order(client=client, side=side),
            client,
            Account(client_id="alice", **account),
            position,
        )
    assert refusal.value.message == message


def test_exactly_enough_credit_is_accepted_and_a_cent_less_is_refused() -> None:
    client = make_client(margin_percent=D(50))
    exact = Account(client_id="alice", available=D("9999.00"), credit_available=D("5000.15"))
    acceptance = accept(make_order(client=client), client, exact, None)
    assert (acceptance.account.credit_available, acceptance.account.credit_held) == (
        0,
        D("5000.15"),
    )
    assert (
        accept_code(exact.move(credit_available=D("-0.01")), client=client)
        == "CREDIT_LIMIT_EXCEEDED"
    )


def test_credit_is_checked_before_funds() -> None:
    client = make_client(margin_percent=D(50))
    assert accept_code(Account(client_id="alice"), client=client) == "CREDIT_LIMIT_EXCEEDED"


def test_a_negative_credit_line_does_not_stop_an_order_that_draws_none() -> None:
    account = Account(client_id="alice", available=D("20000.00"), credit_available=D("-100.00"))
    assert accept(make_order(), make_client(), account, None).account.credit_available == D(
        "-100.00"
    )


def test_an_order_at_the_daily_limit_is_accepted_and_a_cent_beyond_is_refused() -> None:
    account = Account(
        client_id="alice", available=D("99999.00"), notional_date=TODAY, notional_today=D("500.00")
    )
    exact = make_client(daily_trading_limit=D("10500.00"))
    assert accept(make_order(), exact, account, None).account.notional_today == D("10500.00")
    short = make_client(daily_trading_limit=D("10499.99"))
    assert accept_code(account, client=short) == "DAILY_LIMIT_EXCEEDED"


def test_yesterdays_notional_does_not_count() -> None:
    account = Account(
        client_id="alice",
        available=D("99999.00"),
        notional_date=TODAY,
        notional_today=D("999999.00"),
    )
    order = make_order().model_copy(update={"business_date": TOMORROW})
    accepted = accept(order, make_client(), account, None).account
    assert (accepted.notional_date, accepted.notional_today) == (TOMORROW, D("10000.00"))


def test_exactly_enough_shares_are_accepted_and_one_less_is_refused() -> None:
    position = Position(client_id="alice", symbol="AAPL", available=100)
    acceptance = accept(
        make_order(side=Side.SELL), make_client(), Account(client_id="alice"), position
    )
    assert acceptance.position is not None
    assert (acceptance.position.available, acceptance.position.held) == (0, 100)
    assert acceptance.account.held == 0
    lacking = position.move(available=-1)
    assert accept_code(Account(client_id="alice"), lacking, side=Side.SELL) == "INSUFFICIENT_SHARES"
    assert accept_code(Account(client_id="alice"), None, side=Side.SELL) == "INSUFFICIENT_SHARES"


def test_the_daily_limit_is_checked_before_shares_and_funds() -> None:
    client = make_client(daily_trading_limit=D("1.00"))
    assert accept_code(Account(client_id="alice"), client=client) == "DAILY_LIMIT_EXCEEDED"
    assert (
        accept_code(Account(client_id="alice"), client=client, side=Side.SELL)
        == "DAILY_LIMIT_EXCEEDED"
    )


def test_accepted_orders_are_numbered_and_name_their_predecessor() -> None:
    account = Account(client_id="alice", available=D("99999.00"))
    first = accept(make_order(key="a"), make_client(), account, None)
    second = accept(make_order(key="b"), make_client(), first.account, None)
    assert (first.order.sequence, first.order.previous_order_id) == (1, None)
    assert (second.order.sequence, second.order.previous_order_id) == (2, first.order.order_id)
    assert second.account.last_order_id == second.order.order_id


def test_only_an_order_that_goes_out_at_once_overtakes_those_that_wait_for_the_open() -> None:
    early = NOW.replace(hour=13)
    continuous = make_instrument(trading_hours="continuous")
    account = Account(client_id="alice", available=RICH)
    overtakes = []
    for key, instrument in (("waits", None), ("at once", continuous), ("also waits", None)):
        order = make_order(key=key, now=early, instrument=instrument)
        accepted = accept(order, make_client(), account, None)
        account = accepted.account
        overtakes.append(bool(accepted.order.overtakes))
    assert overtakes == [False, True, False]


def test_an_account_lists_its_open_orders_and_their_number_is_bounded() -> None:
    first = accept(
        make_order(key="a"),
        make_client(),
        Account(client_id="alice", available=D("99999.00")),
        None,
    )
    second = accept(make_order(key="b"), make_client(), first.account, None)
    assert second.account.open_order_ids == (first.order.order_id, second.order.order_id)
    assert second.account.close_order(first.order.order_id).open_orders == (
        open_order(second.order),
    )
    others = tuple(open_order(make_order(key=str(number))) for number in range(MAX_OPEN_ORDERS - 1))
    full = accept(
        make_order(key="c"),
        make_client(),
        second.account.model_copy(update={"open_orders": others}),
        None,
    )
    assert len(full.account.open_orders) == MAX_OPEN_ORDERS
    assert accept_code(full.account) == "TOO_MANY_OPEN_ORDERS"


SELF_TRADES = [
    # new                       resting                      may they trade?
    ((Side.BUY, "100.00"), (Side.SELL, "100.00"), True),
    ((Side.BUY, "99.99"), (Side.SELL, "100.00"), False),
    ((Side.SELL, "100.00"), (Side.BUY, "100.00"), True),
    ((Side.SELL, "100.01"), (Side.BUY, "100.00"), False),
    ((Side.BUY, "100.00"), (Side.BUY, "100.00"), False),
    ((Side.BUY, None), (Side.SELL, "104.00"), True),
    ((Side.BUY, None), (Side.SELL, "104.01"), False),
    ((Side.SELL, None), (Side.BUY, "96.00"), True),
    ((Side.SELL, None), (Side.BUY, "95.99"), False),
    ((Side.SELL, None), (Side.SELL, "96.00"), False),
    ((Side.SELL, "104.00"), (Side.BUY, None), True),
    ((Side.SELL, "104.01"), (Side.BUY, None), False),
]


@pytest.mark.parametrize(("new", "resting", "refused"), SELF_TRADES)
def test_an_order_that_could_trade_with_its_clients_own_order_is_refused(
    new: tuple[Side, str | None], resting: tuple[Side, str | None], refused: bool
) -> None:
    def priced(key: str, side: Side, price: str | None) -> Order:
        terms = {"limit_price": D(price)} if price else {"order_type": OrderType.MARKET}
        return make_order(key=key, side=side, **terms)

    position = Position(client_id="alice", symbol="AAPL", available=1000)
    before = accept(
        priced("resting", *resting),
        make_client(),
        Account(client_id="alice", available=RICH),
        position,
    )
    order = priced("new", *new)
    if refused:
        with pytest.raises(Refusal, match=before.order.order_id) as refusal:
            accept(order, make_client(), before.account, position)
        assert refusal.value.code == "SELF_TRADE"
        over = before.account.close_order(before.order.order_id)
        assert accept(order, make_client(), over, position).order.sequence == 2
    else:
        assert accept(order, make_client(), before.account, position).order.sequence == 2
    stop = order.model_copy(update={"stop_price": D("100.00")})
    assert accept(stop, make_client(), before.account, position).order.kept_apart is (
        True if refused else None
    )
    elsewhere = order.model_copy(update={"symbol": "MSFT"})
    assert accept(elsewhere, make_client(), before.account, position).order.sequence == 2


@given(prices, quantities, margins, amounts, amounts, amounts)
def test_an_accepted_order_never_overdraws_the_account(
    price: Decimal, quantity: int, margin: Decimal, cash: Decimal, credit: Decimal, limit: Decimal
) -> None:
    client = make_client(margin_percent=margin, daily_trading_limit=limit + 1)
    order = make_order(client=client, quantity=quantity, limit_price=price)
    before = Account(client_id="alice", available=cash, credit_available=credit)
    acceptance: OrderEffect | None = None
    code = ""
    try:
        acceptance = accept(order, client, before, None)
    except Refusal as refusal:
        code = refusal.code
    if price * quantity > limit + 1:
        assert code == "DAILY_LIMIT_EXCEEDED"
    elif order.hold.credit > credit:
        assert code == "CREDIT_LIMIT_EXCEEDED"
    elif order.hold.cash > cash:
        assert code == "INSUFFICIENT_FUNDS"
    else:
        assert acceptance is not None
        after = acceptance.account
        assert after.available + order.hold.cash == cash
        assert after.credit_available + order.hold.credit == credit
        assert min(after.available, after.credit_available) >= 0


@given(st.sampled_from(RejectReason))
def test_a_rejected_order_is_kept_with_its_reason(code: RejectReason) -> None:
    order = rejected(make_received(), Refusal(code, "because"), NOW)
    assert (order.status, order.reason_code, order.attention_at) == (
        OrderStatus.REJECTED,
        code,
        None,
    )
    assert order.history[-1].reason == "because"
    assert is_legal_path(order.history)
