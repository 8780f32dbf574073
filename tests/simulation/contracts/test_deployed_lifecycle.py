"""Every path of OrderLifecycle as it is deployed, run by the simulated Step Functions."""

import json
from typing import Any

import pytest

from tests.simulation.contracts.timeline import START, Workflows
from tests.simulation.services.errors import ServiceError
from tests.simulation.workflows import definition
from trading.domain.orders import watch

ORDER = {
    "order_id": "O-1",
    "client_id": "C-1",
    "correlation_id": "R-1",
    "first_step": "EXECUTE",
    "deduplication_id": "O-1-30000000",
}
LONGEST_PAUSE = 30
TRIES = 7
LOOKS = ["Wait", "Look", "WhatIsNext", "HowLongToLook"]


@pytest.fixture
def lifecycle(world: Workflows) -> str:
    """OrderLifecycle's ARN."""
    return created(world)


def created(world: Workflows) -> str:
    """Create OrderLifecycle as it is deployed. The order is accepted."""
    stands(world, "VALIDATED")
    return world.steps.create_state_machine(
        "order-lifecycle", definition("order_lifecycle", world.queues, "orders"), express=True
    )


def stands(world: Workflows, status: str, filled: int = 0, *, cleared: bool = False) -> None:
    """Set what the next look finds."""
    item = {"status": {"S": status}, "filled_quantity": {"N": str(filled)}}
    world.items["O-1"] = item | ({"cleared_at": {"S": "now"}} if cleared else {})


def at_clearing(world: Workflows, arn: str) -> str:
    return world.start(arn, {**ORDER, "first_step": "CLEAR"})


def test_an_order_is_executed_and_cleared(world: Workflows, lifecycle: str) -> None:
    run = world.start(lifecycle, ORDER)
    ids = {"client_id": "C-1", "correlation_id": "R-1", "order_id": "O-1"}
    assert world.message(seconds=0) == {"kind": "execute", **ids}
    stands(world, "FILLED", 100)
    assert world.message("clearing") == {"kind": "clear", **ids}
    stands(world, "CLEARED", 100, cleared=True)
    world.time.pass_by(3)
    ended = world.run_of(run)
    once = ["Wait", "Look", "WhatIsNext"]
    assert ended.status == "SUCCEEDED"
    assert [*ended.path] == ["WhereToBegin", "Execute", *once, "Clear", *once, "Done"]
    assert 2 < ended.stopped_at - ended.started_at < 3


def test_a_look_is_consistent_and_reads_what_the_choice_needs(
    world: Workflows, lifecycle: str
) -> None:
    world.start(lifecycle, ORDER)
    world.time.pass_by(5)
    (look, _) = world.read
    assert look["TableName"] == "orders"
    assert look["Key"] == {"order_id": {"S": "O-1"}, "item": {"S": "ORDER"}}
    assert look["ConsistentRead"] is True


@pytest.mark.parametrize("first", ["EXECUTE", "CLEAR"])
def test_a_run_looks_when_the_workers_expect_it(
    world: Workflows, lifecycle: str, first: str
) -> None:
    stands(world, "ROUTING" if first == "EXECUTE" else "FILLED", 100)
    run = world.start(lifecycle, {**ORDER, "first_step": first})
    world.time.pass_by(10)
    ended = world.run_of(run)
    looks = [look["at"] - START for look in world.read]
    assert [int(seconds) for seconds in looks] == [
        after.total_seconds() for after in watch.LOOKS_AFTER
    ]
    assert ended.status == "SUCCEEDED"
    assert [*ended.path][2:] == [*LOOKS, "WaitLonger", *LOOKS, "HandedOver"]
    assert ended.stopped_at - ended.started_at < 4


def test_messages_are_of_the_clients_group(world: Workflows, lifecycle: str) -> None:
    world.start(lifecycle, ORDER)
    assert [message.group for message in world.sqs.messages(world.queues["execution"])] == ["C-1"]


@pytest.mark.parametrize("status", ["REJECTED", "CANCELED", "EXPIRED"])
def test_an_order_that_closed_with_nothing_executed_is_not_cleared(
    world: Workflows, lifecycle: str, status: str
) -> None:
    stands(world, status)
    run = world.start(lifecycle, ORDER)
    world.time.pass_by(3)
    assert world.run_of(run).path[-1] == "Done"
    assert world.messages("clearing") == []


def test_a_canceled_order_with_fills_is_cleared(world: Workflows, lifecycle: str) -> None:
    stands(world, "CANCELED", 40)
    run = at_clearing(world, lifecycle)
    assert world.message("clearing")["kind"] == "clear"
    stands(world, "CANCELED", 40, cleared=True)
    world.time.pass_by(3)
    assert world.run_of(run).path[-1] == "Done"
    assert world.messages() == []


def test_a_start_that_runs_twice_sends_each_message_once(world: Workflows, lifecycle: str) -> None:
    world.steps.starts_twice = lambda: True
    stands(world, "FILLED", 100)
    world.start(lifecycle, ORDER)
    assert len(world.steps.executions()) == 2
    assert len(world.messages()) == 1
    assert len(world.messages("clearing", 5)) == 1


def test_a_later_start_sends_the_message_again(world: Workflows, lifecycle: str) -> None:
    world.start(lifecycle, ORDER)
    world.start(lifecycle, {**ORDER, "deduplication_id": "O-1-30000001"})
    assert len(world.messages()) == 2


@pytest.mark.parametrize("error", ["SdkClientException", "RequestThrottled"])
def test_a_message_that_sqs_refuses_is_sent_again_with_growing_jittered_pauses(error: str) -> None:
    longest = [min(2**tries, LONGEST_PAUSE) for tries in range(TRIES - 1)]
    pauses: list[list[float]] = []
    for seed in range(30):
        world = Workflows(seed)
        world.broken = [error] * (TRIES - 1)
        world.start(created(world), ORDER)
        assert world.message(seconds=100)["kind"] == "execute"
        pauses.append(
            [later - earlier for earlier, later in zip(world.tries, world.tries[1:], strict=False)]
        )
    for number, limit in enumerate(longest):
        of_try = [each[number] for each in pauses]
        assert limit / 2 < max(of_try) <= limit
        assert min(of_try) < limit / 2


def test_an_order_whose_message_never_reaches_sqs_is_taken_back(
    world: Workflows, lifecycle: str
) -> None:
    world.broken = ["RequestThrottled"] * TRIES
    run = world.start(lifecycle, ORDER)
    cancel = world.message(seconds=200)
    assert (cancel["kind"], cancel["outcome"], cancel["order_id"]) == ("cancel", "CANCELED", "O-1")
    assert cancel["unless_sent"] is True
    ended = world.run_of(run)
    assert (ended.status, ended.error) == ("FAILED", "ExecutionFailed")
    assert [*ended.path] == ["WhereToBegin", "Execute", "RequestCancel", "ExecutionFailed"]


def test_an_order_that_cannot_be_sent_to_clearing_is_left_to_the_sweeper(
    world: Workflows, lifecycle: str
) -> None:
    world.broken = ["RequestThrottled"] * TRIES
    run = at_clearing(world, lifecycle)
    world.time.pass_by(200)
    ended = world.run_of(run)
    assert (ended.status, ended.error) == ("FAILED", "ClearingFailed")
    assert world.messages() == []


def test_an_order_that_cannot_be_read_is_looked_at_again_and_then_left_alone(
    world: Workflows, lifecycle: str
) -> None:
    world.unreadable = 4
    stands(world, "CANCELED")
    run = world.start(lifecycle, ORDER)
    world.time.pass_by(30)
    assert world.run_of(run).path[-1] == "Done"
    world.unreadable = 5
    run = world.start(lifecycle, ORDER, "two")
    world.time.pass_by(30)
    ended = world.run_of(run)
    assert (ended.status, ended.error) == ("FAILED", "LookFailed")
    assert [message["kind"] for message in world.messages()] == ["execute"], "no cancel"


def test_a_message_that_reached_sqs_without_its_answer_is_not_doubled(
    world: Workflows, lifecycle: str
) -> None:
    arrived = world.steps.send_message

    def answer_lost(params: dict[str, Any]) -> dict[str, Any]:
        arrived(params)
        world.steps.send_message = arrived
        raise ServiceError("SdkClientException", "the connection was closed")

    world.steps.send_message = answer_lost
    world.start(lifecycle, ORDER)
    assert len(world.messages(seconds=2)) == 1


def test_no_run_lasts_longer_than_express_allows(world: Workflows, lifecycle: str) -> None:
    """The longest one: each message is sent with its last try, and each look is the second."""
    for seed in range(10):
        slow = Workflows(seed)
        slow.broken = ["RequestThrottled"] * (TRIES - 1)
        arn = created(slow)
        run = slow.start(arn, ORDER)
        slow.time.pass_by(60)
        stands(slow, "FILLED", 100)
        slow.broken = ["RequestThrottled"] * (TRIES - 1)
        slow.time.pass_by(300)
        assert slow.run_of(run).status == "SUCCEEDED"


def test_a_run_that_is_killed_leaves_its_message(world: Workflows, lifecycle: str) -> None:
    world.steps.kills_after = lambda: 0.5
    run = world.start(lifecycle, ORDER)
    world.time.pass_by(10)
    assert world.run_of(run).status == "ABORTED"
    assert len(world.messages()) == 1
    assert world.read == []


def test_no_call_describes_a_run(world: Workflows, lifecycle: str) -> None:
    run = world.start(lifecycle, ORDER)
    for operation in ("DescribeExecution", "GetExecutionHistory", "StopExecution"):
        with pytest.raises(ServiceError, match="InvalidArn"):
            world.steps.call(operation, {"executionArn": run})
    with pytest.raises(ServiceError, match="StateMachineTypeNotSupported"):
        world.steps.call("ListExecutions", {"stateMachineArn": lifecycle})


def test_express_has_no_task_tokens(world: Workflows) -> None:
    waiting = definition("order_lifecycle", world.queues, "orders")
    waiting["States"]["Execute"]["Resource"] += ".waitForTaskToken"
    with pytest.raises(ValueError, match="Execute is not supported by Express"):
        world.steps.create_state_machine("waiting", waiting, express=True)


def test_an_input_without_what_the_definition_needs_fails_uncaught(
    world: Workflows, lifecycle: str
) -> None:
    run = world.start(lifecycle, {"order_id": "O-1", "first_step": "EXECUTE"})
    ended = world.run_of(run)
    assert (ended.status, ended.error) == ("FAILED", "States.Runtime")
    assert world.messages() == []


def test_checkers_see_where_an_order_stands(world: Workflows, lifecycle: str) -> None:
    world.start(lifecycle, ORDER, "O-1")
    [state] = world.steps.executions()
    assert (state.name, state.state_machine, state.status) == ("O-1", "order-lifecycle", "RUNNING")
    assert (state.state, state.open_tokens, state.parent) == ("Wait", 0, None)


def test_nothing_happens_but_through_the_schedule(world: Workflows, lifecycle: str) -> None:
    params = {"stateMachineArn": lifecycle, "name": "O-1", "input": json.dumps(ORDER)}
    run = world.steps.call("StartExecution", params)["executionArn"]
    assert world.sqs.messages(world.queues["execution"]) == []
    stands(world, "CANCELED")
    world.message()
    world.time.pass_by(1)
    assert world.run_of(run).status == "SUCCEEDED"
    assert world.time.now < START + 10
