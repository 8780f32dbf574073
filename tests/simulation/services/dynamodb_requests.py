"""The parameters of single writes and reads, checked and compiled.

Transactions and batches consist of them.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.simulation.services.dynamodb_conditions import (
    CompiledCondition,
    CompiledProjection,
    Environment,
    condition,
    projection,
)
from tests.simulation.services.dynamodb_syntax import ExpressionError
from tests.simulation.services.dynamodb_tables import Key, Table
from tests.simulation.services.dynamodb_updates import update
from tests.simulation.services.dynamodb_values import (
    MAX_ITEM_BYTES,
    Item,
    invalid,
    stored,
    stored_value,
)
from tests.simulation.services.errors import ServiceError

NOTHING: frozenset[str] = frozenset()
EMPTY: Item = {}

_EXPRESSIONS = {"ExpressionAttributeNames", "ExpressionAttributeValues"}
CONDITIONAL = {
    *_EXPRESSIONS,
    "TableName",
    "ConditionExpression",
    "ReturnValuesOnConditionCheckFailure",
}
PUT = frozenset({*CONDITIONAL, "Item"})
DELETE = frozenset({*CONDITIONAL, "Key"})
UPDATE = frozenset({*CONDITIONAL, "Key", "UpdateExpression"})
PROJECTED = frozenset({"ProjectionExpression", "ExpressionAttributeNames"})


class Written(NamedTuple):
    """An item after a write, its size, and the attributes that were updated."""

    item: Item | None
    size: int
    updated: tuple[str, ...] = ()


class Write(NamedTuple):
    """A write that has passed every check that does not need the item."""

    table: Table
    key: Key
    environment: Environment
    condition: CompiledCondition | None
    show_refused: bool
    apply: Callable[[Item | None], Written]

    def refusal(self, before: Item | None) -> ServiceError | None:
        """Why the item in its present state must not be written, if it must not."""
        if self.condition is None or self.condition.holds(before or EMPTY, self.environment):
            return None
        shown = {"Item": dict(before)} if before is not None and self.show_refused else {}
        return ServiceError(
            "ConditionalCheckFailedException", "The conditional request failed", **shown
        )


def refuse_unknown(operation: str, params: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise NotImplementedError for a parameter that would be ignored."""
    if not params.keys() <= known:
        raise NotImplementedError(
            f"DynamoDB: {operation} with {', '.join(sorted(params.keys() - known))}"
        )


def environment(params: Mapping[str, Any], used: frozenset[str]) -> Environment:
    """What the request's placeholders stand for.

    Raises ServiceError unless exactly the used placeholders are defined.
    """
    names, values = params.get("ExpressionAttributeNames"), params.get("ExpressionAttributeValues")
    if names is None and values is None and not used:
        return EMPTY
    if names == {} or values == {}:
        raise invalid("ExpressionAttributeNames and ExpressionAttributeValues must not be empty")
    found: dict[str, Any] = dict(names) if names is not None else {}
    if values is not None:
        for placeholder, value in values.items():
            found[placeholder] = stored_value(value)[0]
    if found.keys() != used:
        raise _misplaced(found, used)
    return found


def _misplaced(found: Mapping[str, Any], used: frozenset[str]) -> ServiceError:
    if missing := sorted(used - found.keys()):
        return invalid(
            "An expression attribute name or value used in an expression is not defined: "
            f"{', '.join(missing)}"
        )
    return invalid(
        "Value provided in ExpressionAttributeNames or Values unused in expressions: keys: "
        f"{sorted(found.keys() - used)}"
    )


def compiled_condition(
    params: Mapping[str, Any], kind: str = "ConditionExpression"
) -> CompiledCondition | None:
    """The request's condition or filter. Raises ServiceError."""
    text = params.get(kind)
    try:
        return None if text is None else condition(text)
    except ExpressionError as error:
        raise invalid(f"Invalid {kind}: {error}") from None


def compiled_projection(params: Mapping[str, Any]) -> CompiledProjection | None:
    """The request's projection. Raises ServiceError."""
    text = params.get("ProjectionExpression")
    try:
        return None if text is None else projection(text)
    except ExpressionError as error:
        raise invalid(f"Invalid ProjectionExpression: {error}") from None


def check_values(
    compiled: CompiledCondition | None, environment: Environment, kind: str = "ConditionExpression"
) -> None:
    """Raise ServiceError if the values are invalid in the expression for any item."""
    if compiled is not None and compiled.check is not None:
        try:
            compiled.check(environment)
        except ExpressionError as error:
            raise invalid(f"Invalid {kind}: {error}") from None


def kept(table: Table, item: Item, complaint: str) -> tuple[Item, int]:
    """An item as the table stores it, and its size. Raises ServiceError if it cannot be stored."""
    after, size = stored(item)
    if size > MAX_ITEM_BYTES:
        raise invalid(complaint)
    for index in table.indexes.values():
        index.refuse_unfit(item)
    return dict(item) if after is item else after, size


def plan_put(table: Table, params: Mapping[str, Any]) -> Write:
    """PutItem, or the Put of a transaction. Raises ServiceError."""
    key = table.key_of(params["Item"])
    written = Written(
        *kept(table, params["Item"], "Item size has exceeded the maximum allowed size")
    )
    return _write(table, key, params, lambda before: written)


def plan_delete(table: Table, params: Mapping[str, Any]) -> Write:
    """DeleteItem, or the Delete of a transaction. Raises ServiceError."""
    return _write(table, table.exact_key(params["Key"]), params, lambda before: Written(None, 0))


def plan_check(table: Table, params: Mapping[str, Any]) -> Write:
    """The ConditionCheck of a transaction. Raises ServiceError."""
    key = table.exact_key(params["Key"])
    return _write(table, key, params, lambda before: Written(before, table.sizes.get(key, 0)))


def _write(
    table: Table, key: Key, params: Mapping[str, Any], apply: Callable[[Item | None], Written]
) -> Write:
    compiled = compiled_condition(params)
    found = environment(params, compiled.placeholders if compiled is not None else NOTHING)
    check_values(compiled, found)
    return Write(table, key, found, compiled, _shows_refused(params), apply)


def plan_update(table: Table, params: Mapping[str, Any]) -> Write:
    """UpdateItem, or the Update of a transaction. Raises ServiceError."""
    key, key_item = table.exact_key(params["Key"]), params["Key"]
    compiled = compiled_condition(params)
    try:
        changes = update(params["UpdateExpression"]) if "UpdateExpression" in params else None
        used = (compiled.placeholders if compiled is not None else NOTHING) | (
            changes.placeholders if changes is not None else NOTHING
        )
        found = environment(params, used)
        paths = changes.paths(found) if changes is not None else []
    except ExpressionError as error:
        raise invalid(f"Invalid UpdateExpression: {error}") from None
    check_values(compiled, found)
    names = tuple(str(path[0]) for path in paths)
    if params.get("ReturnValues", "NONE").startswith("UPDATED") and any(
        len(path) > 1 for path in paths
    ):
        raise NotImplementedError("DynamoDB: the updated parts of a document")
    for name in names:
        if name in table.key:
            raise invalid(
                f"One or more parameter values were invalid: Cannot update attribute {name}. This "
                "attribute is part of the key"
            )

    def apply(before: Item | None) -> Written:
        after = dict(key_item) if before is None else before
        if changes is not None:
            after = changes.apply(after, paths, found)
        return Written(
            *kept(table, after, "Item size to update has exceeded the maximum allowed size"), names
        )

    return Write(table, key, found, compiled, _shows_refused(params), apply)


def _shows_refused(params: Mapping[str, Any]) -> bool:
    shows: bool = params.get("ReturnValuesOnConditionCheckFailure", "NONE") == "ALL_OLD"
    return shows
