"""Which amounts a request may contain: text that matches the documented pattern, or a number that
is written the same way.
"""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from trading.adapters.http.amounts import Amount, AmountOrZero, Percent, Price

TYPES: dict[str, Any] = {
    "price": Price,
    "amount": Amount,
    "amount_or_zero": AmountOrZero,
    "percent": Percent,
}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("price", "187.5"),
        ("price", "0.0001"),
        ("price", "0.5000"),
        ("price", "9999999.9999"),
        ("amount", "0.01"),
        ("amount", "0.10"),
        ("amount", "999999999999.99"),
        ("amount_or_zero", "0"),
        ("amount_or_zero", "0.00"),
        ("percent", "100.00"),
        ("percent", "0.5"),
        ("percent", "33.33"),
    ],
)
def test_an_amount_is_parsed_exactly(kind: str, text: str) -> None:
    assert TypeAdapter(TYPES[kind]).validate_python(text) == Decimal(text)


@pytest.mark.parametrize("number", [1, 50, Decimal("0.5"), Decimal("33.33"), Decimal("1E+1")])
@pytest.mark.parametrize("kind", TYPES)
def test_a_number_is_parsed_exactly(kind: str, number: Decimal) -> None:
    """The API parses JSON numbers as int and Decimal, never as float."""
    assert TypeAdapter(TYPES[kind]).validate_python(number) == number


@pytest.mark.parametrize("number", [Decimal("33.500000"), Decimal("33.000000"), Decimal("100.000")])
@pytest.mark.parametrize("kind", TYPES)
def test_trailing_zeros_of_a_number_do_not_matter(kind: str, number: Decimal) -> None:
    assert TypeAdapter(TYPES[kind]).validate_python(number) == number


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        187.5,
        Decimal("NaN"),
        Decimal("1.00001"),
        Decimal(f"1.{'0' * 30}1"),
        -1,
        10**13,
        "",
        " 1",
        "1 ",
        "+1",
        "-1",
        "01",
        "1.",
        ".5",
        "1e2",
        "1_0",
        "NaN",
        "٣",
        "1\n",
        "1,5",
    ],
)
def test_text_that_only_resembles_an_amount_is_refused(kind: str, value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TYPES[kind]).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("price", "0"),
        ("price", "0.0000"),
        ("price", "0.00001"),
        ("price", "10000000"),
        ("amount", "0.00"),
        ("amount", "0.001"),
        ("amount", "1000000000000"),
        ("amount_or_zero", "0.001"),
        ("percent", "0"),
        ("percent", "100.01"),
        ("percent", "101"),
    ],
)
def test_every_bound_is_a_valid_amount(kind: str, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TYPES[kind]).validate_python(text)


@given(st.decimals(min_value="0.0001", max_value="9999999.9999", places=4))
def test_every_price_within_the_bounds_is_a_valid_amount(price: Decimal) -> None:
    assert TypeAdapter(Price).validate_python(f"{price:f}") == price
