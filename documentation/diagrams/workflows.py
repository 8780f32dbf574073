"""The workflows, drawn from their definitions."""

import json
from collections.abc import Iterator
from typing import Any

from documentation.markdown import mermaid
from documentation.places import ROOT

State = dict[str, Any]
SERVICES = {
    "sqs:sendMessage": "send",
    "lambda:invoke": "invoke",
    "dynamodb:getItem": "read",
}
"""How a task's resource reads in a diagram."""


def definition(name: str) -> dict[str, Any]:
    """The definition of a workflow, as it is deployed."""
    path = ROOT / "infra" / "workflows" / f"{name.replace('-', '_')}.asl.json"
    parsed: dict[str, Any] = json.loads(path.read_text())
    return parsed


def diagram(name: str) -> str:
    """All states of a workflow, how they follow each other, and what is caught."""
    return mermaid("stateDiagram-v2", *_machine(definition(name), "    "))


def _machine(machine: dict[str, Any], indent: str) -> Iterator[str]:
    yield f"{indent}[*] --> {machine['StartAt']}"
    for name, state in machine["States"].items():
        yield from _state(name, state, indent)


def _state(name: str, state: State, indent: str) -> Iterator[str]:
    if state["Type"] == "Choice":
        yield f"{indent}state {name} <<choice>>"
    elif doing := _doing(state):
        yield f'{indent}state "{name}<br/>{doing}" as {name}'
    for target, label in _next(name, state):
        yield f"{indent}{name} --> {target}{f' : {label}' if label else ''}"


def _doing(state: State) -> str:
    """What a task does, and with whom."""
    service = state.get("Resource", "").rpartition(":::")[2]
    if service not in SERVICES:
        return ""
    parameters = state["Parameters"]
    names = ("QueueUrl", "FunctionName", "TableName")
    target = next(parameters[name] for name in names if name in parameters)
    return f"{SERVICES[service]} ({target.strip('${}')})"


def _next(name: str, state: State) -> Iterator[tuple[str, str]]:
    if state.get("End") or state["Type"] in ("Succeed", "Fail"):
        yield "[*]", ""
    if "Next" in state:
        yield state["Next"], ""
    for choice in state.get("Choices", ()):
        yield choice["Next"], _condition(choice)
    if "Default" in state:
        yield state["Default"], "else"
    for catch in state.get("Catch", ()):
        errors = ", ".join(catch["ErrorEquals"])
        yield catch["Next"], "any error" if errors == "States.ALL" else errors


def _condition(choice: State) -> str:
    if "Or" in choice:
        return " or ".join(map(_condition, choice["Or"]))
    variable = choice["Variable"].removeprefix("$.")
    operator, value = next((k, v) for k, v in choice.items() if k not in ("Variable", "Next"))
    return f"{variable} {operator} {json.dumps(value)}"
