"""A table and its indexes in memory, as they are now and as they were a moment ago."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Mapping
from operator import itemgetter
from zlib import crc32

from tests.simulation.services.dynamodb_conditions import KeyTerm
from tests.simulation.services.dynamodb_values import Item, invalid, kind_of

Key = tuple[str, ...]
Entry = tuple[str, ...]
"""The sort key of an entry. In an index: the index's own key values, then the item's key. In the
table itself: the item's key.
"""
View = Mapping[Key, Item | None]
"""The items that differ from their present state: as they were, or None if they did not exist."""

HISTORY_SECONDS = 2.0
MAX_KEY_BYTES = (2048, 1024)
_sort_value = itemgetter(1)


class Index:
    """Entries by partition, each partition sorted. `name` is None for the table itself."""

    def __init__(self, name: str | None, attributes: tuple[str, ...], key: tuple[str, ...]) -> None:
        self.name = name
        self.attributes = attributes
        self.entry_attributes = key if name is None else (*attributes, *key)
        self._key_length = len(key)
        self._partitions: dict[str, list[Entry]] = {}

    def entry(self, key: Key, item: Item) -> Entry | None:
        """The entry of an item, or None if the item lacks a key of the index."""
        if self.name is None:
            return key
        try:
            return (*[item[attribute]["S"] for attribute in self.attributes], *key)
        except KeyError:
            return None

    def item_key(self, entry: Entry) -> Key:
        """The key of the entry's item."""
        return entry[-self._key_length :]

    def refuse_unfit(self, item: Item) -> None:
        """Raise ServiceError if an attribute cannot be a key of the index."""
        for attribute in self.attributes:
            value = item.get(attribute)
            if value is not None and not value.get("S"):
                raise invalid(
                    "One or more parameter values were invalid: Type mismatch or empty value for "
                    f"Index Key {attribute} "
                    f"Expected: S Actual: {kind_of(value)} IndexName: {self.name}"
                )

    def move(self, before: Entry | None, after: Entry | None) -> None:
        """Update the entry of a changed item."""
        if before == after:
            return
        if before is not None:
            partition = self._partitions[before[0]]
            del partition[bisect_left(partition, before)]
            if not partition:
                del self._partitions[before[0]]
        if after is not None:
            insort(self._partitions.setdefault(after[0], []), after)

    def partition(self, value: str, view: View) -> list[Entry]:
        """The entries of a partition, sorted."""
        entries = self._partitions.get(value, [])
        if not view:
            return entries
        seen = [self.entry(key, item) for key, item in view.items() if item is not None]
        return sorted(
            [entry for entry in entries if self.item_key(entry) not in view]
            + [entry for entry in seen if entry is not None and entry[0] == value]
        )


class Table:
    """Items by key. Keys are strings."""

    def __init__(
        self,
        name: str,
        key: tuple[str, ...],
        indexes: Mapping[str, tuple[str, str]],
        expires: str | None,
    ) -> None:
        self.name = name
        self.key = key
        self.expires = expires
        self.items: dict[Key, Item] = {}
        self.sizes: dict[Key, int] = {}
        self.primary = Index(None, key, key)
        self.indexes = {
            index: Index(index, attributes, key) for index, attributes in indexes.items()
        }
        self._replaced: deque[tuple[float, Key, Item | None]] = deque()

    def key_of(self, item: Item) -> Key:
        """The key in an item. Raises ServiceError if it is missing or invalid."""
        try:
            key = tuple([item[name]["S"] for name in self.key])
        except KeyError:
            raise self._unfit_key(item) from None
        for name, value, limit in zip(self.key, key, MAX_KEY_BYTES, strict=False):
            if not value:
                raise invalid(
                    "One or more parameter values are not valid. The AttributeValue for a key "
                    "attribute cannot contain an "
                    f"empty string value. Key: {name}"
                )
            if len(value) * 4 > limit < len(value.encode()):
                raise invalid(
                    f"One or more parameter values were invalid: Size of key {name} has exceeded "
                    f"{limit} bytes"
                )
        return key

    def exact_key(self, attributes: Item) -> Key:
        """The key, which must contain no other attributes. Raises ServiceError."""
        if len(attributes) != len(self.key):
            raise invalid("The provided key element does not match the schema")
        return self.key_of(attributes)

    def _unfit_key(self, item: Item) -> Exception:
        for name in self.key:
            if name not in item:
                return invalid(
                    f"One or more parameter values were invalid: Missing the key {name} in the item"
                )
        return invalid(
            "One or more parameter values were invalid: Type mismatch for key, expected: S"
        )

    def index(self, name: str | None) -> Index:
        """An index, or the table itself. Raises ServiceError."""
        if name is None:
            return self.primary
        if name not in self.indexes:
            raise invalid(f"The table does not have the specified index: {name}")
        return self.indexes[name]

    def write(self, now: float, key: Key, after: Item | None, size: int) -> None:
        """Replace or delete an item."""
        before = self.items.get(key)
        while self._replaced and self._replaced[0][0] < now - HISTORY_SECONDS:
            self._replaced.popleft()
        self._replaced.append((now, key, before))
        if before is None or after is None:
            self.primary.move(
                key if before is not None else None, key if after is not None else None
            )
        for index in self.indexes.values():
            index.move(
                index.entry(key, before) if before is not None else None,
                index.entry(key, after) if after is not None else None,
            )
        if after is None:
            del self.items[key], self.sizes[key]
        else:
            self.items[key] = after
            self.sizes[key] = size

    def view(self, time: float) -> View:
        """The items that were different at an earlier time, at most HISTORY_SECONDS ago."""
        view: dict[Key, Item | None] = {}
        for replaced_at, key, before in reversed(self._replaced):
            if replaced_at <= time:
                break
            view[key] = before
        return view

    def item(self, key: Key, view: View) -> Item | None:
        """An item as a read sees it."""
        return view[key] if key in view else self.items.get(key)

    def scan(self, view: View, segment: int, segments: int) -> list[Key]:
        """The keys of a segment, in the order of a hash.

        DynamoDB's partitions have no meaningful order either.
        """
        keys = (
            self.items.keys() | {key for key, item in view.items() if item is not None}
            if view
            else self.items
        )
        seen = (
            [key for key in keys if not (key in view and view[key] is None)] if view else list(keys)
        )
        return sorted(
            (key for key in seen if scan_order(key)[0] % segments == segment), key=scan_order
        )


def scan_order(key: Key) -> tuple[int, Key]:
    """The position of a key in a scan."""
    return crc32(key[0].encode()), key


def within(entries: list[Entry], term: KeyTerm | None, values: list[str]) -> tuple[int, int]:
    """The slice of a partition that a term on the sort key selects."""
    low, high = 0, len(entries)
    if term is None:
        return low, high
    first = values[0]
    match term.operator:
        case "=":
            return bisect_left(entries, first, key=_sort_value), bisect_right(
                entries, first, key=_sort_value
            )
        case "<":
            return low, bisect_left(entries, first, key=_sort_value)
        case "<=":
            return low, bisect_right(entries, first, key=_sort_value)
        case ">":
            return bisect_right(entries, first, key=_sort_value), high
        case ">=":
            return bisect_left(entries, first, key=_sort_value), high
        case "BETWEEN":
            return bisect_left(entries, first, key=_sort_value), bisect_right(
                entries, values[1], key=_sort_value
            )
        case "begins_with":
            return (
                bisect_left(entries, first, key=_sort_value),
                bisect_right(entries, first, key=lambda entry: entry[1][: len(first)]),
            )
    raise NotImplementedError(f"DynamoDB: {term.operator} in a key condition")
