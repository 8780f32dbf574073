"""State machines for the suites of the Amazon States Language, and runs of them."""

from typing import Any

from tests.simulation.contracts.timeline import Workflows


def simulated(definition: dict[str, Any], content: Any) -> Any:
    """The description of the execution after its end."""
    world = Workflows()
    return world.described(
        world.start(world.steps.create_state_machine("machine", definition), content), 60
    )


def one(**state: Any) -> dict[str, Any]:
    """A state machine of one state, which is a Pass by default."""
    return {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True, **state}}}


def task(**state: Any) -> dict[str, Any]:
    """A state machine that calls a function. It succeeds or ends in Caught."""
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "f", "Payload.$": "$"},
        "Next": "Done",
        **state,
    }
    ends = {"Done": {"Type": "Succeed"}, "Caught": {"Type": "Succeed"}}
    return {"StartAt": "Task", "States": {"Task": invoke, **ends}}


def run(
    machine: dict[str, Any], *outcomes: Any, seconds: float = 300
) -> tuple[Workflows, dict[str, Any], list[str]]:
    """Run a state machine. Each call of its function fails or returns as told."""
    world, left = Workflows(), list(outcomes)

    def function(payload: Any) -> Any:
        outcome = left.pop(0)
        if isinstance(outcome, str):
            raise type(outcome, (Exception,), {})("cause")
        return outcome

    world.functions["f"] = function
    execution = world.start(world.steps.create_state_machine("machine", machine), {"a": 1})
    return world, world.described(execution, seconds), world.path(execution)
