"""The checks of an order's terms against its instrument: lot, tick, size, collar and stop price."""

from typing import Any

import pytest

from tests.fakes.builders import (
    D,
    make_instrument,
    make_order,
    make_request,
)
from trading.domain.orders.order_entry import (
    Refusal,
    check_terms,
    listed,
    protection_price,
)
from trading.domain.reference.instruments import Instrument
from trading.domain.values import OrderType, Side

BAD = {"quantity": 15, "limit_price": D("150.005")}
STRICT = make_instrument(lot_size=10, max_order_quantity=1000)


def terms_code(instrument: Instrument, **changes: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        check_terms(make_request(**changes), instrument)
    return refusal.value.code


def test_the_checks_of_terms_have_a_fixed_order() -> None:
    halted = STRICT.model_copy(update={"tradable": False})
    assert terms_code(halted, **BAD) == "INSTRUMENT_HALTED"
    assert terms_code(STRICT, **BAD | {"quantity": 1015}) == "LOT_SIZE"
    assert terms_code(STRICT, **BAD | {"quantity": 1010}) == "MAX_ORDER_QUANTITY"
    assert terms_code(STRICT, **BAD | {"quantity": 1000}) == "TICK_SIZE"
    assert terms_code(STRICT, quantity=1000, limit_price=D("150.00")) == "PRICE_OUTSIDE_COLLAR"


def test_a_symbol_without_an_instrument_is_refused() -> None:
    with pytest.raises(Refusal, match="The symbol VOID is not listed") as refusal:
        listed("VOID", None)
    assert refusal.value.code == "UNKNOWN_SYMBOL"


@pytest.mark.parametrize("price", ["80.00", "120.00"])
def test_a_limit_on_the_edge_of_the_collar_is_accepted(price: str) -> None:
    check_terms(make_request(limit_price=D(price)), make_instrument())


@pytest.mark.parametrize("price", ["79.99", "120.01"])
def test_a_limit_a_cent_beyond_the_collar_is_refused(price: str) -> None:
    assert terms_code(make_instrument(), limit_price=D(price)) == "PRICE_OUTSIDE_COLLAR"


def test_the_collar_lies_around_the_last_price() -> None:
    moved = make_instrument().traded_at(D("150.003"))
    check_terms(make_request(limit_price=D("180.00")), moved)
    with pytest.raises(Refusal, match=r"^The price must be between 120\.01 and 180\.00\.$"):
        check_terms(make_request(limit_price=D("120.00")), moved)
    assert protection_price(make_request(order_type=OrderType.MARKET), moved) == D("156.00")


def test_the_greatest_notional_is_accepted_and_a_share_more_is_refused() -> None:
    instrument = make_instrument(max_order_notional=D("10400.00"))
    for terms, most in (
        ({"limit_price": D("104.00")}, 100),
        ({"order_type": OrderType.MARKET}, 100),
        ({}, 104),
    ):
        check_terms(make_request(quantity=most, **terms), instrument)
        assert terms_code(instrument, quantity=most + 1, **terms) == "MAX_ORDER_NOTIONAL"


def test_the_price_of_a_market_order_is_not_checked() -> None:
    check_terms(make_request(order_type=OrderType.MARKET), make_instrument(tick_size=D("0.05")))


def test_the_worst_price_of_an_order() -> None:
    assert protection_price(make_request(limit_price=D("99.00")), make_instrument()) == D("99.00")
    market = {"order_type": OrderType.MARKET}
    assert protection_price(make_request(**market), make_instrument()) == D("104.00")
    assert protection_price(make_request(side=Side.SELL, **market), make_instrument()) == D("96.00")


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
