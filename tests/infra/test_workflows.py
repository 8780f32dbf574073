"""The definitions of the workflows, and the schedules."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from infra.stage import ROOT
from infra.synthesized import Synthesized
from trading.adapters.dynamodb import keys
from trading.messages import EXECUTION_MESSAGE, ClearOrder

SAMPLES = {
    "$.client_id": "C-1",
    "$.correlation_id": "correlation",
    "$.order_id": "O-1",
    "$$.Task.Token": "token",
}
MESSAGES: dict[str, TypeAdapter[Any]] = {
    "${ExecutionQueueUrl}": EXECUTION_MESSAGE,
    "${ClearingQueueUrl}": TypeAdapter(ClearOrder),
}
LIFECYCLE = json.loads((ROOT / "infra" / "workflows" / "order_lifecycle.asl.json").read_text())
CYCLE = json.loads((ROOT / "infra" / "workflows" / "settlement_cycle.asl.json").read_text())


def tasks(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every task."""
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            yield name, state


ALL_TASKS = [*tasks(LIFECYCLE), *tasks(CYCLE)]
SENDING = [(name, state) for name, state in ALL_TASKS if ":sqs:" in state["Resource"]]


def test_an_order_without_failures_costs_two_transitions() -> None:
    path, state = [], LIFECYCLE["StartAt"]
    while state:
        path.append(state)
        state = LIFECYCLE["States"][state].get("Next")
    assert path == ["Execute", "Clear"]


@pytest.mark.parametrize(("name", "state"), SENDING, ids=[name for name, _ in SENDING])
def test_a_workflow_sends_valid_messages_in_the_clients_group(
    name: str, state: dict[str, Any]
) -> None:
    parameters = state["Parameters"]
    body = {
        key.removesuffix(".$"): SAMPLES[value] if key.endswith(".$") else value
        for key, value in parameters["MessageBody"].items()
    }
    message = MESSAGES[parameters["QueueUrl"]].validate_python(body)
    assert parameters["MessageGroupId.$"] == "$.client_id"
    assert (getattr(message, "task_token", None) == "token") is state["Resource"].endswith(
        ".waitForTaskToken"
    )


@pytest.mark.parametrize(("name", "state"), ALL_TASKS, ids=[name for name, _ in ALL_TASKS])
def test_every_task_is_retried_with_backoff_and_full_jitter(
    name: str, state: dict[str, Any]
) -> None:
    for retrier in state["Retry"]:
        assert retrier["BackoffRate"] > 1
        assert retrier["JitterStrategy"] == "FULL"
        assert retrier["MaxAttempts"] > 0
        assert retrier["MaxDelaySeconds"] > 0
    if state["Resource"].endswith(".waitForTaskToken"):
        assert "TimeoutSeconds" in state or "TimeoutSecondsPath" in state
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_an_order_that_closed_without_fills_is_not_a_failed_execution() -> None:
    execute = LIFECYCLE["States"]["Execute"]
    [closed] = [catcher for catcher in execute["Catch"] if "OrderClosed" in catcher["ErrorEquals"]]
    assert LIFECYCLE["States"][closed["Next"]]["Type"] == "Succeed"
    retried = {error for retrier in execute["Retry"] for error in retrier["ErrorEquals"]}
    assert not retried & {"OrderClosed", "States.ALL", "States.TaskFailed"}


def test_an_order_that_fails_to_execute_is_canceled() -> None:
    *_, other = LIFECYCLE["States"]["Execute"]["Catch"]
    cancel = LIFECYCLE["States"][other["Next"]]
    assert cancel["Parameters"]["MessageBody"]["kind"] == "cancel"
    assert LIFECYCLE["States"][cancel["Next"]]["Type"] == "Fail"


def test_every_placeholder_is_filled(synthesized: Synthesized, stage: str) -> None:
    definitions = {
        f"trading-{stage}-order-lifecycle": LIFECYCLE,
        f"trading-{stage}-settlement-cycle": CYCLE,
    }
    machines = synthesized.of_type("AWS::StepFunctions::StateMachine")
    for machine in machines:
        definition = definitions.pop(machine.properties["StateMachineName"])
        placeholders = set(re.findall(r"\$\{(\w+)\}", json.dumps(definition)))
        assert machine.properties["DefinitionSubstitutions"].keys() == placeholders
    assert not definitions


def test_workflows_are_standard_and_traced_and_log_errors_without_data(
    synthesized: Synthesized,
) -> None:
    for machine in synthesized.of_type("AWS::StepFunctions::StateMachine"):
        assert machine.properties["StateMachineType"] == "STANDARD"
        assert machine.properties["TracingConfiguration"] == {"Enabled": True}
        logging = machine.properties["LoggingConfiguration"]
        assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)


def test_executions_that_fail_or_time_out_raise_an_alarm(synthesized: Synthesized) -> None:
    machines = {machine.key for machine in synthesized.of_type("AWS::StepFunctions::StateMachine")}
    for metric in ("ExecutionsFailed", "ExecutionsTimedOut"):
        watched = {
            synthesized.target(alarm.stack, alarm.properties["Dimensions"][0]["Value"]).key
            for alarm in synthesized.of_type("AWS::CloudWatch::Alarm")
            if alarm.properties["MetricName"] == metric
        }
        assert watched == machines


def test_the_schedules_have_their_times_and_targets(synthesized: Synthesized, stage: str) -> None:
    schedules = synthesized.of_type("AWS::Scheduler::Schedule")
    times = {
        schedule.properties["Name"].removeprefix(f"trading-{stage}-"): (
            schedule.properties["ScheduleExpression"],
            schedule.properties["ScheduleExpressionTimezone"],
        )
        for schedule in schedules
    }
    assert times == {
        "sweeper": ("rate(1 minute)", "Etc/UTC"),
        **{
            f"open-{shard}": ("cron(30 9 ? * MON-FRI *)", "America/New_York")
            for shard in range(keys.ATTENTION_SHARDS)
        },
        "exchange-session": ("rate(1 minute)", "Etc/UTC"),
        "early-close": ("cron(5 13 ? * MON-FRI *)", "America/New_York"),
        "day-close": ("cron(5 16 ? * MON-FRI *)", "America/New_York"),
        "settlement-cycle": ("cron(30 18 ? * MON-FRI *)", "America/New_York"),
        "settlement-cycle-again": ("cron(30 20 ? * MON-FRI *)", "America/New_York"),
        "reconciliation": ("cron(15 * * * ? *)", "Etc/UTC"),
    }
    swept = [s.properties["Target"]["Input"] for s in schedules if "-open-" in s.properties["Name"]]
    assert [json.loads(each) for each in swept] == [
        {"shard": str(n)} for n in range(keys.ATTENTION_SHARDS)
    ]
    for schedule in schedules:
        assert schedule.properties["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert schedule.properties["Target"]["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert json.loads(schedule.properties["Target"]["Input"]) is not None


@pytest.mark.parametrize(
    ("alarm", "metric", "seconds", "periods"),
    [
        ("SweeperMissing", "Invocations", 300, 2),
        ("SettlementCycleMissing", "ExecutionsStarted", 86400, 3),
    ],
)
def test_an_alarm_goes_off_when_the_sweeper_or_the_settlement_cycle_does_not_run(
    synthesized: Synthesized, alarm: str, metric: str, seconds: int, periods: int
) -> None:
    (found,) = [
        a.properties
        for a in synthesized.of_type("AWS::CloudWatch::Alarm")
        if a.logical_id.startswith(alarm)
    ]
    assert (found["MetricName"], found["Period"], found["EvaluationPeriods"]) == (
        metric,
        seconds,
        periods,
    )
    assert (found["ComparisonOperator"], found["Threshold"]) == ("LessThanThreshold", 1)
    assert found["TreatMissingData"] == "breaching"
    assert found["AlarmActions"]
