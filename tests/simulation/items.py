"""boto3's conversion between items and Python values, without its detours.

With boto3's own conversion, a quarter of a run would be spent on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT, TypeDeserializer, TypeSerializer

Item = Mapping[str, Any]

_number = DYNAMODB_CONTEXT.create_decimal
_slowly_from: Callable[[TypeDeserializer, Any], Any] = TypeDeserializer.deserialize
_slowly_to: Callable[[TypeSerializer, Any], dict[str, Any]] = TypeSerializer.serialize  # type: ignore[assignment]


def executed_of(order: Item) -> int:
    """The executed shares of an order, with those that its exchange took away again."""
    return int(order["filled_quantity"]) + int(order.get("busted_quantity", 0))


def deserialize(slow: TypeDeserializer, value: dict[str, Any]) -> Any:
    """Replaces TypeDeserializer.deserialize."""
    if "S" in value:
        return value["S"]
    if "N" in value:
        return _number(value["N"])
    ((kind, content),) = value.items()
    convert = _FROM.get(kind)
    return convert(content) if convert else _slowly_from(slow, value)


def serialize(slow: TypeSerializer, value: Any) -> dict[str, Any]:
    """Replaces TypeSerializer.serialize."""
    if isinstance(value, str):
        return {"S": value}
    convert = _TO.get(type(value))
    return convert(slow, value) if convert else _slowly_to(slow, value)


def plain(item: Item) -> dict[str, Any]:
    return {name: deserialize(_deserializer, value) for name, value in item.items()}


def _as_it_is(content: Any) -> Any:
    return content


_deserializer = TypeDeserializer()
_FROM: dict[str, Callable[[Any], Any]] = {
    "BOOL": _as_it_is,
    "M": plain,
    "L": lambda content: [deserialize(_deserializer, value) for value in content],
}
_TO: dict[type, Callable[[TypeSerializer, Any], dict[str, Any]]] = {
    int: lambda _, value: {"N": str(_number(value))},
    Decimal: lambda slow, value: (
        {"N": str(_number(value))} if value.is_finite() else _slowly_to(slow, value)
    ),
    bool: lambda _, value: {"BOOL": value},
    dict: lambda slow, value: {"M": {name: serialize(slow, each) for name, each in value.items()}},
    list: lambda slow, value: {"L": [serialize(slow, each) for each in value]},
    tuple: lambda slow, value: {"L": [serialize(slow, each) for each in value]},
}
