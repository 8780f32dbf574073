"""Order entry: each refusal at its boundary, the order of the checks, what acceptance writes."""

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
    make_request,
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
    check_terms,
    listed,
    open_order,
    protection_price,
    rejected,
)
from trading.domain.orders.order_status import OrderStatus, is_legal_path
from trading.domain.orders.reasons import RejectReason
from trading.domain.reference.instruments import Instrument
from trading.domain.values import OrderType, Side

BAD = {"quantity": 15, "limit_price": D("150.005")}
RICH = D("99999.00")
STRICT = make_instrument(lot_size=10, max_order_quantity=1000)


def terms_code(instrument: Instrument, **changes: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        check_terms(make_request(**changes), instrument)
    return refusal.value.code


def accept_code(
    account: Account, position: Position | None = None, client: Client | None = None, **order: Any
) -> str:
    client = client or make_client()
    with pytest.raises(Refusal) as refusal:
        accept(make_order(client=client, **order), client, account, position)
    return refusal.value.code


def test_the_checks_come_in_their_order() -> None:
    halted = STRICT.model_copy(update={"tradable": False})
    assert terms_code(halted, **BAD) == "INSTRUMENT_HALTED"
    assert terms_code(STRICT, **BAD | {"quantity": 1015}) == "LOT_SIZE"
    assert terms_code(STRICT, **BAD | {"quantity": 1010}) == "MAX_ORDER_QUANTITY"
    assert terms_code(STRICT, **BAD | {"quantity": 1000}) == "TICK_SIZE"
    assert terms_code(STRICT, quantity=1000, limit_price=D("150.00")) == "PRICE_OUTSIDE_COLLAR"


def test_a_symbol_without_an_instrument_is_refused() -> None:
    with pytest.raises(Refusal, match="VOID is not listed here") as refusal:
        listed("VOID", None)
    assert refusal.value.code == "UNKNOWN_SYMBOL"


def test_from_a_suspended_client_nothing_is_accepted_whatever_there_is() -> None:
    account = Account(client_id="alice", available=RICH, suspended=True)
    assert accept_code(account) == "CLIENT_INACTIVE"
    assert (
        accept_code(
            account, Position(client_id="alice", symbol="AAPL", available=100), side=Side.SELL
        )
        == "CLIENT_INACTIVE"
    )


@pytest.mark.parametrize("price", ["80.00", "120.00"])
def test_a_limit_on_the_edge_of_the_collar_is_accepted(price: str) -> None:
    check_terms(make_request(limit_price=D(price)), make_instrument())


@pytest.mark.parametrize("price", ["79.99", "120.01"])
def test_a_limit_a_cent_beyond_the_collar_is_refused(price: str) -> None:
    assert terms_code(make_instrument(), limit_price=D(price)) == "PRICE_OUTSIDE_COLLAR"


def test_the_collar_lies_around_the_last_price() -> None:
    moved = make_instrument().traded_at(D("150.003"))
    check_terms(make_request(limit_price=D("180.00")), moved)
    with pytest.raises(Refusal, match=r"^price must lie between 120\.01 and 180\.00$"):
        check_terms(make_request(limit_price=D("120.00")), moved)
    assert protection_price(make_request(order_type=OrderType.MARKET), moved) == D("156.00")


def test_an_order_of_exactly_the_greatest_notional_and_of_a_share_more() -> None:
    instrument = make_instrument(max_order_notional=D("10400.00"))
    for terms, most in (
        ({"limit_price": D("104.00")}, 100),
        ({"order_type": OrderType.MARKET}, 100),
        ({}, 104),
    ):
        check_terms(make_request(quantity=most, **terms), instrument)
        assert terms_code(instrument, quantity=most + 1, **terms) == "MAX_ORDER_NOTIONAL"


def test_a_market_order_has_no_price_to_check() -> None:
    check_terms(make_request(order_type=OrderType.MARKET), make_instrument(tick_size=D("0.05")))


def test_the_worst_price_of_an_order() -> None:
    assert protection_price(make_request(limit_price=D("99.00")), make_instrument()) == D("99.00")
    market = {"order_type": OrderType.MARKET}
    assert protection_price(make_request(**market), make_instrument()) == D("104.00")
    assert protection_price(make_request(side=Side.SELL, **market), make_instrument()) == D("96.00")


def test_exactly_enough_funds_and_a_cent_less() -> None:
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
         "0.01 USD lacking: 10000.30 needed, 10000.29 available"),
        ({"credit_available": D("5000.14")}, HALF, Side.BUY,
         "0.01 of credit lacking: the order draws 5000.15, 5000.14 available"),
        ({"credit_available": D("-9.00")}, HALF, Side.BUY,
         "5000.15 of credit lacking: the order draws 5000.15, 0.00 available"),
        (OPENED, {"daily_trading_limit": D("10499.00")}, Side.BUY,
         "1.00 of the daily trading limit lacking: the order counts 10000.00, 9999.00 left"),
        ({}, {}, Side.SELL, "40 AAPL lacking: 60 available"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_lacking(
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


def test_exactly_enough_credit_and_a_cent_less() -> None:
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


def test_exactly_the_daily_limit_and_a_cent_less() -> None:
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


def test_exactly_enough_shares_and_one_less() -> None:
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


def test_accepted_orders_form_a_chain() -> None:
    account = Account(client_id="alice", available=D("99999.00"))
    first = accept(make_order(key="a"), make_client(), account, None)
    second = accept(make_order(key="b"), make_client(), first.account, None)
    assert (first.order.sequence, first.order.previous_order_id) == (1, None)
    assert (second.order.sequence, second.order.previous_order_id) == (2, first.order.order_id)
    assert second.account.last_order_id == second.order.order_id


def test_an_account_names_its_open_orders_up_to_a_number() -> None:
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
def test_a_client_does_not_trade_with_himself(
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
    elsewhere = order.model_copy(update={"symbol": "MSFT"})
    assert accept(elsewhere, make_client(), before.account, position).order.sequence == 2


@given(prices, quantities, margins, amounts, amounts, amounts)
def test_acceptance_never_overdraws(
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


STOP = {"order_type": OrderType.STOP, "limit_price": None}


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"stop_price": D("100.01")}, ""),
        ({"stop_price": D("100.00")}, "STOP_PRICE_REACHED"),
        ({"stop_price": D("99.99"), "side": Side.SELL}, ""),
        ({"stop_price": D("100.00"), "side": Side.SELL}, "STOP_PRICE_REACHED"),
        ({"stop_price": D("101.005")}, "TICK_SIZE"),
        ({"stop_price": D("120.00")}, ""),
        ({"stop_price": D("120.01")}, "PRICE_OUTSIDE_COLLAR"),
        ({"stop_price": D("79.99"), "side": Side.SELL}, "PRICE_OUTSIDE_COLLAR"),
        (
            {
                "order_type": OrderType.STOP_LIMIT,
                "stop_price": D("101.00"),
                "limit_price": D("102.00"),
            },
            "",
        ),
        (
            {
                "order_type": OrderType.STOP_LIMIT,
                "stop_price": D("101.00"),
                "limit_price": D("120.01"),
            },
            "PRICE_OUTSIDE_COLLAR",
        ),
    ],
)
def test_a_stop_lies_beyond_the_last_price_and_within_the_collar(
    terms: dict[str, Any], code: str
) -> None:
    terms = STOP | terms
    if code:
        assert terms_code(make_instrument(), **terms) == code
    else:
        check_terms(make_request(**terms), make_instrument())


def test_the_worst_price_of_a_stop_order_is_the_collar_at_its_stop_price() -> None:
    assert protection_price(make_request(**STOP, stop_price=D("110.00")), make_instrument()) == D(
        "114.40"
    )
    sale = make_request(**STOP, stop_price=D("90.00"), side=Side.SELL)
    assert protection_price(sale, make_instrument()) == D("86.40")
    limited = make_request(
        order_type=OrderType.STOP_LIMIT, stop_price=D("110.00"), limit_price=D("111.00")
    )
    assert protection_price(limited, make_instrument()) == D("111.00")


def test_a_stop_order_holds_its_worst_price_and_rests() -> None:
    order = make_order(**STOP, stop_price=D("110.00"))
    assert order.hold.cash == D("11440.30")
    assert order.venue_time_in_force.rests
