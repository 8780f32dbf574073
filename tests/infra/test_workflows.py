"""The definitions of the workflows, and the schedules."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from infra.stage import ROOT
from infra.synthesized import Synthesized, as_list
from trading.adapters.dynamodb import keys
from trading.domain.orders import watch
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OPEN
from trading.messages import EXECUTION_MESSAGE, ClearOrder

SAMPLES = {
    "$.client_id": "C-1",
    "$.correlation_id": "correlation",
    "$.order_id": "O-1",
}
MESSAGES: dict[str, TypeAdapter[Any]] = {
    "${ExecutionQueueUrl}": EXECUTION_MESSAGE,
    "${ClearingQueueUrl}": TypeAdapter(ClearOrder),
}
EXPRESS_SECONDS = 300
"""The longest that Express lets a run last."""
LIFECYCLE = json.loads((ROOT / "infra" / "workflows" / "order_lifecycle.asl.json").read_text())
CYCLE = json.loads((ROOT / "infra" / "workflows" / "settlement_cycle.asl.json").read_text())


def tasks(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every task."""
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            yield name, state


ALL_TASKS = [*tasks(LIFECYCLE), *tasks(CYCLE)]
SENDING = [(name, state) for name, state in ALL_TASKS if ":sqs:" in state["Resource"]]


def test_a_run_waits_as_long_as_the_workers_expect() -> None:
    states = LIFECYCLE["States"]
    waits = [
        states["Execute"]["ResultSelector"]["wait_seconds"],
        states["WaitLonger"]["Parameters"]["wait_seconds"],
    ]
    assert [timedelta(seconds=sum(waits[:n])) for n in (1, 2)] == list(watch.LOOKS_AFTER)
    assert states["Clear"]["ResultSelector"]["wait_seconds"] == waits[0]


def test_a_run_ends_before_express_ends_it() -> None:
    """At the worst: each task needs all its tries with the longest pauses, and each look waits."""
    tries = {name: sum(map(longest_pauses, state["Retry"])) for name, state in tasks(LIFECYCLE)}
    looks = watch.LOOKS_AFTER[-1].total_seconds() + 2 * tries["Look"]
    sent_on = tries["Execute"] + looks + tries["Clear"] + looks
    taken_back = tries["Execute"] + tries["RequestCancel"]
    assert max(sent_on, taken_back) < EXPRESS_SECONDS - 60, "each call takes a while, too"


def longest_pauses(retrier: dict[str, Any]) -> float:
    """The sum of the pauses of a retrier if jitter makes each as long as it can be."""
    first, rate = retrier["IntervalSeconds"], retrier["BackoffRate"]
    pauses = (first * rate**number for number in range(retrier["MaxAttempts"]))
    return sum(min(pause, retrier["MaxDelaySeconds"]) for pause in pauses)


def test_a_run_looks_again_at_an_order_that_is_open() -> None:
    is_open, unfilled, cleared, executed = LIFECYCLE["States"]["WhatIsNext"]["Choices"]
    assert {rule["StringEquals"] for rule in is_open["Or"]} == OPEN
    assert is_open["Next"] == LIFECYCLE["States"]["WhatIsNext"]["Default"] == "HowLongToLook"
    assert (unfilled["Next"], cleared["Next"], executed["Next"]) == ("Done", "Done", "Clear")


def test_a_look_reads_the_attributes_of_an_order_that_the_choice_needs() -> None:
    look = LIFECYCLE["States"]["Look"]["Parameters"]
    key = {
        name: {"S.$": "$.order_id"} if name == "order_id" else {"S": value}
        for name, value in keys.order_key("O-1").items()
    }
    assert look["Key"] == key
    assert look["ConsistentRead"] is True
    read = {
        look["ExpressionAttributeNames"].get(name, name)
        for name in look["ProjectionExpression"].split(", ")
    }
    used = set(re.findall(r"order\.Item\.(\w+)", json.dumps(LIFECYCLE)))
    assert read == used
    assert used <= Order.model_fields.keys()


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
    assert body.keys() <= type(message).model_fields.keys(), "the worker ignores other fields"
    assert parameters["MessageGroupId.$"] == "$.client_id"
    assert message.client_id == "C-1"
    assert not state["Resource"].endswith(".waitForTaskToken"), "Express has no task tokens"


@pytest.mark.parametrize(("name", "state"), ALL_TASKS, ids=[name for name, _ in ALL_TASKS])
def test_every_task_is_retried_with_backoff_and_full_jitter(
    name: str, state: dict[str, Any]
) -> None:
    for retrier in state["Retry"]:
        assert retrier["BackoffRate"] > 1
        assert retrier["JitterStrategy"] == "FULL"
        assert retrier["MaxAttempts"] > 0
        assert retrier["MaxDelaySeconds"] > 0


def test_an_order_that_fails_to_execute_is_canceled() -> None:
    [caught] = LIFECYCLE["States"]["Execute"]["Catch"]
    cancel = LIFECYCLE["States"][caught["Next"]]
    assert cancel["Parameters"]["MessageBody"]["kind"] == "cancel"
    assert LIFECYCLE["States"][cancel["Next"]]["Type"] == "Fail"


def test_every_placeholder_is_filled(synthesized: Synthesized, stage: str) -> None:
    definitions = {
        f"trading-{stage}-order-lifecycle-express": LIFECYCLE,
        f"trading-{stage}-settlement-cycle": CYCLE,
    }
    machines = synthesized.of_type("AWS::StepFunctions::StateMachine")
    for machine in machines:
        definition = definitions.pop(machine.properties["StateMachineName"])
        placeholders = set(re.findall(r"\$\{(\w+)\}", json.dumps(definition)))
        assert machine.properties["DefinitionSubstitutions"].keys() == placeholders
    assert not definitions


def test_workflows_are_traced_and_log_errors(synthesized: Synthesized) -> None:
    types = {}
    for machine in synthesized.of_type("AWS::StepFunctions::StateMachine"):
        assert machine.properties["TracingConfiguration"] == {"Enabled": True}
        logging = machine.properties["LoggingConfiguration"]
        assert logging["Level"] == "ERROR"
        name = machine.properties["StateMachineName"].split("-", 2)[2]
        types[name] = (machine.properties["StateMachineType"], logging["IncludeExecutionData"])
    assert types == {
        "order-lifecycle-express": ("EXPRESS", True),
        "settlement-cycle": ("STANDARD", False),
    }


def test_a_workflow_may_send_and_read_and_nothing_more(synthesized: Synthesized) -> None:
    [policy] = [
        each
        for each in synthesized.of_type("AWS::IAM::Policy")
        if each.logical_id.startswith("OrderLifecycleRole")
    ]
    allowed = {
        action
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        if not action.startswith(("logs:", "xray:"))
    }
    assert allowed == {"sqs:SendMessage", "dynamodb:GetItem"}


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
