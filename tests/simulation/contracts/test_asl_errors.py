"""The Amazon States Language: retriers, catchers, time-outs and limits."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.simulation.contracts.state_machines import run, simulated, task
from tests.simulation.contracts.timeline import Workflows
from tests.simulation.services import asl


def test_every_retrier_counts_for_itself_and_only_the_first_that_is_for_an_error_is_asked() -> None:
    retry = [
        {"ErrorEquals": ["A", "B"], "IntervalSeconds": 1, "MaxAttempts": 2},
        {"ErrorEquals": ["C"], "IntervalSeconds": 5, "MaxAttempts": 1},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 9},
    ]
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}]
    world, described, path = run(task(Retry=retry, Catch=catch), "A", "B", "C", "B")
    assert path == ["Task", "Caught"]
    assert json.loads(described["output"]) == {"a": 1, "error": {"Error": "B", "Cause": "cause"}}
    history = world.steps.call("GetExecutionHistory", {"executionArn": described["executionArn"]})[
        "events"
    ]
    failed = [event["timestamp"].timestamp() for event in history if event["type"] == "TaskFailed"]
    assert [round(later - earlier, 3) for earlier, later in pairwise(failed)] == [1.1, 2.1, 5.1]


def test_no_attempts_means_no_retry() -> None:
    retry = [{"ErrorEquals": ["A"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}]
    _, described, path = run(task(Retry=retry), "A")
    assert (described["status"], described["error"], path) == ("FAILED", "A", ["Task"])


def test_pauses_double_up_to_the_longest() -> None:
    retry = [
        {
            "ErrorEquals": ["States.ALL"],
            "IntervalSeconds": 2,
            "BackoffRate": 3,
            "MaxDelaySeconds": 10,
            "MaxAttempts": 4,
        }
    ]
    world, described, _ = run(task(Retry=retry), "A", "A", "A", "A", {"done": True})
    history = world.steps.call("GetExecutionHistory", {"executionArn": described["executionArn"]})[
        "events"
    ]
    failed = [event["timestamp"].timestamp() for event in history if event["type"] == "TaskFailed"]
    assert [round(later - earlier - 0.1) for earlier, later in pairwise(failed)] == [2, 6, 10]
    assert described["status"] == "SUCCEEDED"


def test_an_answer_after_the_timeout_is_ignored() -> None:
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "Caught"}]
    world = Workflows()
    late: list[Callable[[Any, Any], None]] = []
    world.steps.invoke_function = lambda name, payload, done: late.append(done)
    execution = world.start(
        world.steps.create_state_machine("machine", task(TimeoutSeconds=5, Catch=catch)), {}
    )
    assert world.described(execution, 10)["status"] == "SUCCEEDED"
    late[0]({"late": True}, None)
    assert world.path(execution) == ["Task", "Caught"]


@pytest.mark.parametrize(
    ("errors", "error", "caught"),
    [
        (["States.ALL"], "Any", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.ALL"], "States.Runtime", False),
        (["States.TaskFailed"], "Any", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
        (["States.Runtime"], "States.Runtime", False),
        (["Other", "Any"], "Any", True),
        (["Other"], "Any", False),
    ],
)
def test_wildcards(errors: list[str], error: str, caught: bool) -> None:
    assert asl.matches(errors, error) is caught


@pytest.mark.parametrize("large", ["result", "message"])
def test_what_is_larger_than_256_kib_fails_the_execution_uncaught(large: str) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    if large == "result":
        _, described, _ = run(task(Catch=catch), {"x": "y" * 262_144})
    else:
        parameters = {"MessageBody": {"once.$": "$.x", "twice.$": "$.x"}}
        send = {"Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": parameters}
        described = simulated(task(Catch=catch, **send), {"x": "y" * 131_072})
    assert (described["status"], described["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_a_loop_without_end_meets_the_limit_of_the_history() -> None:
    world = Workflows()
    loop = {"StartAt": "Again", "States": {"Again": {"Type": "Pass", "Next": "Again"}}}
    execution = world.start(world.steps.create_state_machine("loop", loop), {})
    assert world.described(execution, 60)["status"] == "RUNNING"
    described = world.described(execution, 3_600)
    assert (described["status"], described["error"]) == ("FAILED", "States.Runtime")
