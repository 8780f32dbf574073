"""The internal API: an operator runs single steps by hand. A repeated request gets the stored
result.
"""

from typing import Any

import pytest

from tests.fakes.api_events import header, principal, request
from tests.integration.system import System
from tests.integration.trading.orders import cleared_order, place, show

OPERATOR = "execution:write clearing:write settlement:write"


def ask(
    system: System, stage: str, subject: str, permissions: str = OPERATOR, key: str = "key-1"
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    event = request(
        "POST",
        f"/api/v1/{stage}/{subject}",
        headers={"Idempotency-Key": key},
        authorizer=principal("internal-service", permissions),
    )
    return system.call("internal", event)


def trades(system: System, order_id: str) -> list[str]:
    return [detail["trade_id"] for detail in show(system, order_id)["execution_details"]]


def test_an_order_is_executed_once_and_its_result_is_repeated(system: System) -> None:
    order_id = place(system)["order_id"]
    status, body, _ = ask(system, "execution", order_id)
    assert (status, body["status"], body["executed_quantity"], body["execution_id"]) == (
        202,
        "VALIDATED",
        0,
        None,
    )
    system.run_until(lambda: system.status(order_id) == "CLEARED")
    status, body, answer = ask(system, "execution", order_id)
    assert (status, body["status"], body["executed_quantity"]) == (200, "CLEARED", 100)
    assert header(answer, "Idempotency-Replayed") == "true"
    assert len(body["executions"]) == len(trades(system, order_id))
    assert body["executed_price"] == show(system, order_id)["average_price"]
    assert system.findings() == []


def test_a_replacement_that_waits_is_still_to_be_executed(system: System) -> None:
    old = place(system, price="200.00")["order_id"]
    system.run_until(lambda: system.status(old) == "ROUTING")
    change = request(
        "PATCH",
        f"/api/v1/orders/{old}",
        {"quantity": 90},
        headers={"Idempotency-Key": "change"},
        authorizer=principal(),
    )
    status, new, _ = system.call("orders", change)
    assert (status, system.status(new["order_id"])) == (202, "RECEIVED")
    status, body, _ = ask(system, "execution", new["order_id"])
    assert (status, body["status"]) == (202, "RECEIVED")


def test_a_trade_is_cleared_with_its_order_and_its_result_is_repeated(system: System) -> None:
    order_id = place(system)["order_id"]
    ask(system, "execution", order_id)
    system.run_until(lambda: not system.venues.invocations and bool(trades(system, order_id)))
    system.run_until(lambda: system.status(order_id) in ("FILLED", "CLEARED"))
    (trade_id, *_) = trades(system, order_id)
    status, body, _ = ask(system, "clearing", trade_id)
    assert (status, body["clearing_status"]) == (200, "CLEARED")
    _, again, answer = ask(system, "clearing", trade_id, key="key-2")
    assert again == body
    assert header(answer, "Idempotency-Replayed") == "true"
    system.run_until(lambda: system.workflow_status(order_id) == "SUCCEEDED")
    assert system.findings() == []


def test_a_due_trade_is_settled_and_its_result_is_repeated(system: System) -> None:
    order_id = cleared_order(system)
    (trade_id, *others) = trades(system, order_id)
    status, body, _ = ask(system, "settlement", trade_id)
    assert (status, body["code"]) == (409, "NOT_DUE")
    system.venues.pass_time(24 * 3600 - 60)
    assert ask(system, "settlement", trade_id)[1]["code"] == "NOT_DUE", "a late copy"
    system.venues.pass_time(60)
    status, body, _ = ask(system, "settlement", trade_id, key="key-2")
    assert (status, body["settlement_status"], body["settlement_date"]) == (
        200,
        "SETTLED",
        "2026-01-06",
    )
    _, again, answer = ask(system, "settlement", trade_id, key="key-3")
    assert again == body
    assert header(answer, "Idempotency-Replayed") == "true"
    assert system.status(order_id) == ("SETTLING" if others else "SETTLED")
    assert system.findings() == []


def test_a_depository_that_does_not_answer_is_reported_as_unavailable(system: System) -> None:
    (trade_id, *_) = trades(system, cleared_order(system))
    system.venues.pass_time(24 * 3600)
    system.venues.configure_depository(unavailable_rate=1)
    status, body, answer = ask(system, "settlement", trade_id)
    assert (status, body["code"]) == (503, "UNAVAILABLE")
    assert header(answer, "Retry-After")
    system.venues.configure_depository()
    assert ask(system, "settlement", trade_id)[0] == 200


def test_a_failed_settlement_stays_due(system: System) -> None:
    (trade_id, *_) = trades(system, cleared_order(system))
    system.venues.pass_time(24 * 3600)
    system.venues.configure_depository(fail_rate=1)
    status, body, _ = ask(system, "settlement", trade_id)
    assert (status, body["code"]) == (422, "SETTLEMENT_FAILED")
    assert trade_id in {o.trade_id for o in system.books.obligations("alice", system.now().date())}
    assert system.findings() == []


@pytest.mark.parametrize("stage", ["execution", "clearing", "settlement"])
def test_unknown_orders_and_trades_are_not_found(system: System, stage: str) -> None:
    assert ask(system, stage, "unknown_1")[1]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("stage", ["execution", "clearing", "settlement"])
def test_each_step_needs_its_permission(system: System, stage: str) -> None:
    others = OPERATOR.replace(f"{stage}:write", "orders:write")
    status, body, _ = ask(system, stage, "ord_1", others)
    assert (status, body["code"]) == (403, "FORBIDDEN")
