"""A digest follows from values, not from their spelling, and it covers every field."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from trading.adapters.faces.admin import (
    Change,
    NewClient,
    NewDeposit,
    NewLimits,
    NewWithdrawal,
    Rotation,
)
from trading.adapters.faces.auth import StepUp, TokenRequest
from trading.adapters.faces.orders import NewOrder, OrderChanges
from trading.adapters.faces.second_factor import Confirmation, Enrolment, NewPolicy, Orders
from trading.adapters.faces.trade_records import MarketTradeRequest, TradeRequest
from trading.adapters.http.digests import canonical, digest
from trading.adapters.http.request_reading import parse_json
from trading.domain.accounts.movements import MovementType
from trading.domain.orders.order_request import OrderRequest
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.replacement import Replacement
from trading.domain.values import Frozen, OrderType, Side, TimeInForce
from trading.usecases.accounts.list_movements import LedgerFilter
from trading.usecases.orders.list_orders import OrderFilter
from trading.wire import ExecType, ExecutionReport

FIRST, SECOND = "2026-11-27T16:00:00Z", "2026-11-27T16:00:01Z"
FIELDS: dict[type[BaseModel], dict[str, tuple[Any, ...]]] = {
    NewOrder: {
        "client_id": ("alice", "bob"),
        "stock_symbol": ("KO", "V"),
        "quantity": (1, 2),
        "order_type": tuple(OrderType),
        "side": tuple(Side),
        "time_in_force": tuple(TimeInForce),
        "price": (None, Decimal("58.50"), Decimal("58.51")),
        "stop_price": (None, Decimal("58.50"), Decimal("58.51")),
    },
    OrderRequest: {
        "client_id": ("alice", "bob"),
        "symbol": ("KO", "V"),
        "side": tuple(Side),
        "order_type": tuple(OrderType),
        "time_in_force": tuple(TimeInForce),
        "quantity": (1, 2),
        "limit_price": (None, Decimal("58.50"), Decimal("58.5001")),
        "stop_price": (None, Decimal("58.50"), Decimal("58.5001")),
    },
    OrderChanges: {
        "quantity": (None, 1, 2),
        "price": (None, Decimal(1), Decimal(2)),
        "stop_price": (None, Decimal(1), Decimal(2)),
    },
    Replacement: {
        "quantity": (None, 1, 2),
        "limit_price": (None, Decimal(1), Decimal(2)),
        "stop_price": (None, Decimal(1), Decimal(2)),
    },
    TradeRequest: {
        "user_id": (None, "alice"),
        "stock_symbol": ("KO", "V"),
        "quantity": (1, 2),
        "price_per_share": (None, Decimal(1), Decimal(2)),
        "trade_type": tuple(Side),
    },
    MarketTradeRequest: {
        "customer_id": (None, "alice"),
        "stock_ticker": ("KO", "V"),
        "type": tuple(Side),
        "quantity": (1, 2),
    },
    TokenRequest: {
        "api_key": ("a", "b"),
        "api_secret": ("c", "d"),
        "code": (None, "123456", "123457", "abcd-abcd-abcd-abcd"),
    },
    StepUp: {"code": ("123456", "123457", "abcd-abcd-abcd-abcd")},
    Enrolment: {
        "api_key": ("a", "b"),
        "api_secret": ("c", "d"),
        "code": (None, "123456", "123457"),
    },
    Confirmation: {
        "api_key": ("a", "b"),
        "api_secret": ("c", "d"),
        "code": ("123456", "123457"),
    },
    NewPolicy: {
        "api_key": ("a", "b"),
        "api_secret": ("c", "d"),
        "code": ("123456", "123457"),
        "orders": tuple(Orders),
        "amount": (None, Decimal(1), Decimal(2)),
        "withdrawals": (None, False, True),
    },
    Change: {"reason": ("a", "b")},
    NewClient: {
        "reason": ("a", "b"),
        "client_id": ("a", "b"),
        "name": ("a", "b"),
        "margin_percent": (Decimal(50), Decimal(100)),
        "credit_limit": (Decimal(0), Decimal(1)),
        "daily_trading_limit": (Decimal(1), Decimal(2)),
        "settlement_account": ("a", "b"),
    },
    NewLimits: {
        "reason": ("a", "b"),
        "version": (1, 2),
        "margin_percent": (Decimal(50), Decimal(100)),
        "credit_limit": (Decimal(0), Decimal(1)),
        "daily_trading_limit": (Decimal(1), Decimal(2)),
    },
    Rotation: {
        "reason": ("a", "b"),
        "api_key": ("a", "b"),
        "grace_hours": (None, 0, 24),
        "newest_was_lost": (False, True),
    },
    NewDeposit: {
        "reason": ("a", "b"),
        "reference": ("a", "b"),
        "amount": (None, Decimal(1), Decimal(2)),
        "symbol": (None, "KO", "V"),
        "quantity": (None, 1, 2),
        "cost": (None, Decimal(0), Decimal(1)),
    },
    NewWithdrawal: {
        "reason": ("a", "b"),
        "reference": ("a", "b"),
        "amount": (None, Decimal(1), Decimal(2)),
        "symbol": (None, "KO", "V"),
        "quantity": (None, 1, 2),
        "code": (None, "123456", "123457"),
    },
    ExecutionReport: {
        "not_understood": (None, {"a": "b"}, {"a": "c"}),
        "exchange_id": ("XNYS", "XNAS"),
        "execution_id": ("a", "b"),
        "client_order_id": ("a", "b"),
        "exchange_order_id": ("a", "b"),
        "account": ("a", "b"),
        "symbol": ("KO", "V"),
        "side": tuple(Side),
        "exec_type": tuple(ExecType),
        "reference_execution_id": (None, "a", "b"),
        "busted_quantity": (0, 1),
        "last_quantity": (0, 1),
        "last_price": (None, Decimal(1), Decimal(2)),
        "cumulative_quantity": (0, 1),
        "leaves_quantity": (0, 1),
        "reason": (None, "a"),
        "transact_time": (datetime.fromisoformat(FIRST), datetime.fromisoformat(SECOND)),
        "correlation_id": ("a", "b"),
    },
    OrderFilter: {
        "status": (None, *OrderStatus),
        "is_open": (None, False, True),
        "symbol": (None, "KO"),
        "side": (None, *Side),
        "first": (None, datetime.fromisoformat(FIRST), datetime.fromisoformat(SECOND)),
        "until": (None, datetime.fromisoformat(FIRST), datetime.fromisoformat(SECOND)),
    },
    LedgerFilter: {
        "type": (None, *MovementType),
        "symbol": (None, "KO"),
        "side": (None, *Side),
        "first": (None, datetime.fromisoformat(FIRST), datetime.fromisoformat(SECOND)),
        "until": (None, datetime.fromisoformat(FIRST), datetime.fromisoformat(SECOND)),
    },
}


@pytest.mark.parametrize("model", FIELDS, ids=lambda model: model.__name__)
def test_a_digest_covers_every_field_of_a_request(model: type[BaseModel]) -> None:
    """Each field by itself takes each of its values. A new field must be added here."""
    values = FIELDS[model]
    assert values.keys() == model.model_fields.keys()
    first = {name: choices[0] for name, choices in values.items()}
    for name, choices in values.items():
        assert len(choices) > 1
        digests = {digest(model.model_construct(**{**first, name: value})) for value in choices}
        assert len(digests) == len(choices), name


STOP_LIMIT = {
    "client_id": "alice",
    "stock_symbol": "KO",
    "quantity": 10,
    "order_type": "stop_limit",
    "side": "sell",
    "time_in_force": "DAY",
    "price": "58.50",
    "stop_price": "59.00",
}


def of(order: str) -> str:
    return digest(NewOrder.model_validate(parse_json(order)).request())


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("client_id", "bob"),
        ("stock_symbol", "V"),
        ("quantity", 11),
        ("side", "buy"),
        ("time_in_force", "GTC"),
        ("price", "58.51"),
        ("stop_price", "59.01"),
    ],
)
def test_no_field_of_an_order_is_lost_on_the_way_to_its_digest(name: str, other: object) -> None:
    assert of(json.dumps(STOP_LIMIT)) != of(json.dumps(STOP_LIMIT | {name: other}))


def test_the_type_of_an_order_is_in_its_digest() -> None:
    stop = {name: value for name, value in STOP_LIMIT.items() if name != "price"}
    assert of(json.dumps(STOP_LIMIT)) != of(json.dumps(stop | {"order_type": "stop"}))


@pytest.mark.parametrize("price", ['"58.5"', '"58.500"', '"58.5000"', "58.5", "58.50", "5.85e1"])
def test_equal_prices_make_equal_orders(price: str) -> None:
    text = json.dumps(STOP_LIMIT).replace('"58.50"', price)
    assert of(text) == of(json.dumps(STOP_LIMIT))
    assert str(NewOrder.model_validate(parse_json(text)).price) == "58.50"


def test_the_order_of_keys_and_white_space_do_not_matter() -> None:
    turned = json.dumps(dict(reversed(STOP_LIMIT.items())), indent=4)
    assert of(turned) == of(json.dumps(STOP_LIMIT))


def test_a_field_that_is_left_out_equals_its_default() -> None:
    market = {name: STOP_LIMIT[name] for name in ("client_id", "stock_symbol", "quantity", "side")}
    market |= {"order_type": "market", "time_in_force": "IOC"}
    assert of(json.dumps(market)) == of(json.dumps(market | {"price": None, "stop_price": None}))
    client = {"reason": "r", "client_id": "a", "name": "A", "settlement_account": "S"}
    client |= {"daily_trading_limit": "1000"}
    given_too = client | {"margin_percent": 100, "credit_limit": "0.0"}
    assert digest(NewClient.model_validate(client)) == digest(NewClient.model_validate(given_too))


@pytest.mark.parametrize(
    "written",
    ["2026-11-27T16:00:00Z", "2026-11-27T17:00:00+01:00", "2026-11-27T11:00:00.000-05:00"],
)
def test_equal_instants_are_equal_whatever_their_zone(written: str) -> None:
    moment = datetime.fromisoformat(written)
    at_noon = datetime.fromisoformat(FIRST)
    assert digest(OrderFilter(first=moment)) == digest(OrderFilter(first=at_noon))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), st.integers(0, 6))
def test_equal_decimals_have_one_form(number: Decimal, zeros: int) -> None:
    longer = Decimal(f"{number:f}" + "0" * zeros)
    assert canonical(longer) == canonical(number)
    assert Decimal(str(canonical(number))) == number


@given(
    st.decimals(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False),
)
def test_different_decimals_have_different_forms(one: Decimal, other: Decimal) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


def test_values_of_different_meaning_never_meet() -> None:
    values = [None, True, False, 1, "1", "", "null", [], [None], {}, {"a": None}, date(2026, 1, 1)]
    assert len({digest(value) for value in values}) == len(values)
    assert digest("ab", "c") != digest("a", "bc")
    with pytest.raises(TypeError, match="float"):
        digest(1.5)


class Outer(Frozen):
    """A model in a model."""

    inner: tuple[OrderFilter, ...]


def test_a_digest_reaches_into_models() -> None:
    one, other = (Outer(inner=(OrderFilter(symbol=symbol),)) for symbol in ("KO", "V"))
    assert digest(one) != digest(other)
