"""The Amazon States Language, as far as the deployed definitions use it.

A definition is compiled into states. Only JSONPath states are supported. Anything else in a
definition is refused with NotImplementedError when it is compiled.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from tests.simulation.services.asl_expressions import (
    DATA_LIMIT,
    RUNTIME,
    TIMEOUT,
    Expression,
    constant,
    inserter,
    only,
    path,
    path_or_nothing,
    rule,
    template,
    whole,
)

SEND, SEND_AND_WAIT = (
    "arn:aws:states:::sqs:sendMessage",
    "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
)
INVOKE = "arn:aws:states:::lambda:invoke"
GET_ITEM = "arn:aws:states:::dynamodb:getItem"


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
    """Where to continue after an error. `insert` puts the error output into the state's input."""

    errors: frozenset[str]
    insert: Callable[[Any, Any], Any]
    next: str


@dataclass(frozen=True, slots=True)
class State:
    """One state. Which of the fields after the retriers are set depends on its kind.

    `arguments` computes Parameters from the effective input. `result` applies ResultSelector to a
    raw result. `insert` applies ResultPath to input and result.
    """

    name: str
    kind: str
    next: str | None
    input: Expression
    arguments: Expression
    result: Expression
    insert: Callable[[Any, Any], Any]
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


def compile_express(definition: dict[str, Any]) -> Graph:
    """Compile the definition of an Express state machine.

    Raises ValueError for what Express does not support: task tokens and distributed Maps.
    """
    graph = compile_graph(definition)
    for state in graph.states.values():
        if state.resource == SEND_AND_WAIT or state.distributed:
            raise ValueError(f"{state.name} is not supported by Express state machines")
    return graph


def compile_graph(definition: dict[str, Any]) -> Graph:
    """Compile a state machine's definition or a Map's ItemProcessor.

    Raises NotImplementedError for anything that is not interpreted.
    """
    only(definition, {"StartAt", "States", "Comment", "ProcessorConfig"}, "state machine")
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
    only(state, _FIELDS[kind], name)
    if kind in ("Task", "Map", "Pass", "Wait") and (state.get("End") is True) is ("Next" in state):
        raise ValueError(f"{name} must have either Next or End")
    return State(
        name,
        kind,
        state.get("Next"),
        input=path_or_nothing(state.get("InputPath", "$")),
        arguments=template(state["Parameters"]) if "Parameters" in state else whole,
        result=template(state["ResultSelector"]) if "ResultSelector" in state else whole,
        insert=inserter(state.get("ResultPath", "$")),
        output=path_or_nothing(state.get("OutputPath", "$")),
        retriers=tuple(_retrier(retrier) for retrier in _all_last(name, state.get("Retry", []))),
        catchers=tuple(_catcher(catcher) for catcher in _all_last(name, state.get("Catch", []))),
        **_OF_KIND[kind](name, state),
    )


def _task(name: str, state: dict[str, Any]) -> dict[str, Any]:
    if state["Resource"] not in (SEND, SEND_AND_WAIT, INVOKE, GET_ITEM):
        raise NotImplementedError(f"{name}: {state['Resource']}")
    if state["Resource"] == INVOKE:
        only(state["Parameters"], {"FunctionName", "FunctionName.$", "Payload", "Payload.$"}, name)
    if "TimeoutSecondsPath" in state:
        if "TimeoutSeconds" in state or "InputPath" in state:
            raise NotImplementedError(
                f"{name}: TimeoutSecondsPath beside TimeoutSeconds or InputPath"
            )
        return {"resource": state["Resource"], "timeout": path(state["TimeoutSecondsPath"])}
    return {
        "resource": state["Resource"],
        "timeout": constant(state["TimeoutSeconds"]) if "TimeoutSeconds" in state else None,
    }


def _map(name: str, state: dict[str, Any]) -> dict[str, Any]:
    config = state["ItemProcessor"].get("ProcessorConfig", {})
    only(config, {"Mode", "ExecutionType"}, f"{name}'s ProcessorConfig")
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
        else constant(state["Seconds"])
    }


def _choice(name: str, state: dict[str, Any]) -> dict[str, Any]:
    choices = tuple((rule(choice, {"Next"}), choice["Next"]) for choice in state["Choices"])
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
    only(retrier, known, "a retrier")
    return Retrier(
        frozenset(retrier["ErrorEquals"]),
        retrier.get("IntervalSeconds", 1),
        retrier.get("BackoffRate", 2.0),
        retrier.get("MaxAttempts", 3),
        retrier.get("MaxDelaySeconds", float("inf")),
        retrier.get("JitterStrategy", "NONE") == "FULL",
    )


def _catcher(catcher: dict[str, Any]) -> Catcher:
    only(catcher, {"ErrorEquals", "Comment", "ResultPath", "Next"}, "a catcher")
    return Catcher(
        frozenset(catcher["ErrorEquals"]), inserter(catcher.get("ResultPath", "$")), catcher["Next"]
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
