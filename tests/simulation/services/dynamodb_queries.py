"""Query and Scan: the content of a page, and where the next page starts."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulation.services.dynamodb_conditions import (
    CompiledKeyCondition,
    KeyTerm,
    key_condition,
)
from tests.simulation.services.dynamodb_requests import (
    NOTHING,
    PROJECTED,
    check_values,
    compiled_condition,
    compiled_projection,
    environment,
    refuse_unknown,
)
from tests.simulation.services.dynamodb_syntax import ExpressionError
from tests.simulation.services.dynamodb_tables import Entry, Table, View, scan_order, within
from tests.simulation.services.dynamodb_values import Item, invalid

MAX_PAGE_BYTES = 1024 * 1024
READ_UNIT_BYTES = 4096
_READ = PROJECTED | {
    *("TableName", "FilterExpression", "ExpressionAttributeValues", "ExclusiveStartKey"),
    *("Limit", "ConsistentRead", "Select", "ReturnConsumedCapacity"),
}
_QUERY = _READ | {"IndexName", "KeyConditionExpression", "ScanIndexForward"}
_SCAN = _READ | {"Segment", "TotalSegments"}


class _Read:
    """The common part of Query and Scan: filter, projection, selection, pages."""

    def __init__(self, table: Table, params: Mapping[str, Any], used: frozenset[str]) -> None:
        self.table = table
        self.index = table.index(params.get("IndexName"))
        self.consistent: bool = params.get("ConsistentRead", False) and self.index is table.primary
        self._shows_capacity = params.get("ReturnConsumedCapacity", "NONE") == "TOTAL"
        if params.get("ReturnConsumedCapacity") == "INDEXES" or (
            self._shows_capacity and self.index is not table.primary
        ):
            raise NotImplementedError("DynamoDB: ReturnConsumedCapacity of an index")
        self._limit: int | None = params.get("Limit")
        self._filter = compiled_condition(params, "FilterExpression")
        self._projection = compiled_projection(params)
        for compiled in (self._filter, self._projection):
            used |= compiled.placeholders if compiled is not None else NOTHING
        self._environment = environment(params, used)
        check_values(self._filter, self._environment, "FilterExpression")
        self._select = params.get("Select")
        self._check_selection()
        start = params.get("ExclusiveStartKey")
        self._start = self._entry_of(start) if start is not None else None

    def _check_selection(self) -> None:
        if self.index is not self.table.primary:
            if self._select == "ALL_ATTRIBUTES":
                raise invalid(
                    "Select type ALL_ATTRIBUTES is not supported for an index that projects keys "
                    "only"
                )
            if self._projection is not None and not self._projection.names(self._environment) <= {
                *self.index.entry_attributes
            }:
                raise invalid(
                    "The index does not project all attributes of the ProjectionExpression"
                )
        elif self._select == "ALL_PROJECTED_ATTRIBUTES":
            raise invalid(
                "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
            )
        if self._select is not None and (self._select == "SPECIFIC_ATTRIBUTES") is not (
            self._projection is not None
        ):
            raise invalid("Select and ProjectionExpression do not fit")

    def _entry_of(self, start: Item) -> Entry:
        if start.keys() != {*self.index.entry_attributes} or not all(
            value.get("S") for value in start.values()
        ):
            raise invalid("The provided starting key is invalid")
        return tuple([start[name]["S"] for name in self.index.entry_attributes])

    def _page(self, entries: Sequence[Entry], view: View, page_size: int | None) -> dict[str, Any]:
        """Build one page. `entries` are to be evaluated on this page or later ones."""
        limits = (self._limit, None if page_size is None else max(page_size, 1), len(entries) + 1)
        most = min(limit for limit in limits if limit is not None)
        items, evaluated, size = [], 0, 0
        for entry in entries[:most]:
            key = self.index.item_key(entry)
            item = self.table.item(key, view)
            assert item is not None
            item_size = self.table.sizes.get(key, 0)
            if evaluated and size + item_size > MAX_PAGE_BYTES:
                break
            evaluated += 1
            size += item_size
            if self.index is not self.table.primary:
                item = {name: item[name] for name in self.index.entry_attributes}
            if self._filter is None or self._filter.holds(item, self._environment):
                items.append(item)
        page: dict[str, Any] = {"Count": len(items), "ScannedCount": evaluated}
        if self._select != "COUNT":
            project = self._projection
            page["Items"] = [
                project.of(item, self._environment) if project else dict(item) for item in items
            ]
        if self._shows_capacity:
            units = max(1, -(-size // READ_UNIT_BYTES)) * (1.0 if self.consistent else 0.5)
            page["ConsumedCapacity"] = {"TableName": self.table.name, "CapacityUnits": units}
        # If the last page is full, it still names a key to continue after.
        if evaluated and (evaluated == most or evaluated < len(entries)):
            last = entries[evaluated - 1]
            names = self.index.entry_attributes
            page["LastEvaluatedKey"] = {
                name: {"S": value} for name, value in zip(names, last, strict=True)
            }
        return page


class Query(_Read):
    """One page of a partition of a table or an index. Raises ServiceError."""

    def __init__(self, table: Table, params: Mapping[str, Any]) -> None:
        refuse_unknown("Query", params, _QUERY)
        try:
            condition = key_condition(params["KeyConditionExpression"])
        except ExpressionError as error:
            raise invalid(f"Invalid KeyConditionExpression: {error}") from None
        super().__init__(table, params, condition.placeholders)
        if params.get("ConsistentRead") and self.index is not table.primary:
            raise invalid("Consistent reads are not supported on global secondary indexes")
        self._forward: bool = params.get("ScanIndexForward", True)
        self._partition, self._term, self._values = self._key_values(condition)
        if self._filter is not None:
            for name in self._filter.names:
                if self._environment.get(name, name) in self.index.attributes:
                    raise invalid(
                        f"Filter Expression can only contain non-primary key attributes: {name}"
                    )
        if self._start is not None and not self._is_within(self._start):
            raise invalid(
                "The provided starting key is outside query boundaries based on provided conditions"
            )

    def _key_values(self, condition: CompiledKeyCondition) -> tuple[str, KeyTerm | None, list[str]]:
        terms = {self._environment.get(term.name, term.name): term for term in condition.terms}
        attributes = self.index.attributes
        first = terms.get(attributes[0])
        if (
            first is None
            or first.operator != "="
            or len(terms) < len(condition.terms)
            or not {*terms} <= {*attributes}
        ):
            raise invalid("Query condition missed key schema element, or uses another attribute")
        values = [self._environment[value] for term in condition.terms for value in term.values]
        if not all(value.get("S") for value in values):
            raise invalid(
                "One or more parameter values were invalid: a key condition needs texts that are "
                "not empty"
            )
        term = next((term for name, term in terms.items() if name != attributes[0]), None)
        bounds = (
            [self._environment[value]["S"] for value in term.values] if term is not None else []
        )
        if len(bounds) == 2 and bounds[0] > bounds[1]:
            raise invalid(
                "The BETWEEN operator requires upper bound to be greater than or equal to lower "
                "bound"
            )
        return self._environment[first.values[0]]["S"], term, bounds

    def _is_within(self, start: Entry) -> bool:
        return start[0] == self._partition and within([start], self._term, self._values) == (0, 1)

    def page(self, view: View, page_size: int | None) -> dict[str, Any]:
        """The page, in the order of the sort key."""
        entries = self.index.partition(self._partition, view)
        low, high = within(entries, self._term, self._values)
        if self._start is not None and self._forward:
            low = max(low, bisect_right(entries, self._start))
        elif self._start is not None:
            high = min(high, bisect_left(entries, self._start))
        chosen = entries[low:high]
        return self._page(chosen if self._forward else chosen[::-1], view, page_size)


class Scan(_Read):
    """One page of a table. Raises ServiceError."""

    def __init__(self, table: Table, params: Mapping[str, Any]) -> None:
        refuse_unknown("Scan", params, _SCAN)
        super().__init__(table, params, NOTHING)
        self._segment: int = params.get("Segment", 0)
        self._segments: int = params.get("TotalSegments", 1)
        if ("Segment" in params) != (
            "TotalSegments" in params
        ) or not 0 <= self._segment < self._segments:
            raise invalid(
                "The Segment parameter is zero-based and must be less than parameter TotalSegments"
            )

    def page(self, view: View, page_size: int | None) -> dict[str, Any]:
        """The page, in no particular order."""
        keys = self.table.scan(view, self._segment, self._segments)
        if self._start is not None:
            keys = keys[bisect_right(keys, scan_order(self._start), key=scan_order) :]
        return self._page(keys, view, page_size)
