"""Which functions must not run while the tables are replaced, and how they are stopped."""

import math
from copy import deepcopy
from typing import Any

import boto3
import pytest

from infra.catalog.functions import FUNCTIONS, OF_THE_STREAM
from infra.catalog.grants import GRANTS
from ops.target import EVENTS, WITNESS, Target
from ops.writers import QUEUES, Writers, kept_tables, stopped_functions


def test_the_writers_are_all_that_could_write_a_table_that_is_kept_or_carry_events() -> None:
    stopped = set(stopped_functions())
    assert stopped == {
        "auth",
        "internal_auth",
        "orders",
        "internal",
        "admin",
        "execution",
        "clearing",
        "settlement",
        "settlement_reconcile",
        "sweeper",
        "event_publisher",
        "event_log",
    }
    for name in FUNCTIONS.keys() - stopped:
        for table in kept_tables():
            allowed = GRANTS[name].get(f"tables/{table}", "")
            assert not {"PutItem", "UpdateItem", "DeleteItem"} & set(allowed.split()), name


def test_the_reconciliation_runs_while_the_writers_are_stopped() -> None:
    assert "reconciliation" not in stopped_functions()


def test_no_function_that_runs_hands_events_on_or_writes_their_log() -> None:
    for name in FUNCTIONS.keys() - set(stopped_functions()):
        allowed = GRANTS[name]
        assert "buses/events" not in allowed, name
        # Those of the stream only have themselves woken. Nobody takes it from the stopped queue.
        if name not in OF_THE_STREAM:
            assert "queues/events" not in allowed, name
        assert "Write" not in allowed.get("tables/events", ""), name


class Deployed:
    """Lambda, SQS and EventBridge Scheduler, as far as `ops writers` uses them."""

    def __init__(self, reserves: bool) -> None:
        self.concurrency = {
            f"trading-test-{name.replace('_', '-')}": spec.reserved
            for name, spec in FUNCTIONS.items()
            if spec.reserved and reserves
        }
        self.enabled = dict.fromkeys(("execution", "clearing", "settlement", "events"), True)
        self.calls_left: float = math.inf
        target = {"Arn": "arn:sweeper", "RoleArn": "arn:role", "Input": "{}"}
        self.schedules: dict[str, dict[str, Any]] = {
            f"trading-test-{name}": {
                "Name": f"trading-test-{name}",
                "GroupName": "default",
                "Arn": f"arn:{name}",
                "ScheduleExpression": "rate(1 minute)",
                "ScheduleExpressionTimezone": "America/New_York",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": target,
                "State": "ENABLED",
            }
            for name in ("day-close", "sweeper", "zzz")
        }

    def change(self) -> None:
        """Called before each change. The operator's session dies when its calls are used up."""
        if self.calls_left == 0:
            raise KeyboardInterrupt
        self.calls_left -= 1

    @property
    def state(self) -> Any:
        return deepcopy((self.concurrency, self.enabled, self.schedules))

    def get_function_concurrency(self, FunctionName: str) -> dict[str, int]:  # noqa: N803
        reserved = self.concurrency.get(FunctionName)
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    def put_function_concurrency(
        self,
        FunctionName: str,  # noqa: N803
        ReservedConcurrentExecutions: int,  # noqa: N803
    ) -> None:
        self.change()
        self.concurrency[FunctionName] = ReservedConcurrentExecutions

    def delete_function_concurrency(self, FunctionName: str) -> None:  # noqa: N803
        self.change()
        self.concurrency.pop(FunctionName, None)

    def list_event_source_mappings(self, EventSourceArn: str) -> dict[str, Any]:  # noqa: N803
        uuid = EventSourceArn.removeprefix("arn:trading-test-")
        state = "Enabled" if self.enabled[uuid.removesuffix(".fifo")] else "Disabled"
        return {"EventSourceMappings": [{"UUID": uuid, "State": state}]}

    def update_event_source_mapping(self, UUID: str, Enabled: bool) -> None:  # noqa: N803
        self.change()
        self.enabled[UUID.removesuffix(".fifo")] = Enabled

    def get_queue_url(self, QueueName: str) -> dict[str, str]:  # noqa: N803
        return {"QueueUrl": QueueName}

    def get_queue_attributes(self, QueueUrl: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"Attributes": {"QueueArn": f"arn:{QueueUrl}"}}

    def get_paginator(self, operation: str) -> "Deployed":
        assert operation == "list_schedules"
        return self

    def paginate(self, NamePrefix: str) -> list[dict[str, Any]]:  # noqa: N803
        assert NamePrefix == "trading-test-"
        return [{"Schedules": [{"Name": name}]} for name in self.schedules]

    def get_schedule(self, Name: str) -> dict[str, Any]:  # noqa: N803
        return self.schedules[Name]

    def update_schedule(self, **schedule: Any) -> None:
        self.change()
        name = schedule["Name"]
        self.schedules[name] = {"Arn": self.schedules[name]["Arn"], **schedule}


def writers_of(deployed: Deployed) -> Writers:
    target = Target("test", boto3.Session())
    target.__dict__.update(dict.fromkeys(("functions", "sqs", "scheduler"), deployed))
    return Writers(target)


@pytest.mark.parametrize("reserves", [True, False])
def test_what_was_stopped_starts_as_it_was(reserves: bool) -> None:
    deployed = Deployed(reserves)
    writers = writers_of(deployed)
    before = deployed.state
    assert not writers.are_stopped()
    writers.stop()
    assert writers.are_stopped()
    assert not any(deployed.enabled.values())
    assert {schedule["State"] for schedule in deployed.schedules.values()} == {"DISABLED"}
    untouched = {name: n for name, n in deployed.concurrency.items() if n != 0}
    assert "trading-test-authorizer" in untouched or not reserves
    writers.stop()
    writers.start()
    assert deployed.state == before


CHANGES = len(stopped_functions()) + len(QUEUES) + 3
"""Functions, queues and schedules of the fake."""


@pytest.mark.parametrize("command", ["stop", "start"])
def test_a_command_that_died_is_seen_by_the_witness_and_can_be_repeated(command: str) -> None:
    for calls in range(1, CHANGES):
        deployed = Deployed(reserves=True)
        writers = writers_of(deployed)
        running = deployed.state
        if command == "start":
            writers.stop()
        deployed.calls_left = calls
        with pytest.raises(KeyboardInterrupt):
            getattr(writers, command)()
        assert deployed.schedules[f"trading-test-{WITNESS}"]["State"] == "DISABLED", calls
        state = writers.state()
        assert f"queue {EVENTS}" in state
        assert {True, False} == set(state.values()), calls
        assert state[f"schedule {WITNESS}"], calls
        deployed.calls_left = math.inf
        writers.stop()
        assert all(writers.state().values())
        writers.start()
        assert deployed.state == running
        assert not any(writers.state().values())
