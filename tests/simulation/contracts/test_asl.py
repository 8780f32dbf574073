"""The Amazon States Language: how states process their input.

The simulated service and the local AWS run the same state machines.
"""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from local.aws_client import aws_client
from tests.simulation.contracts.state_machines import one, run, simulated, task
from tests.simulation.contracts.timeline import Workflows

ROLE = "arn:aws:iam::000000000000:role/any"
PATIENCE_SECONDS = 120
Walk = Callable[[dict[str, Any], Any], Any]
INPUT = {"a": {"b": [{"c": 1}, {"c": 2}]}, "text": "x", "none": None, "yes": True, "number": 5}


def on_local_aws(client: Any, definition: dict[str, Any], content: Any) -> Any:
    """The description of the execution after its end."""
    created = client.create_state_machine(
        name=str(uuid4()), definition=json.dumps(definition), roleArn=ROLE
    )
    started = client.start_execution(
        stateMachineArn=created["stateMachineArn"], name="one", input=json.dumps(content)
    )
    for _ in range(PATIENCE_SECONDS * 20):
        described = client.describe_execution(executionArn=started["executionArn"])
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.05)
    raise AssertionError("still running")


@pytest.fixture(params=["simulated", "local"])
def walk(request: pytest.FixtureRequest) -> Walk:
    if request.param == "simulated":
        return simulated
    client = aws_client(request.getfixturevalue("local_aws"), "stepfunctions")
    return lambda definition, content: on_local_aws(client, definition, content)


def without_local(reason: str) -> pytest.MarkDecorator:
    """Leave the local AWS out of a test, for a reason."""
    return pytest.mark.parametrize("walk", ["simulated"], indirect=True)


@pytest.mark.parametrize(
    ("state", "output"),
    [
        ({}, INPUT),
        ({"InputPath": "$.a.b[1]"}, {"c": 2}),
        ({"InputPath": "$['a']['b'][0].c"}, 1),
        ({"InputPath": None}, {}),
        ({"OutputPath": "$.number"}, 5),
        ({"OutputPath": None}, {}),
        ({"Result": {"x.$": "$.text"}}, {"x.$": "$.text"}),
        ({"Result": 7, "ResultPath": "$.seven"}, {**INPUT, "seven": 7}),
        ({"Result": 7, "ResultPath": "$.new.place"}, {**INPUT, "new": {"place": 7}}),
        ({"Result": 7, "ResultPath": "$.a.b", "OutputPath": "$.a"}, {"b": 7}),
        ({"Result": 7, "ResultPath": None}, INPUT),
        ({"InputPath": "$.a", "ResultPath": "$.copy", "OutputPath": "$.copy.b[0]"}, {"c": 1}),
        (
            {
                "Parameters": {
                    "t.$": "$.text",
                    "fixed": ["$.text", {"n.$": "$.number"}],
                    "deep": {"yes.$": "$.yes"},
                }
            },
            {"t": "x", "fixed": ["$.text", {"n": 5}], "deep": {"yes": True}},
        ),
        (
            {
                "InputPath": "$.a",
                "Parameters": {"one.$": "$.b[0].c", "name.$": "$$.Execution.Name"},
            },
            {"one": 1, "name": "one"},
        ),
        (
            {"Parameters": {"state.$": "$$.State.Name", "input.$": "$$.Execution.Input.text"}},
            {"state": "One", "input": "x"},
        ),
    ],
)
def test_paths(walk: Walk, state: dict[str, Any], output: Any) -> None:
    described = walk(one(**state), INPUT)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", output)


@without_local("what is not there is null")
@pytest.mark.parametrize(
    "state", [{"InputPath": "$.missing"}, {"Parameters": {"x.$": "$.a.missing"}}]
)
def test_a_path_that_leads_nowhere_fails_the_execution(walk: Walk, state: dict[str, Any]) -> None:
    described = walk(one(**state), INPUT)
    assert (described["status"], described["error"]) == ("FAILED", "States.Runtime")


def choosing(rule: dict[str, Any]) -> dict[str, Any]:
    """A state machine that succeeds if the rule holds."""
    ends = {"Yes": {"Type": "Succeed"}, "No": {"Type": "Fail", "Error": "No"}}
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"}
    return {"StartAt": "Choose", "States": {"Choose": choice, **ends}}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"Variable": "$.text", "StringEquals": "x"}, True),
        ({"Variable": "$.text", "StringEquals": "y"}, False),
        ({"Variable": "$.number", "StringEquals": "5"}, False),
        ({"Variable": "$.yes", "BooleanEquals": True}, True),
        ({"Variable": "$.yes", "BooleanEquals": False}, False),
        ({"Variable": "$.none", "IsNull": True}, True),
        ({"Variable": "$.text", "IsNull": True}, False),
        ({"Variable": "$.text", "IsNull": False}, True),
        ({"Variable": "$.missing", "IsPresent": False}, True),
        ({"Variable": "$.text", "IsPresent": True}, True),
        ({"Variable": "$.number", "NumericGreaterThanEquals": 5}, True),
        ({"Variable": "$.number", "NumericLessThan": 5}, False),
        ({"Not": {"Variable": "$.text", "StringEquals": "x"}}, False),
        (
            {
                "And": [
                    {"Variable": "$.yes", "BooleanEquals": True},
                    {"Variable": "$.none", "IsNull": True},
                ]
            },
            True,
        ),
        (
            {
                "Or": [
                    {"Variable": "$.yes", "BooleanEquals": False},
                    {"Variable": "$.none", "IsNull": False},
                ]
            },
            False,
        ),
    ],
)
def test_choice_rules(walk: Walk, rule: dict[str, Any], holds: bool) -> None:
    assert (walk(choosing(rule), INPUT)["status"] == "SUCCEEDED") is holds


@without_local("null is not present")
def test_null_is_present(walk: Walk) -> None:
    assert walk(choosing({"Variable": "$.none", "IsPresent": True}), INPUT)["status"] == "SUCCEEDED"


@without_local("what is not there matches nothing")
def test_a_choice_without_a_match_or_a_variable_fails_the_execution(walk: Walk) -> None:
    for variable, error in (("$.text", "States.NoChoiceMatched"), ("$.missing", "States.Runtime")):
        choice = {
            "Type": "Choice",
            "Choices": [{"Variable": variable, "StringEquals": "z", "Next": "End"}],
        }
        described = walk(
            {"StartAt": "Choose", "States": {"Choose": choice, "End": {"Type": "Succeed"}}}, INPUT
        )
        assert described["error"] == error


def test_an_inline_map_keeps_the_order_of_its_items(walk: Walk) -> None:
    item = {
        "Type": "Pass",
        "Parameters": {"c.$": "$.item.c", "at.$": "$.at", "text.$": "$.text"},
        "End": True,
    }
    described = walk(
        one(
            Type="Map",
            ItemsPath="$.a.b",
            ItemSelector={
                "item.$": "$$.Map.Item.Value",
                "at.$": "$$.Map.Item.Index",
                "text.$": "$.text",
            },
            MaxConcurrency=1,
            ItemProcessor={"StartAt": "Each", "States": {"Each": item}},
            ResultPath="$.a.b",
            OutputPath="$.a.b",
        ),
        INPUT,
    )
    assert json.loads(described["output"]) == [
        {"c": 1, "at": 0, "text": "x"},
        {"c": 2, "at": 1, "text": "x"},
    ]


def test_an_inline_map_fails_with_its_first_item_and_may_be_caught(walk: Walk) -> None:
    processor = {
        "StartAt": "Each",
        "States": {"Each": {"Type": "Fail", "Error": "Broken", "Cause": "it is"}},
    }
    each = {"Type": "Map", "ItemsPath": "$.a.b", "ItemProcessor": processor, "End": True}
    catch = [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "Caught"}]
    machine = {
        "StartAt": "One",
        "States": {"One": {**each, "Catch": catch}, "Caught": {"Type": "Succeed"}},
    }
    described = walk(machine, INPUT)
    assert json.loads(described["output"]) == {
        **INPUT,
        "error": {"Error": "Broken", "Cause": "it is"},
    }


def test_a_map_of_nothing_succeeds_at_once(walk: Walk) -> None:
    processor = {"StartAt": "Each", "States": {"Each": {"Type": "Fail", "Error": "Broken"}}}
    described = walk(one(Type="Map", ItemsPath="$.a", ItemProcessor=processor), {"a": []})
    assert json.loads(described["output"]) == []


def test_a_wait_passes_its_input_on_and_a_fail_says_why(walk: Walk) -> None:
    states = {
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Fail"},
        "Fail": {"Type": "Fail", "Error": "Why", "Cause": "because"},
    }
    described = walk({"StartAt": "Wait", "States": states}, INPUT)
    assert (described["status"], described["error"], described["cause"]) == (
        "FAILED",
        "Why",
        "because",
    )


@pytest.mark.parametrize(("tolerated", "status"), [(40, "FAILED"), (50, "SUCCEEDED")])
def test_a_distributed_map_tolerates_a_share_of_failures(tolerated: int, status: str) -> None:
    states = {
        "Which": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "Bad"}],
            "Default": "Good",
        },
        "Good": {"Type": "Pass", "End": True},
        "Bad": {"Type": "Fail", "Error": "Broken"},
    }
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "Which", "States": states}
    machine = one(
        Type="Map", ItemProcessor=processor, ToleratedFailurePercentage=tolerated, Label="L"
    )
    described = simulated(machine, [0, 1])
    assert described["status"] == status
    if status == "FAILED":
        assert described["error"] == "States.ExceedToleratedFailureThreshold"
    else:
        good, bad = json.loads(described["output"])
        assert good == 0
        assert (bad["Status"], bad["Error"], bad["Input"]) == ("FAILED", "Broken", "1")


def test_a_functions_answer_is_the_payload_of_the_result() -> None:
    _, described, _ = run(
        task(ResultSelector={"got.$": "$.Payload.x"}, ResultPath="$.result"), {"x": [1]}
    )
    assert json.loads(described["output"]) == {"a": 1, "result": {"got": [1]}}


@pytest.mark.parametrize(
    "definition",
    [
        one(Type="Parallel", Branches=[]),
        one(QueryLanguage="JSONata"),
        one(Assign={}),
        one(Parameters={"x.$": "States.UUID()"}),
        one(InputPath="$..c"),
        one(InputPath="$.a[*]"),
        one(Parameters={"x.$": "$$.State.EnteredTime"}),
        {**one(), "TimeoutSeconds": 5},
        task(HeartbeatSeconds=5),
        task(Resource="arn:aws:states:::sns:publish"),
        task(Parameters={"FunctionName": "f", "InvocationType": "Event"}),
        task(Retry=[{"ErrorEquals": ["A"], "Unknown": 1}]),
        {
            "StartAt": "C",
            "States": {
                "C": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.a", "StringMatches": "x*", "Next": "C"}],
                }
            },
        },
    ],
    ids=lambda definition: json.dumps(definition)[-60:],
)
def test_what_is_not_interpreted_is_refused_when_it_is_created(definition: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        Workflows().steps.create_state_machine("machine", definition)


@pytest.mark.parametrize(
    "definition",
    [
        one(End=False),
        one(Next="One"),
        {**one(), "StartAt": "Nowhere"},
        task(Next="Nowhere"),
        task(Catch=[{"ErrorEquals": ["A"], "Next": "Nowhere"}]),
        task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}]),
    ],
    ids=lambda definition: json.dumps(definition)[-60:],
)
def test_what_aws_would_not_deploy_is_refused_when_it_is_created(
    definition: dict[str, Any],
) -> None:
    with pytest.raises(ValueError, match=r"Nowhere|One|States\.ALL"):
        Workflows().steps.create_state_machine("machine", definition)
