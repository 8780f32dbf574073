"""Every path of the settlement cycle as it is deployed, run by the simulated Step Functions."""

import json
from typing import Any

import pytest

from tests.simulation.contracts.timeline import START, Workflows
from tests.simulation.workflows import definition

TRIES = 7
DATE = "2026-11-24"
COMPARED = ["Reconcile", "IsCompared", "Compared"]


@pytest.fixture
def cycle(world: Workflows) -> str:
    """The settlement cycle's ARN.

    By default it is a day without obligations and without anything to reconcile.
    """
    world.functions["settlement_plan"] = lambda asked: page()
    world.functions["settlement_reconcile"] = lambda asked: agreement()
    return world.steps.create_state_machine(
        "settlement-cycle", definition("settlement_cycle", world.queues, "orders")
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


def agreement(comparison: dict[str, Any] | None = None) -> dict[str, Any]:
    """An answer of the comparison. `comparison`: what the next page needs, if there is one."""
    return {"settlement_date": DATE, "breaks": 0, "comparison": comparison}


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
        agreement(),
    )
    assert asked == [
        {"step": "plan", "correlation_id": "day", "request": request}
        for request in ({"settlement_date": DATE}, page("next"))
    ]
    waits = [later - earlier for earlier, later in zip([START, *times], times, strict=False)]
    assert [round(wait, -1) for wait in waits] == [10, 20, 40]
    look = ["Wait", "Look", "IsOver"]
    assert world.path(execution) == [*2 * ["Plan", "WhatIsNext"], *3 * look, *COMPARED]


def test_every_page_is_compared_and_gets_what_the_page_before_left(
    world: Workflows, cycle: str
) -> None:
    asked: list[Any] = []

    def compare(content: Any) -> Any:
        asked.append(content)
        return agreement({"pages": len(asked)} if len(asked) < 4 else None)

    world.functions["settlement_reconcile"] = compare
    execution = world.start(cycle, {})
    described = world.described(execution, 100)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", agreement())
    assert asked == [page(), *(agreement({"pages": number}) for number in (1, 2, 3))]
    assert world.path(execution)[-9:] == [*4 * ["Reconcile", "IsCompared"], "Compared"]


def test_a_page_that_fails_is_compared_again_with_the_same_input(
    world: Workflows, cycle: str
) -> None:
    asked: list[Any] = []

    def compare(content: Any) -> Any:
        asked.append(content)
        if len(asked) == 2:
            raise ValueError("the answer is lost")
        return agreement({"pages": 1} if len(asked) == 1 else None)

    world.functions["settlement_reconcile"] = compare
    execution = world.start(cycle, {})
    assert world.described(execution, 100)["status"] == "SUCCEEDED"
    assert asked == [page(), *2 * [agreement({"pages": 1})]]


def test_on_other_days_nothing_happens(world: Workflows, cycle: str) -> None:
    world.functions["settlement_plan"] = lambda asked: page(settlement_day=False)
    execution = world.start(cycle, {})
    assert world.described(execution)["status"] == "SUCCEEDED"
    assert world.path(execution) == ["Plan", "WhatIsNext", "NotASettlementDay"]


def test_a_day_with_no_obligations_is_reconciled(world: Workflows, cycle: str) -> None:
    execution = world.start(cycle, {})
    assert world.described(execution)["status"] == "SUCCEEDED"
    assert world.path(execution)[-3:] == COMPARED


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
