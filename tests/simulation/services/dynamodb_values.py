"""Attribute values: which are valid, how numbers are written, how large they are.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
and CapacityUnitCalculations.html.
"""

from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, Inexact
from functools import lru_cache
from typing import Any

from tests.simulation.services.errors import ServiceError

Value = dict[str, Any]
"""A type and its content, such as {"S": "x"}."""
Item = dict[str, Value]

MAX_ITEM_BYTES = 400 * 1024
MAX_DIGITS = 38
_EXACT = Context(prec=MAX_DIGITS, traps=[Inexact])
_SETS = {"SS": "S", "NS": "N", "BS": "B"}


def invalid(message: str) -> ServiceError:
    """The refusal of a request that can never succeed."""
    return ServiceError("ValidationException", message)


@lru_cache(1 << 16)
def number(text: str) -> Decimal:
    """A number's value. Raises ServiceError if DynamoDB would refuse it."""
    if text.strip() != text or "_" in text:  # Python would accept these
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    try:
        value = Decimal(text)
    except DecimalException:
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}") from None
    if not value.is_finite():
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    try:
        value = value.normalize(_EXACT)
    except Inexact:
        raise invalid("Attempting to store more than 38 significant digits in a Number") from None
    if value and not -130 <= value.adjusted() <= 125:
        raise invalid("Number overflow or underflow. Its magnitude is outside the supported range")
    return value


def number_text(value: Decimal) -> str:
    """A number as DynamoDB returns it: no exponent, no trailing zeros."""
    return format(value.normalize(_EXACT), "f") if value else "0"


@lru_cache(1 << 16)
def _stored_number(text: str) -> tuple[str, int]:
    value = number(text)
    return number_text(value), (len(value.as_tuple().digits) + 1) // 2 + 1


def stored(item: Item) -> tuple[Item, int]:
    """An item or a map as it is stored, and its size in bytes.

    It is the same object if nothing had to be changed. Raises ServiceError if a value is invalid.
    """
    kept, size = item, 0
    for name, value in item.items():
        kept_value, value_size = stored_value(value)
        size += value_size + (len(name) if name.isascii() else len(name.encode()))
        if kept_value is not value:
            kept = dict(item) if kept is item else kept
            kept[name] = kept_value
    return kept, size


def stored_value(value: Value) -> tuple[Value, int]:
    """A value as it is stored, and its size in bytes. Raises ServiceError if it is invalid."""
    try:
        ((kind, content),) = value.items()
    except ValueError:
        raise invalid(
            "Supplied AttributeValue must contain exactly one of the supported datatypes"
        ) from None
    if kind == "S":
        if type(content) is not str:  # an enum comes back as the text that it is
            value = {"S": str.__str__(content)}
        return value, len(content) if content.isascii() else len(content.encode())
    if kind == "N":
        text, size = _stored_number(content)
        return value if text == content else {"N": text}, size
    if kind == "M":
        members, size = stored(content)
        return value if members is content else {"M": members}, size + 3 + len(members)
    if kind == "L":
        return _stored_list(value, content)
    if kind == "B":
        return value, len(content)
    if kind == "BOOL" or (kind == "NULL" and content is True):
        return value, 1
    if kind in _SETS:
        return _stored_set(kind, content)
    raise invalid(f"Supplied AttributeValue is not valid: {kind}")


def _stored_list(value: Value, content: list[Value]) -> tuple[Value, int]:
    kept, size = content, 3 + len(content)
    for index, element in enumerate(content):
        kept_element, element_size = stored_value(element)
        size += element_size
        if kept_element is not element:
            kept = list(content) if kept is content else kept
            kept[index] = kept_element
    return value if kept is content else {"L": kept}, size


def _stored_set(kind: str, content: list[Any]) -> tuple[Value, int]:
    members = [stored_value({_SETS[kind]: member}) for member in content]
    kept = sorted(member[_SETS[kind]] for member, _ in members)
    if not kept:
        raise invalid("One or more parameter values were invalid: An set may not be empty")
    if len(set(kept)) != len(kept):
        raise invalid(
            "One or more parameter values were invalid: Input collection contains duplicates"
        )
    return {kind: kept}, sum(size for _, size in members) + 3


def kind_of(value: Value) -> str:
    """The type of a value: S, N, M, ..."""
    return next(iter(value))


def compare(left: Value | None, right: Value | None, order: Callable[[Any, Any], bool]) -> bool:
    """Whether two values are in the given order.

    Values of different types, or of types without an order, are not.
    """
    if left is None or right is None:
        return False
    if "N" in left and "N" in right:
        return order(number(left["N"]), number(right["N"]))
    if "S" in left and "S" in right:
        return order(left["S"], right["S"])
    if "B" in left and "B" in right:
        return order(left["B"], right["B"])
    return False


def contains(whole: Value | None, part: Value | None) -> bool:
    """Whether a text has a substring, a set a member, or a list an element."""
    if whole is None or part is None:
        return False
    kind, content = next(iter(whole.items()))
    if kind == "L":
        return part in content
    if kind == kind_of(part) and kind in ("S", "B"):
        return part[kind] in content
    return kind in _SETS and kind_of(part) == _SETS[kind] and part[_SETS[kind]] in content


def begins_with(whole: Value | None, prefix: Value | None) -> bool:
    """Whether a text or bytes begin with a prefix."""
    if whole is None or prefix is None:
        return False
    kind = kind_of(whole)
    return kind in ("S", "B") and kind in prefix and whole[kind].startswith(prefix[kind])


def size_of(value: Value | None) -> Value | None:
    """The result of the function size: the number of characters, bytes or elements."""
    if value is None:
        return None
    kind, content = next(iter(value.items()))
    if kind in ("N", "BOOL", "NULL"):
        raise NotImplementedError(f"DynamoDB: size of a {kind}")
    return {"N": str(len(content))}


def added(left: Value, right: Value, sign: int = 1) -> Value:
    """The sum of two numbers, or their difference."""
    if "N" not in left or "N" not in right:
        raise invalid("An operand in the update expression has an incorrect data type")
    try:
        total = _EXACT.add(number(left["N"]), sign * number(right["N"]))
    except Inexact:
        raise invalid("Number has more than 38 significant digits") from None
    return {"N": number_text(total)}


def united(left: Value, right: Value) -> Value:
    """The union of two sets."""
    kind = _common_set_kind(left, right)
    return {kind: sorted({*left[kind], *right[kind]})}


def without(left: Value, right: Value) -> Value | None:
    """A set without the members of another, or None if nothing remains."""
    kind = _common_set_kind(left, right)
    remaining = sorted({*left[kind]} - {*right[kind]})
    return {kind: remaining} if remaining else None


def _common_set_kind(left: Value, right: Value) -> str:
    kind = kind_of(left)
    if kind not in _SETS or kind not in right:
        raise invalid("An operand in the update expression has an incorrect data type")
    return kind
