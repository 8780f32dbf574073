"""The Amazon States Language, as far as the deployed definitions use it.

A definition is compiled into states. Only JSONPath states are supported. Anything else in a
definition is refused with NotImplementedError when it is compiled.
"""

import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

Context = dict[str, Any]
"""The context object `$$`: Execution, StateMachine, State and, where they apply, Task and Map."""
Expression = Callable[[Any, Context], Any]
"""Computes a value from a state's input and the context object."""

RUNTIME, DATA_LIMIT, TIMEOUT = "States.Runtime", "States.DataLimitExceeded", "States.Timeout"
SEND, SEND_AND_WAIT = (
    "arn:aws:states:::sqs:sendMessage",
    "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
)
INVOKE = "arn:aws:states:::lambda:invoke"
_CONTEXT = re.compile(
    r"\$\$\.(Execution\.(Id|Name|StartTime|Input)|StateMachine\.(Id|Name)|State\.(Name|RetryCount)|Task\.Token|Map\.Item\.(Index|Value))\b"
)
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]|\['([^']+)'\]")


class StatesError(Exception):
    """An error that a state reports: its name and its cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


@dataclass(frozen=True, slots=True)
class Retrier:
    """Retry with exponential backoff. `max_delay` caps the pause before jitter is applied."""

    errors: frozenset[str]
    interval: float
    backoff_rate: float
    max_attempts: int
    max_delay: float
    full_jitter: bool


@dataclass(frozen=True, slots=True)
class Catcher:
    """Where to continue after an error. `place` puts the error output into the state's input."""

    errors: frozenset[str]
    place: Callable[[Any, Any], Any]
    next: str


@dataclass(frozen=True, slots=True)
class State:
    """One state. Which of the fields after the retriers are set depends on its kind.

    `arguments` computes Parameters from the effective input. `result` applies ResultSelector to a
    raw result. `place` applies ResultPath to input and result.
    """

    name: str
    kind: str
    next: str | None
    input: Expression
    arguments: Expression
    result: Expression
    place: Callable[[Any, Any], Any]
    output: Expression
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()
    resource: str = ""
    timeout: Expression | None = None
    choices: tuple[tuple[Expression, str], ...] = ()
    default: str | None = None
    seconds: Expression | None = None
    error: str = ""
    cause: str = ""
    constant: tuple[Any, ...] = ()
    items: Expression | None = None
    item: Expression | None = None
    processor: "Graph | None" = None
    distributed: bool = False
    label: str = ""
    max_concurrency: int = 0
    tolerated_failure_percentage: float = 0.0


@dataclass(frozen=True, slots=True)
class Graph:
    """The states of a state machine or of a Map's item processor, and where they start."""

    start_at: str
    states: dict[str, State]


def compile_graph(definition: dict[str, Any]) -> Graph:
    """Compile a state machine's definition or a Map's ItemProcessor.

    Raises NotImplementedError for anything that is not interpreted.
    """
    _only(definition, {"StartAt", "States", "Comment", "ProcessorConfig"}, "state machine")
    states = {name: _state(name, state) for name, state in definition["States"].items()}
    for state in states.values():
        targets = [state.next, state.default, *(target for _, target in state.choices)]
        for target in [*targets, *(catcher.next for catcher in state.catchers)]:
            if target is not None and target not in states:
                raise ValueError(f"{state.name} goes on to {target}, which is no state")
    if definition["StartAt"] not in states:
        raise ValueError(f"starts at {definition['StartAt']}, which is no state")
    return Graph(definition["StartAt"], states)


_FLOW = {"Type", "Comment", "InputPath", "OutputPath"}
_STEPS = _FLOW | {"Next", "End"}
_WORK = _STEPS | {"Parameters", "ResultSelector", "ResultPath", "Retry", "Catch"}
_FIELDS = {
    "Task": _WORK | {"Resource", "TimeoutSeconds", "TimeoutSecondsPath"},
    "Map": (_WORK - {"Parameters"})
    | {
        "ItemsPath",
        "ItemSelector",
        "ItemProcessor",
        "MaxConcurrency",
        "ToleratedFailurePercentage",
        "Label",
    },
    "Pass": _STEPS | {"Result", "Parameters", "ResultPath"},
    "Wait": _STEPS | {"Seconds", "SecondsPath"},
    "Choice": _FLOW | {"Choices", "Default"},
    "Succeed": _FLOW,
    "Fail": {"Type", "Comment", "Error", "Cause"},
}


def _state(name: str, state: dict[str, Any]) -> State:
    kind = state["Type"]
    if kind not in _FIELDS:
        raise NotImplementedError(f"{name}: a {kind} state")
    _only(state, _FIELDS[kind], name)
    if kind in ("Task", "Map", "Pass", "Wait") and (state.get("End") is True) is ("Next" in state):
        raise ValueError(f"{name} must have either Next or End")
    return State(
        name,
        kind,
        state.get("Next"),
        input=_path_or_nothing(state.get("InputPath", "$")),
        arguments=template(state["Parameters"]) if "Parameters" in state else _whole,
        result=template(state["ResultSelector"]) if "ResultSelector" in state else _whole,
        place=_placing(state.get("ResultPath", "$")),
        output=_path_or_nothing(state.get("OutputPath", "$")),
        retriers=tuple(_retrier(retrier) for retrier in _all_last(name, state.get("Retry", []))),
        catchers=tuple(_catcher(catcher) for catcher in _all_last(name, state.get("Catch", []))),
        **_OF_KIND[kind](name, state),
    )


def _task(name: str, state: dict[str, Any]) -> dict[str, Any]:
    if state["Resource"] not in (SEND, SEND_AND_WAIT, INVOKE):
        raise NotImplementedError(f"{name}: {state['Resource']}")
    if state["Resource"] == INVOKE:
        _only(state["Parameters"], {"FunctionName", "FunctionName.$", "Payload", "Payload.$"}, name)
    if "TimeoutSecondsPath" in state:
        if "TimeoutSeconds" in state or "InputPath" in state:
            raise NotImplementedError(
                f"{name}: TimeoutSecondsPath beside TimeoutSeconds or InputPath"
            )
        return {"resource": state["Resource"], "timeout": path(state["TimeoutSecondsPath"])}
    return {
        "resource": state["Resource"],
        "timeout": _constant(state["TimeoutSeconds"]) if "TimeoutSeconds" in state else None,
    }


def _map(name: str, state: dict[str, Any]) -> dict[str, Any]:
    config = state["ItemProcessor"].get("ProcessorConfig", {})
    _only(config, {"Mode", "ExecutionType"}, f"{name}'s ProcessorConfig")
    distributed = config.get("Mode", "INLINE") == "DISTRIBUTED"
    if config.get("ExecutionType", "STANDARD") != "STANDARD":
        raise NotImplementedError(f"{name}: children of type {config['ExecutionType']}")
    if not distributed and ("Label" in state or "ToleratedFailurePercentage" in state):
        raise ValueError(f"{name}: Label and ToleratedFailurePercentage are of a distributed Map")
    return {
        "items": path(state.get("ItemsPath", "$")),
        "item": template(state["ItemSelector"])
        if "ItemSelector" in state
        else path("$$.Map.Item.Value"),
        "processor": compile_graph(state["ItemProcessor"]),
        "distributed": distributed,
        "label": state.get("Label", name),
        "max_concurrency": state.get("MaxConcurrency", 0),
        "tolerated_failure_percentage": state.get("ToleratedFailurePercentage", 0),
    }


def _wait(name: str, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "seconds": path(state["SecondsPath"])
        if "SecondsPath" in state
        else _constant(state["Seconds"])
    }


def _choice(name: str, state: dict[str, Any]) -> dict[str, Any]:
    choices = tuple((_rule(choice, {"Next"}), choice["Next"]) for choice in state["Choices"])
    return {"choices": choices, "default": state.get("Default")}


_OF_KIND: dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]] = {
    "Task": _task,
    "Map": _map,
    "Wait": _wait,
    "Choice": _choice,
    "Pass": lambda name, state: {"constant": (state["Result"],) if "Result" in state else ()},
    "Succeed": lambda name, state: {},
    "Fail": lambda name, state: {"error": state.get("Error", ""), "cause": state.get("Cause", "")},
}


def _all_last(name: str, handlers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for position, handler in enumerate(handlers, 1):
        alone_and_last = len(handler["ErrorEquals"]) == 1 and position == len(handlers)
        if "States.ALL" in handler["ErrorEquals"] and not alone_and_last:
            raise ValueError(f"{name}: States.ALL must stand alone and last")
    return handlers


def _retrier(retrier: dict[str, Any]) -> Retrier:
    known = {
        "ErrorEquals",
        "Comment",
        "IntervalSeconds",
        "BackoffRate",
        "MaxAttempts",
        "MaxDelaySeconds",
        "JitterStrategy",
    }
    _only(retrier, known, "a retrier")
    return Retrier(
        frozenset(retrier["ErrorEquals"]),
        retrier.get("IntervalSeconds", 1),
        retrier.get("BackoffRate", 2.0),
        retrier.get("MaxAttempts", 3),
        retrier.get("MaxDelaySeconds", float("inf")),
        retrier.get("JitterStrategy", "NONE") == "FULL",
    )


def _catcher(catcher: dict[str, Any]) -> Catcher:
    _only(catcher, {"ErrorEquals", "Comment", "ResultPath", "Next"}, "a catcher")
    return Catcher(
        frozenset(catcher["ErrorEquals"]), _placing(catcher.get("ResultPath", "$")), catcher["Next"]
    )


def matches(errors: Collection[str], error: str) -> bool:
    """Whether a retrier or catcher applies to an error.

    States.Runtime always fails the execution. Neither wildcard matches States.DataLimitExceeded,
    and States.TaskFailed does not match States.Timeout. (Step Functions Developer Guide, "Handling
    errors")
    """
    if error == RUNTIME:
        return False
    if error in errors:
        return True
    if error == DATA_LIMIT:
        return False
    return "States.ALL" in errors or ("States.TaskFailed" in errors and error != TIMEOUT)


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
        return _constant(value)
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


def _rule(rule: dict[str, Any], also: set[str]) -> Expression:
    if "And" in rule or "Or" in rule:
        name = "And" if "And" in rule else "Or"
        _only(rule, {name, "Comment"} | also, "a choice rule")
        parts, decide = [_rule(part, set()) for part in rule[name]], all if name == "And" else any
        return lambda data, context: decide(part(data, context) for part in parts)
    if "Not" in rule:
        _only(rule, {"Not", "Comment"} | also, "a choice rule")
        negated = _rule(rule["Not"], set())
        return lambda data, context: not negated(data, context)
    [comparison] = rule.keys() - {"Variable", "Comment"} - also
    variable, operand = path(rule["Variable"]), rule[comparison]
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


def _placing(result_path: str | None) -> Callable[[Any, Any], Any]:
    """Apply ResultPath.

    The result replaces the input, is dropped, or is inserted into the input at a path.
    """
    if result_path is None:
        return lambda data, result: data
    if result_path == "$":
        return lambda data, result: result
    names = result_path.split(".")
    if names[0] != "$" or any(not name.isidentifier() for name in names[1:]):
        raise NotImplementedError(f"ResultPath {result_path}")

    def place(data: Any, result: Any) -> Any:
        return _with(data, names[1:], result)

    return place


def _with(data: Any, names: list[str], result: Any) -> Any:
    if not names:
        return result
    if not isinstance(data, dict):
        raise StatesError(
            "States.ResultPathMatchFailure", f"No place for {names[0]} in what is no object"
        )
    return {**data, names[0]: _with(data.get(names[0], {}), names[1:], result)}


def _path_or_nothing(text: str | None) -> Expression:
    if text is None:
        return lambda data, context: {}
    return _whole if text == "$" else path(text)


def _whole(data: Any, context: Context) -> Any:
    return data


def _constant(value: Any) -> Expression:
    return lambda data, context: value


def _only(content: dict[str, Any], known: Collection[str], where: str) -> None:
    if unknown := content.keys() - set(known):
        raise NotImplementedError(f"{where}: {', '.join(sorted(unknown))}")
