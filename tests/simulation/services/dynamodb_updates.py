"""Update expressions, compiled to functions, which are cached by the text of the expression.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from tests.simulation.services.dynamodb_conditions import (
    Environment,
    Getter,
    Steps,
    getter,
    overlap,
    placeholders_of,
    resolve,
    value_at,
)
from tests.simulation.services.dynamodb_syntax import ExpressionError, Parser, Path
from tests.simulation.services.dynamodb_values import Item, Value, added, invalid, united, without

Evaluation = Callable[[Item, Environment], Value]
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


@dataclass(frozen=True)
class Action:
    """The change of one path. `value` is the value of SET or the operand of ADD and DELETE."""

    clause: str
    path: Path
    value: Evaluation | None = None


@dataclass(frozen=True)
class CompiledUpdate:
    """An update: its actions in the order in which they are applied."""

    actions: tuple[Action, ...]
    placeholders: frozenset[str]

    def paths(self, environment: Environment) -> list[Steps]:
        """The updated paths. Raises ExpressionError if two of them overlap."""
        paths = [resolve(action.path.steps, environment) for action in self.actions]
        if len({path[0] for path in paths}) < len(paths) and overlap(paths):
            raise ExpressionError(
                "Two document paths overlap with each other; must remove or rewrite one of these "
                "paths"
            )
        return paths

    def apply(self, item: Item, paths: Sequence[Steps], environment: Environment) -> Item:
        """The item afterwards. All values come from the item before. Raises ServiceError."""
        changes = [
            (path, _new_value(action, path, item, environment))
            for action, path in zip(self.actions, paths, strict=True)
        ]
        after = dict(item)
        removals = []
        for path, value in changes:
            if value is None:
                removals.append(path)
            elif len(path) == 1:
                after[str(path[0])] = value
            else:
                after = _changed({"M": after}, path, value)["M"]
        for path in sorted(
            removals, key=lambda path: [(isinstance(s, str), s) for s in path], reverse=True
        ):
            after = _changed({"M": after}, path, None)["M"]
        return after


@lru_cache(4096)
def update(text: str) -> CompiledUpdate:
    """Compile an update. Raises ExpressionError."""
    return _UpdateParser(text).update()


class _UpdateParser(Parser):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._placeholders: set[str] = set()

    def update(self) -> CompiledUpdate:
        actions: dict[str, tuple[Action, ...]] = {}
        while self.token:
            clause = self.keyword
            if clause not in _CLAUSES:
                raise self.error()
            if clause in actions:
                raise ExpressionError(
                    f'The "{clause}" section can only be used once in an update expression;'
                )
            self.take()
            actions[clause] = self.listed(partial(self._action, clause))
        every = tuple(action for each in actions.values() for action in each)
        self._placeholders |= placeholders_of(action.path for action in every)
        return CompiledUpdate(every, frozenset(self._placeholders))

    def _action(self, clause: str) -> Action:
        path = self.path()
        if clause == "REMOVE":
            return Action(clause, path)
        if clause == "SET":
            self.expect("=")
            return Action(clause, path, self._sum())
        return Action(clause, path, self._value())

    def _sum(self) -> Evaluation:
        left = self._set_operand()
        if self.token not in ("+", "-"):
            return left
        sign = 1 if self.take() == "+" else -1
        right = self._set_operand()
        return lambda item, environment: added(
            left(item, environment), right(item, environment), sign
        )

    def _set_operand(self) -> Evaluation:
        if self.token.startswith(":"):
            return self._value()
        if not self.is_call():
            return _existing(self._read())
        name = self.take()
        self.expect("(")
        if name == "if_not_exists":
            operand = self._if_not_exists()
        elif name == "list_append":
            operand = self._list_append()
        else:
            raise ExpressionError(f"Invalid function name; function: {name}")
        self.expect(")")
        return operand

    def _if_not_exists(self) -> Evaluation:
        read = self._read()
        self.expect(",")
        otherwise = self._set_operand()

        def value(item: Item, environment: Environment) -> Value:
            found = read(item, environment)
            return otherwise(item, environment) if found is None else found

        return value

    def _list_append(self) -> Evaluation:
        first = self._set_operand()
        self.expect(",")
        second = self._set_operand()

        def value(item: Item, environment: Environment) -> Value:
            head, tail = first(item, environment), second(item, environment)
            if "L" not in head or "L" not in tail:
                raise invalid("An operand in the update expression has an incorrect data type")
            return {"L": [*head["L"], *tail["L"]]}

        return value

    def _read(self) -> Getter:
        path = self.path()
        self._placeholders |= placeholders_of([path])
        return getter(path)

    def _value(self) -> Evaluation:
        placeholder = self.literal().placeholder
        self._placeholders.add(placeholder)
        return lambda item, environment: environment[placeholder]


def _existing(read: Getter) -> Evaluation:
    def value(item: Item, environment: Environment) -> Value:
        found = read(item, environment)
        if found is None:
            raise invalid(
                "The provided expression refers to an attribute that does not exist in the item"
            )
        return found

    return value


def _new_value(action: Action, path: Steps, item: Item, environment: Environment) -> Value | None:
    if action.value is None:
        return None
    value = action.value(item, environment)
    if action.clause == "SET":
        return value
    before = value_at(path, item)
    if action.clause == "DELETE":
        return without(before, value) if before else without(value, value)
    if "N" in value:
        return added(before or {"N": "0"}, value)
    return united(before or value, value)


def _changed(whole: Value, path: Steps, value: Value | None) -> Value:
    """A copy of a map or list with another value at a path, or without one."""
    step, rest = path[0], path[1:]
    if isinstance(step, str) and "M" in whole:
        members = dict(whole["M"])
        if rest:
            members[step] = _changed(members.get(step, {}), rest, value)
        elif value is None:
            members.pop(step, None)
        else:
            members[step] = value
        return {"M": members}
    if isinstance(step, int) and "L" in whole:
        elements = list(whole["L"])
        if rest:
            elements[step : step + 1] = [
                _changed((elements[step : step + 1] or [{}])[0], rest, value)
            ]
        else:
            elements[step : step + 1] = [] if value is None else [value]
        return {"L": elements}
    raise invalid("The document path provided in the update expression is invalid for update")
