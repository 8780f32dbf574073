"""Every path of the deployed definitions, run by the simulated Step Functions."""

import json
from typing import Any

import pytest

from tests.simulation.contracts.timeline import START, Workflows
from tests.simulation.services.errors import ServiceError
from tests.simulation.workflows import definition

ORDER = {
    "order_id": "O-1",
    "client_id": "C-1",
    "correlation_id": "R-1",
    "execute_timeout_seconds": 900,
}
CLEAR_TIMEOUT = 300
LONGEST_PAUSE = 60
DATE = "2026-11-24"


@pytest.fixture
def world() -> Workflows:
    return Workflows()


@pytest.fixture
def order(world: Workflows) -> str:
    """An order's workflow that has just started."""
    arn = world.steps.create_state_machine(
        "order-lifecycle", definition("order_lifecycle", world.queues)
    )
    return world.start(arn, ORDER, "O-1")


@pytest.fixture
def cycle(world: Workflows) -> str:
    """The settlement cycle's ARN.

    By default it is a day without obligations and without anything to reconcile.
    """
    world.functions["settlement_plan"] = lambda asked: page()
    world.functions["settlement_reconcile"] = lambda asked: {"breaks": 0, **asked}
    return world.steps.create_state_machine(
        "settlement-cycle", definition("settlement_cycle", world.queues)
    )


def page(
    cursor: str | None = None, wait: int | None = None, *, settlement_day: bool = True
) -> dict[str, Any]:
    """An answer of the plan. `wait`: seconds until the next look, if something is due."""
    return {
        "settlement_date": DATE,
        "is_settlement_day": settlement_day,
        "asked": 0 if wait is None else 1,
        "cursor": cursor,
        "progress": None if wait is None else progress(wait),
    }


def progress(wait: int, *, is_over: bool = False) -> dict[str, Any]:
    return {"due_since": DATE, "due": 1, "wait_seconds": wait, "is_over": is_over}


def looked(wait: int, *, is_over: bool = False) -> dict[str, Any]:
    """An answer of the look."""
    return {"settlement_date": DATE, "progress": progress(wait, is_over=is_over)}


def test_an_order_is_executed_and_cleared(world: Workflows, order: str) -> None:
    execute = world.message("execution")
    token = execute.pop("task_token")
    assert execute == {
        "kind": "execute",
        "client_id": "C-1",
        "correlation_id": "R-1",
        "order_id": "O-1",
    }
    world.succeed({"task_token": token}, '{"status": "FILLED"}')
    clear = world.message("clearing")
    assert clear["kind"] == "clear"
    assert clear["task_token"] != token
    world.succeed(clear)
    described = world.described(order)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", ORDER)
    assert world.path(order) == ["Execute", "Clear"]


def test_messages_are_of_the_clients_group(world: Workflows, order: str) -> None:
    assert [message.group for message in world.sqs.messages(world.queues["execution"])] == ["C-1"]


def test_an_order_that_closed_with_nothing_executed_succeeds_without_clearing(
    world: Workflows, order: str
) -> None:
    world.fail(world.message(), "OrderClosed")
    assert world.described(order)["status"] == "SUCCEEDED"
    assert world.path(order) == ["Execute", "ClosedUnfilled"]
    assert world.messages("clearing") == []


@pytest.mark.parametrize("how", ["failed", "timed out"])
def test_an_order_that_is_not_executed_is_taken_back(
    world: Workflows, order: str, how: str
) -> None:
    execute = world.message()
    if how == "failed":
        world.fail(execute, "Surprise")
    else:
        assert world.described(order, ORDER["execute_timeout_seconds"] - 10)["status"] == "RUNNING"  # type: ignore[operator]
        world.time.pass_by(10)
    cancel = world.message()
    assert (cancel["kind"], cancel["outcome"], cancel["order_id"]) == ("cancel", "CANCELED", "O-1")
    described = world.described(order)
    assert (described["status"], described["error"]) == ("FAILED", "ExecutionFailed")
    assert world.path(order) == ["Execute", "RequestCancel", "ExecutionFailed"]
    with pytest.raises(ServiceError, match="TaskTimedOut"):
        world.succeed(execute)


def test_clearing_is_asked_for_three_times_each_with_its_own_token(
    world: Workflows, order: str
) -> None:
    world.succeed(world.message())
    asked = [world.message("clearing")]
    for _ in range(2):
        asked.append(world.message("clearing", CLEAR_TIMEOUT + LONGEST_PAUSE))
        with pytest.raises(ServiceError, match="TaskTimedOut"):
            world.succeed(asked[-2])
    assert len({message["task_token"] for message in asked}) == 3
    described = world.described(order, CLEAR_TIMEOUT + LONGEST_PAUSE)
    assert (described["status"], described["error"]) == ("FAILED", "ClearingFailed")
    assert world.path(order) == ["Execute", "Clear", "ClearingFailed"]


def test_the_last_try_may_still_succeed(world: Workflows, order: str) -> None:
    world.succeed(world.message())
    world.message("clearing")
    world.succeed(world.message("clearing", CLEAR_TIMEOUT + LONGEST_PAUSE))
    assert world.described(order)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("error", ["SdkClientException", "RequestThrottled"])
def test_a_message_that_sqs_refuses_is_sent_again_with_growing_jittered_pauses(error: str) -> None:
    longest = [min(2**tries, LONGEST_PAUSE) for tries in range(8)]
    pauses: list[list[float]] = []
    for seed in range(30):
        world = Workflows(seed)
        world.broken = [error] * 8
        arn = world.steps.create_state_machine(
            "order-lifecycle", definition("order_lifecycle", world.queues)
        )
        execution = world.start(arn, ORDER)
        world.succeed(world.message(seconds=300))
        pauses.append(
            [later - earlier for earlier, later in zip(world.tries, world.tries[1:9], strict=False)]
        )
        assert world.path(execution) == ["Execute"]
        assert world.failures(execution) == 8
    for number, limit in enumerate(longest):
        of_try = [each[number] for each in pauses]
        assert limit / 2 < max(of_try) <= limit
        assert min(of_try) < limit / 2


def test_an_order_whose_message_never_reaches_sqs_is_taken_back(world: Workflows) -> None:
    world.broken = ["RequestThrottled"] * 9
    arn = world.steps.create_state_machine(
        "order-lifecycle", definition("order_lifecycle", world.queues)
    )
    execution = world.start(arn, ORDER)
    assert world.message(seconds=400)["kind"] == "cancel"
    assert world.path(execution) == ["Execute", "RequestCancel", "ExecutionFailed"]


def test_a_message_that_reached_sqs_without_its_answer_holds_a_dead_token(world: Workflows) -> None:
    arn = world.steps.create_state_machine(
        "order-lifecycle", definition("order_lifecycle", world.queues)
    )
    arrived = world.steps.send_message

    def answer_lost(params: dict[str, Any]) -> dict[str, Any]:
        arrived(params)
        world.steps.send_message = arrived
        raise ServiceError("SdkClientException", "the connection was closed")

    world.steps.send_message = answer_lost
    execution = world.start(arn, ORDER)
    first, second = world.messages(seconds=2)
    with pytest.raises(ServiceError, match="TaskTimedOut"):
        world.succeed(first)
    world.succeed(second)
    world.time.pass_by(1)
    assert world.path(execution) == ["Execute", "Clear"]


def test_an_input_without_what_the_definition_needs_fails_uncaught(world: Workflows) -> None:
    arn = world.steps.create_state_machine(
        "order-lifecycle", definition("order_lifecycle", world.queues)
    )
    described = world.described(world.start(arn, {"order_id": "O-1"}))
    assert (described["status"], described["error"]) == ("FAILED", "States.Runtime")
    assert world.messages() == []


def test_every_page_is_planned_and_looked_at_until_it_is_over_and_then_reconciled(
    world: Workflows, cycle: str
) -> None:
    asked: list[Any] = []
    looks = iter([looked(20), looked(40), looked(60, is_over=True)])
    times: list[float] = []

    def plan(content: Any) -> Any:
        if content["step"] == "look":
            times.append(world.time.now)
            assert content == {"step": "look", **looks_at[len(times) - 1]}
            return next(looks)
        asked.append(content)
        return page("next") if len(asked) == 1 else page(None, 10)

    looks_at = [looked(10), looked(20), looked(40)]
    world.functions["settlement_plan"] = plan
    execution = world.start(cycle, {"settlement_date": DATE}, "day")
    described = world.described(execution, 100)
    assert (described["status"], json.loads(described["output"])) == (
        "SUCCEEDED",
        {"breaks": 0, "settlement_date": DATE},
    )
    assert asked == [
        {"step": "plan", "correlation_id": "day", "request": request}
        for request in ({"settlement_date": DATE}, page("next"))
    ]
    waits = [later - earlier for earlier, later in zip([START, *times], times, strict=False)]
    assert [round(wait, -1) for wait in waits] == [10, 20, 40]
    look = ["Wait", "Look", "IsOver"]
    assert world.path(execution) == [*2 * ["Plan", "WhatIsNext"], *3 * look, "Reconcile"]


def test_on_other_days_nothing_happens(world: Workflows, cycle: str) -> None:
    world.functions["settlement_plan"] = lambda asked: page(settlement_day=False)
    execution = world.start(cycle, {})
    assert world.described(execution)["status"] == "SUCCEEDED"
    assert world.path(execution) == ["Plan", "WhatIsNext", "NotASettlementDay"]


def test_a_day_with_no_obligations_is_reconciled(world: Workflows, cycle: str) -> None:
    execution = world.start(cycle, {})
    assert world.described(execution)["status"] == "SUCCEEDED"
    assert world.path(execution)[-1] == "Reconcile"


def test_a_function_that_fails_is_tried_seven_times(world: Workflows, cycle: str) -> None:
    tried: list[float] = []

    def fails(content: Any) -> Any:
        tried.append(world.time.now)
        raise ValueError("no")

    world.functions["settlement_reconcile"] = fails
    described = world.described(world.start(cycle, {}), 400)
    assert (described["status"], described["error"], described["cause"]) == (
        "FAILED",
        "ValueError",
        "no",
    )
    assert len(tried) == 7


def test_a_state_that_is_entered_again_has_all_its_tries_again(
    world: Workflows, cycle: str
) -> None:
    asked: list[Any] = []

    def plan(content: Any) -> Any:
        asked.append(content["request"].get("cursor"))
        if asked.count(asked[-1]) < 5:
            raise ValueError("not yet")
        return page(None if asked[-1] else "next")

    world.functions["settlement_plan"] = plan
    assert world.described(world.start(cycle, {}), 400)["status"] == "SUCCEEDED"
    assert asked == [None] * 5 + ["next"] * 5


def test_a_function_gets_json_that_is_its_own(world: Workflows, cycle: str) -> None:
    given: list[dict[str, Any]] = []

    def plan(content: dict[str, Any]) -> Any:
        given.append(dict(content))
        content["touched"] = True
        if len(given) == 1:
            raise ValueError("again")
        return page()

    world.functions["settlement_plan"] = plan
    world.described(world.start(cycle, {"settlement_date": DATE}), 10)
    assert [each["request"] for each in given] == [{"settlement_date": DATE}] * 2
    assert "touched" not in given[1]


def test_a_cycle_that_is_stopped_looks_no_more(world: Workflows, cycle: str) -> None:
    world.functions["settlement_plan"] = lambda asked: page(None, 10)
    execution = world.start(cycle, {})
    world.time.pass_by(5)
    world.steps.call("StopExecution", {"executionArn": execution})
    assert world.described(execution, 10_000)["status"] == "ABORTED"
    assert world.path(execution) == ["Plan", "WhatIsNext", "Wait"]


def test_checkers_see_where_an_order_stands(world: Workflows, order: str) -> None:
    [state] = world.steps.executions()
    assert (state.name, state.state_machine, state.status) == ("O-1", "order-lifecycle", "RUNNING")
    assert (state.state, state.open_tokens, state.parent) == ("Execute", 1, None)
    world.succeed(world.message())
    assert [state.open_tokens for state in world.steps.executions()] == [0]


def test_the_same_seed_is_the_same_to_the_byte() -> None:
    def tokens(seed: int) -> list[str]:
        world = Workflows(seed)
        arn = world.steps.create_state_machine(
            "order-lifecycle", definition("order_lifecycle", world.queues)
        )
        for name in ("O-1", "O-2"):
            world.start(arn, ORDER, name)
        return [message["task_token"] for message in world.messages()]

    assert tokens(1) == tokens(1)
    assert len({*tokens(1), *tokens(2)}) == 4


def test_nothing_happens_but_through_the_schedule(world: Workflows) -> None:
    arn = world.steps.create_state_machine(
        "order-lifecycle", definition("order_lifecycle", world.queues)
    )
    params = {"stateMachineArn": arn, "name": "O-1", "input": json.dumps(ORDER)}
    execution = world.steps.call("StartExecution", params)["executionArn"]
    assert world.sqs.messages(world.queues["execution"]) == []
    world.fail(world.message(), "OrderClosed")
    assert world.described(execution, 0)["status"] == "RUNNING"
    assert world.described(execution)["status"] == "SUCCEEDED"
    assert world.time.now < START + 10
