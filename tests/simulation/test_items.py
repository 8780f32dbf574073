"""The fast conversion gives the same results as boto3's."""

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from tests.simulation import items
from trading.domain.values import Side

VALUES: list[Any] = [
    "text",
    "",
    Side.BUY,
    0,
    -17,
    10**30,
    True,
    None,
    Decimal("1.50"),
    Decimal("-0.00001"),
    {"a": {"b": [1, "two", Decimal(3), False, None]}},
    (),
    [["nested"], {}],
    {"a", "b"},
    b"bytes",
]


@pytest.mark.parametrize(
    "value", VALUES, ids=[f"{number} {type(v).__name__}" for number, v in enumerate(VALUES)]
)
def test_both_ways(value: Any) -> None:
    slow: Any = TypeSerializer().serialize(value)
    assert items.serialize(TypeSerializer(), value) == slow
    assert items.deserialize(TypeDeserializer(), slow) == TypeDeserializer().deserialize(slow)


@pytest.mark.parametrize(
    "value",
    [1.5, Decimal("NaN"), Decimal("Infinity"), object()],
    ids=["a float", "not a number", "infinity", "an object"],
)
def test_what_boto3_refuses_is_refused(value: Any) -> None:
    with pytest.raises(TypeError) as slow:
        TypeSerializer().serialize(value)
    with pytest.raises(TypeError) as fast:
        items.serialize(TypeSerializer(), value)
    assert str(fast.value) == str(slow.value)
