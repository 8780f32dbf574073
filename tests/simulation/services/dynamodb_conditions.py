"""Condition, filter, key-condition and projection expressions.

They are compiled to functions, which are cached by the text of the expression.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from tests.simulation.services.dynamodb_syntax import (
    Between,
    Both,
    Comparison,
    Condition,
    Either,
    ExpressionError,
    Function,
    In,
    Literal,
    Not,
    Operand,
    Parentheses,
    Parser,
    Path,
)
from tests.simulation.services.dynamodb_values import (
    Item,
    Value,
    begins_with,
    compare,
    contains,
    kind_of,
    size_of,
)

Environment = Mapping[str, Any]
"""What the placeholders stand for. # stands for names, : for values."""
Steps = tuple[str | int, ...]
Predicate = Callable[[Item, Environment], bool]
Getter = Callable[[Item, Environment], Value | None]
Check = Callable[[Environment], None]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KINDS = frozenset(("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"))


@dataclass(frozen=True)
class CompiledCondition:
    """A condition or filter.

    `check` refuses invalid values (ExpressionError), whatever the item is.
    """

    holds: Predicate
    placeholders: frozenset[str]
    names: frozenset[str]
    check: Check | None


@dataclass(frozen=True)
class KeyTerm:
    """One comparison of a key condition.

    It has the attribute (or its placeholder), the operator, and the values' placeholders.
    """

    name: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class CompiledKeyCondition:
    """A key condition of one or two terms."""

    terms: tuple[KeyTerm, ...]
    placeholders: frozenset[str]


@dataclass(frozen=True)
class CompiledProjection:
    """The parts of an item that are returned."""

    paths: tuple[Path, ...]
    placeholders: frozenset[str]

    def names(self, environment: Environment) -> set[str]:
        """The attributes that the parts belong to."""
        return {str(resolve(path.steps, environment)[0]) for path in self.paths}

    def of(self, item: Item, environment: Environment) -> Item:
        tree: dict[str | int, Any] = {}
        for path in self.paths:
            branch = tree
            for step in resolve(path.steps, environment):
                branch = branch.setdefault(step, {})
        return _members(item, tree)


@lru_cache(4096)
def condition(text: str) -> CompiledCondition:
    """Compile a condition or a filter. Raises ExpressionError."""
    parser = Parser(text)
    compiler = _Compiler()
    holds = compiler.condition(parser.whole(parser.condition))
    checks = compiler.checks

    def check(environment: Environment) -> None:
        for each in checks:
            each(environment)

    return CompiledCondition(
        holds,
        frozenset(compiler.placeholders),
        frozenset(compiler.names),
        check if checks else None,
    )


@lru_cache(4096)
def key_condition(text: str) -> CompiledKeyCondition:
    """Compile a key condition. Raises ExpressionError."""
    parser = Parser(text)
    terms = tuple(map(_key_term, _conjuncts(parser.whole(parser.condition))))
    placeholders = {name for term in terms for name in (term.name, *term.values) if name[0] in "#:"}
    return CompiledKeyCondition(terms, frozenset(placeholders))


@lru_cache(4096)
def projection(text: str) -> CompiledProjection:
    """Compile a projection. Raises ExpressionError."""
    parser = Parser(text)
    paths = parser.whole(lambda: parser.listed(parser.path))
    return CompiledProjection(paths, placeholders_of(paths))


def placeholders_of(paths: Iterable[Path]) -> frozenset[str]:
    """The placeholders of names in paths."""
    return frozenset(
        step for path in paths for step in path.steps if isinstance(step, str) and step[0] == "#"
    )


def resolve(steps: Steps, environment: Environment) -> Steps:
    """The steps of a path, with placeholders replaced by names."""
    return tuple(environment[s] if isinstance(s, str) and s[0] == "#" else s for s in steps)


def overlap(paths: Iterable[Steps]) -> bool:
    """Whether one of the paths equals another or leads into it."""
    ordered = sorted(tuple(map(repr, path)) for path in paths)
    return any(after[: len(before)] == before for before, after in pairwise(ordered))


def value_at(steps: Steps, item: Item) -> Value | None:
    """The value at a path, or None if there is none."""
    value: Value | None = item.get(steps[0])  # type: ignore[arg-type]  # an item's own steps are names
    for step in steps[1:]:
        if value is None:
            return None
        if isinstance(step, str):
            value = value["M"].get(step) if "M" in value else None
        else:
            value = value["L"][step] if "L" in value and step < len(value["L"]) else None
    return value


def getter(path: Path) -> Getter:
    """A function that reads a path."""
    steps = path.steps
    first = steps[0]
    assert isinstance(first, str)
    if len(steps) > 1:
        return lambda item, environment: value_at(resolve(steps, environment), item)
    if first[0] == "#":
        return lambda item, environment: item.get(environment[first])
    return lambda item, environment: item.get(first)


class _Compiler:
    """Compiles one condition.

    It collects the placeholders, the attributes that are read, and the checks of the values.
    """

    def __init__(self) -> None:
        self.placeholders: set[str] = set()
        self.names: set[str] = set()
        self.checks: list[Check] = []

    def condition(self, node: Condition) -> Predicate:
        match node:
            case Parentheses():
                return self.condition(node.condition)
            case Not():
                inner = self.condition(node.condition)
                return lambda item, environment: not inner(item, environment)
            case Both():
                left, right = self.condition(node.left), self.condition(node.right)
                return lambda item, environment: (
                    left(item, environment) and right(item, environment)
                )
            case Either():
                left, right = self.condition(node.left), self.condition(node.right)
                return lambda item, environment: left(item, environment) or right(item, environment)
            case Comparison():
                return self._comparison(node)
            case Between():
                return self._between(node)
            case In():
                return self._in(node)
            case Function():
                return self._function(node)

    def _operand(self, node: Operand) -> Getter:
        if isinstance(node, Literal):
            placeholder = node.placeholder
            self.placeholders.add(placeholder)
            return lambda item, environment: environment[placeholder]
        path = node if isinstance(node, Path) else node.path
        self.placeholders |= placeholders_of([path])
        self.names.add(str(path.steps[0]))
        read = getter(path)
        return read if node is path else lambda item, environment: size_of(read(item, environment))

    def _comparison(self, node: Comparison) -> Predicate:
        left, right = self._operand(node.left), self._operand(node.right)
        if node.comparator in ("=", "<>"):
            equal = node.comparator == "="

            def compares(item: Item, environment: Environment) -> bool:
                value = left(item, environment)
                return (value is not None and value == right(item, environment)) is equal

            return compares
        order = _ORDERS[node.comparator]
        self._must_be((node.left, node.right), "SNB", node.comparator)
        return lambda item, environment: compare(
            left(item, environment), right(item, environment), order
        )

    def _between(self, node: Between) -> Predicate:
        value, low, high = (
            self._operand(node.operand),
            self._operand(node.low),
            self._operand(node.high),
        )
        self._must_be((node.operand, node.low, node.high), "SNB", "BETWEEN")
        if isinstance(node.low, Literal) and isinstance(node.high, Literal):
            self.checks.append(_bounds(node.low.placeholder, node.high.placeholder))

        def holds(item: Item, environment: Environment) -> bool:
            found = value(item, environment)
            return compare(low(item, environment), found, operator.le) and compare(
                found, high(item, environment), operator.le
            )

        return holds

    def _in(self, node: In) -> Predicate:
        value, choices = (
            self._operand(node.operand),
            [self._operand(choice) for choice in node.choices],
        )

        def holds(item: Item, environment: Environment) -> bool:
            found = value(item, environment)
            return found is not None and any(
                found == choice(item, environment) for choice in choices
            )

        return holds

    def _function(self, node: Function) -> Predicate:
        first, *rest = (self._operand(argument) for argument in node.arguments)
        if node.name == "attribute_exists":
            return lambda item, environment: first(item, environment) is not None
        if node.name == "attribute_not_exists":
            return lambda item, environment: first(item, environment) is None
        (second,) = rest
        if node.name == "attribute_type":
            self.checks.append(_kind_named(node.arguments[1]))

            def has_type(item: Item, environment: Environment) -> bool:
                value, kind = first(item, environment), second(item, environment)
                return value is not None and kind is not None and kind_of(value) == kind["S"]

            return has_type
        if node.name == "begins_with":
            self._must_be(node.arguments, "SB", "begins_with")
        test = {"begins_with": begins_with, "contains": contains}[node.name]
        return lambda item, environment: test(first(item, environment), second(item, environment))

    def _must_be(self, operands: Iterable[Operand], kinds: str, name: str) -> None:
        placeholders = [operand.placeholder for operand in operands if isinstance(operand, Literal)]

        def check(environment: Environment) -> None:
            for placeholder in placeholders:
                if (kind := kind_of(environment[placeholder])) not in list(kinds):
                    raise ExpressionError(
                        "Incorrect operand type for operator or function; operator or function: "
                        f"{name}, operand type: {kind}"
                    )

        self.checks += [check] if placeholders else []


def _bounds(low: str, high: str) -> Check:
    def check(environment: Environment) -> None:
        if not compare(environment[low], environment[high], operator.le):
            raise ExpressionError(
                "The BETWEEN operator requires upper bound to be greater than or equal to lower "
                "bound, of the same type"
            )

    return check


def _kind_named(node: Operand) -> Check:
    if not isinstance(node, Literal):
        raise ExpressionError(
            "Operator or function requires a value; operator or function: attribute_type"
        )

    def check(environment: Environment) -> None:
        if environment[node.placeholder].get("S") not in _KINDS:
            raise ExpressionError(
                f"Invalid attribute type name found; type: {environment[node.placeholder]}"
            )

    return check


def _conjuncts(node: Condition) -> list[Condition]:
    if isinstance(node, Parentheses):
        return _conjuncts(node.condition)
    return [*_conjuncts(node.left), *_conjuncts(node.right)] if isinstance(node, Both) else [node]


def _key_term(node: Condition) -> KeyTerm:
    match node:
        case Comparison(comparator, Path((str(name),)), Literal(value)) if comparator != "<>":
            return KeyTerm(name, comparator, (value,))
        case Between(Path((str(name),)), Literal(low), Literal(high)):
            return KeyTerm(name, "BETWEEN", (low, high))
        case Function("begins_with", (Path((str(name),)), Literal(prefix))):
            return KeyTerm(name, "begins_with", (prefix,))
    raise ExpressionError("Query key condition not supported")


def _members(members: Item, tree: dict[Any, Any]) -> Item:
    return {
        name: part
        for name, branch in tree.items()
        if name in members and (part := _pruned(members[name], branch) if branch else members[name])
    }


def _pruned(value: Value, tree: dict[Any, Any]) -> Value:
    """The selected parts of a map or a list, or nothing if it has none of them."""
    if "M" in value:
        members = _members(value["M"], tree)
        return {"M": members} if members else {}
    elements = value.get("L", [])
    indexes = sorted(index for index in tree if isinstance(index, int) and index < len(elements))
    parts = [
        _pruned(elements[index], tree[index]) if tree[index] else elements[index]
        for index in indexes
    ]
    parts = [part for part in parts if part]
    return {"L": parts} if parts else {}
