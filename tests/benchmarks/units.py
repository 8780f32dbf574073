"""DynamoDB's request units by the documented rules: the size of an item, and what a read or a write
consumes.

Sizes: developer guide, "DynamoDB item sizes and formats". Units: "DynamoDB read and write
operations". The index writes of a transaction are replicated asynchronously and are not doubled.
"""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from math import ceil
from typing import Any

from infra.catalog.tables import TableSpec

Item = Mapping[str, Mapping[str, Any]]
WRITE_BYTES = 1024
READ_BYTES = 4096
TRANSACTION_FACTOR = 2
CONTAINER_BYTES = 3
ELEMENT_BYTES = 1


def item_bytes(item: Item) -> int:
    """The size in bytes of an item in DynamoDB's JSON: its names and values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(str(content).encode())
        case "N":
            return number_bytes(str(content))
        case "B":
            return len(b64decode(content))
        case "BOOL" | "NULL":
            return 1
        case "L":
            return CONTAINER_BYTES + sum(
                ELEMENT_BYTES + _value_bytes(element) for element in content
            )
        case "M":
            return CONTAINER_BYTES + len(content) * ELEMENT_BYTES + item_bytes(content)
        case _:
            return sum(_value_bytes({kind[0]: element}) for element in content)


def number_bytes(number: str) -> int:
    """One byte, plus one for each pair of significant digits, plus one for a minus. Pairs start at
    the decimal point.
    """
    sign, digits, exponent = Decimal(number).normalize().as_tuple()
    if digits == (0,):
        return 1
    whole_digits = len(digits) + int(exponent)
    return 1 + ceil((len(digits) + whole_digits % 2) / 2) + sign


def write_units(before: Item | None, after: Item | None) -> int:
    """The units of one write: by the larger of the old and the new item, at least one."""
    return max(1, *(ceil(item_bytes(item) / WRITE_BYTES) for item in (before, after) if item), 0)


def index_write_units(spec: TableSpec, before: Item | None, after: Item | None) -> int:
    """The units that a write costs in the keys-only indexes. An entry that moves is deleted and
    put.
    """
    return sum(units for _, _, units in index_writes(spec, before, after))


def index_writes(
    spec: TableSpec, before: Item | None, after: Item | None
) -> Iterator[tuple[str, str, int]]:
    """The writes of entries that follow from a write: index, partition key, units."""
    for index, keys in spec.indexes.items():
        old, new = (_entry(spec, keys, item) for item in (before, after))
        if old != new:
            for entry in (old, new):
                if entry:
                    yield index, entry[keys[0]]["S"], write_units(entry, None)


def _entry(spec: TableSpec, keys: Iterable[str], item: Item | None) -> Item | None:
    """The item as a keys-only index holds it; None if it is not in the index."""
    if item is None or not all(key in item for key in keys):
        return None
    return {name: item[name] for name in (*keys, *spec.key)}


def read_units(items: Iterable[Item], *, consistent: bool) -> float:
    """The units of one GetItem, Query or Scan. The items are rounded up together. An empty result
    costs one.
    """
    size = sum(item_bytes(item) for item in items)
    return max(1, ceil(size / READ_BYTES)) * (1 if consistent else 0.5)


def batch_read_units(items: Iterable[Item], keys: int, *, consistent: bool) -> float:
    """The units of one BatchGetItem. Every item is rounded up separately. A missing item costs as
    much as the smallest.
    """
    found = list(items)
    missing: list[Item] = [{}] * (keys - len(found))
    return sum(read_units([item], consistent=consistent) for item in (*found, *missing))
