"""Expressions of the Amazon States Language, compiled to functions.

They are paths, payload templates, choice rules and result paths.
"""

import operator
import re
from collections.abc import Callable, Collection
from typing import Any

Context = dict[str, Any]
"""The context object `$$`: Execution, StateMachine, State and, where they apply, Task and Map."""
Expression = Callable[[Any, Context], Any]
"""Computes a value from a state's input and the context object."""
RUNTIME, DATA_LIMIT, TIMEOUT = "States.Runtime", "States.DataLimitExceeded", "States.Timeout"
_CONTEXT = re.compile(
    r"\$\$\.(Execution\.(Id|Name|StartTime|Input)|StateMachine\.(Id|Name)"
    r"|State\.(Name|RetryCount)|Task\.Token|Map\.Item\.(Index|Value))\b"
)
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]|\['([^']+)'\]")


class StatesError(Exception):
    """An error that a state reports: its name and its cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


def path(text: str) -> Expression:
    """A reference path into the input (`$.a.b[0]`) or the context object (`$$.Execution.Name`)."""
    of_context = text.startswith("$$")
    if of_context and not _CONTEXT.match(text):
        raise NotImplementedError(f"context object {text}")
    steps, position = [], 2 if of_context else 1
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None or not text.startswith("$"):
            raise NotImplementedError(f"path {text}")
        name, index, quoted = step.groups()
        steps.append(name or quoted if index is None else int(index))
        position = step.end()

    def value(data: Any, context: Context) -> Any:
        found: Any = context if of_context else data
        try:
            for step in steps:
                found = found[step]
        except (KeyError, IndexError, TypeError):
            raise StatesError(
                RUNTIME, f"The JSONPath '{text}' could not be found in the input"
            ) from None
        return found

    if not text.startswith("$"):
        raise NotImplementedError(f"path {text}")
    return value


def template(value: Any) -> Expression:
    """A payload template. Fields whose names end in `.$` are paths."""
    if isinstance(value, list):
        elements = [template(element) for element in value]
        return lambda data, context: [element(data, context) for element in elements]
    if not isinstance(value, dict):
        return constant(value)
    fields = [
        (name[:-2], path(field)) if name.endswith(".$") else (name, template(field))
        for name, field in value.items()
    ]
    return lambda data, context: {name: field(data, context) for name, field in fields}


_COMPARISONS: dict[str, tuple[type | tuple[type, ...], Callable[[Any, Any], bool]]] = {
    "StringEquals": (str, operator.eq),
    "BooleanEquals": (bool, operator.eq),
    "NumericEquals": ((int, float), operator.eq),
    "NumericLessThan": ((int, float), operator.lt),
    "NumericLessThanEquals": ((int, float), operator.le),
    "NumericGreaterThan": ((int, float), operator.gt),
    "NumericGreaterThanEquals": ((int, float), operator.ge),
}


def rule(content: dict[str, Any], also: set[str]) -> Expression:
    """A choice rule, which may have the fields `also`."""
    if "And" in content or "Or" in content:
        name = "And" if "And" in content else "Or"
        only(content, {name, "Comment"} | also, "a choice rule")
        parts, decide = [rule(part, set()) for part in content[name]], all if name == "And" else any
        return lambda data, context: decide(part(data, context) for part in parts)
    if "Not" in content:
        only(content, {"Not", "Comment"} | also, "a choice rule")
        negated = rule(content["Not"], set())
        return lambda data, context: not negated(data, context)
    [comparison] = content.keys() - {"Variable", "Comment"} - also
    variable, operand = path(content["Variable"]), content[comparison]
    if comparison == "IsNull":
        return lambda data, context: (variable(data, context) is None) is operand
    if comparison == "IsPresent":
        return lambda data, context: _is_present(variable, data, context) is operand
    if comparison not in _COMPARISONS:
        raise NotImplementedError(f"choice rule {comparison}")
    types, compare = _COMPARISONS[comparison]
    return lambda data, context: _compare(variable(data, context), operand, types, compare)


def _compare(
    value: Any, operand: Any, types: type | tuple[type, ...], compare: Callable[[Any, Any], bool]
) -> bool:
    """A value of another type matches nothing. A boolean is not a number."""
    return (
        isinstance(value, types)
        and isinstance(value, bool) is isinstance(operand, bool)
        and compare(value, operand)
    )


def _is_present(variable: Expression, data: Any, context: Context) -> bool:
    try:
        variable(data, context)
    except StatesError:
        return False
    return True


def inserter(result_path: str | None) -> Callable[[Any, Any], Any]:
    """A function that applies ResultPath.

    The result replaces the input, is dropped, or is inserted into the input at a path.
    """
    if result_path is None:
        return lambda data, result: data
    if result_path == "$":
        return lambda data, result: result
    names = result_path.split(".")
    if names[0] != "$" or any(not name.isidentifier() for name in names[1:]):
        raise NotImplementedError(f"ResultPath {result_path}")

    def insert(data: Any, result: Any) -> Any:
        return _with(data, names[1:], result)

    return insert


def _with(data: Any, names: list[str], result: Any) -> Any:
    if not names:
        return result
    if not isinstance(data, dict):
        raise StatesError(
            "States.ResultPathMatchFailure", f"No place for {names[0]} in what is no object"
        )
    return {**data, names[0]: _with(data.get(names[0], {}), names[1:], result)}


def path_or_nothing(text: str | None) -> Expression:
    """InputPath or OutputPath. Null selects an empty object."""
    if text is None:
        return lambda data, context: {}
    return whole if text == "$" else path(text)


def whole(data: Any, context: Context) -> Any:
    """The expression of the whole input."""
    return data


def constant(value: Any) -> Expression:
    return lambda data, context: value


def only(content: dict[str, Any], known: Collection[str], where: str) -> None:
    """Raise NotImplementedError for unknown fields."""
    if unknown := content.keys() - set(known):
        raise NotImplementedError(f"{where}: {', '.join(sorted(unknown))}")
