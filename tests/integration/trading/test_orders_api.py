"""POST and GET /api/v1/orders: which orders are accepted, how requests repeat, and who may see
what.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.api_events import header, principal, request
from tests.integration.system import System, create_lifecycle
from tests.integration.trading.orders import MARKET, new_order, next_night, place, show
from trading.domain.reference.calendars import NEW_YORK


def get(
    order_id: str, client_id: str = "alice", permissions: str = "orders:read"
) -> dict[str, Any]:
    return request(
        "GET", f"/api/v1/orders/{order_id}", authorizer=principal(client_id, permissions)
    )


def executions(system: System) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = system.stepfunctions.list_executions(
        stateMachineArn=system.lifecycle_arn
    )["executions"]
    return found


def test_an_accepted_order_is_stored_with_its_hold_and_started(system: System) -> None:
    status, body, answer = system.call("orders", new_order())
    assert status == 201
    assert (body["status"], body["reason"]) == ("VALIDATED", None)
    assert body["timestamp"] == system.now().isoformat(timespec="microseconds").replace(
        "+00:00", "Z"
    )
    assert header(answer, "Location") == f"/api/v1/orders/{body['order_id']}"
    assert header(answer, "X-RateLimit-Limit")
    order, account = system.books.order(body["order_id"]), system.books.account("alice")
    assert order
    assert account.held == order.hold.cash == Decimal("24000.30")
    assert account.notional_today == 24_000
    [execution] = executions(system)
    assert execution["name"].startswith(f"{order.order_id}-execute-")


def test_a_repeated_request_gets_the_first_answer_and_has_no_effect(
    system: System,
) -> None:
    _, first, _ = system.call("orders", new_order())
    held = system.books.account("alice").held
    system.venues.pass_time(5)
    status, again, answer = system.call("orders", new_order())
    assert (status, again) == (201, first)
    assert header(answer, "Idempotency-Replayed") == "true"
    assert system.books.account("alice").held == held
    assert len(executions(system)) == 1


def test_a_replay_gets_the_first_answer_after_the_order_has_moved_on(system: System) -> None:
    first = place(system)
    system.run_until(lambda: system.status(first["order_id"]) == "CLEARED")
    assert place(system) == first


def test_a_rejected_order_is_replayed_as_rejected(system: System) -> None:
    first = place(system, quantity=100_000)
    assert first["status"] == "REJECTED"
    assert place(system, quantity=100_000) == first


def test_the_same_key_with_another_body_is_refused(system: System) -> None:
    place(system)
    status, body, _ = system.call("orders", new_order(quantity=101))
    assert (status, body["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_the_same_key_of_another_client_is_another_order(system: System) -> None:
    assert place(system)["order_id"] != place(system, client_id="bob")["order_id"]


def test_equal_orders_under_two_keys_are_two_orders_in_sequence(system: System) -> None:
    first, second = (
        system.books.order(place(system, key)["order_id"]) for key in ("key-1", "key-2")
    )
    assert first
    assert second
    assert (first.sequence, second.sequence, second.previous_order_id) == (1, 2, first.order_id)


@pytest.mark.parametrize("price", [187.35, 240, 240.0, "240", "240.00", "187.3"])
def test_a_price_is_parsed_exactly(system: System, price: Any) -> None:
    order = system.books.order(place(system, price=price, quantity=1)["order_id"])
    assert order
    assert order.limit_price == Decimal(str(price))


def test_a_market_order_holds_funds_at_its_collar(system: System) -> None:
    order = system.books.order(place(system, quantity=1, **MARKET)["order_id"])
    assert order
    assert order.limit_price is None
    assert order.protection_price == Decimal("237.64")


def test_a_stop_order_rests_at_one_exchange_until_it_is_canceled(system: System) -> None:
    stop = {"order_type": "stop", "price": None, "stop_price": "260.00", "time_in_force": "GTC"}
    order_id = place(system, **stop)["order_id"]
    system.run_until(lambda: system.status(order_id) == "ROUTING")
    shown = show(system, order_id)
    assert (shown["order_type"], shown["price"], shown["stop_price"]) == ("stop", None, "260.00")
    order = system.books.order(order_id)
    assert order
    assert [child.quantity for child in order.children] == [100]
    assert order.protection_price == Decimal("270.40")
    too_low = place(system, "key-2", **stop | {"stop_price": "220.00"})
    assert too_low["reason"]["code"] == "STOP_PRICE_REACHED"


def test_an_order_for_a_closed_market_shows_its_release_time(system: System) -> None:
    system.venues.pass_time(next_night(system.venues.now))
    order_id = place(system, stock_symbol="F", price="11.20")["order_id"]
    shown = show(system, order_id)
    opens = datetime.fromisoformat(shown["release_at"]).astimezone(NEW_YORK)
    assert (shown["current_status"], opens.hour, opens.minute) == ("VALIDATED", 9, 30)
    refused = place(system, "key-2", stock_symbol="F", **MARKET)
    assert refused["reason"]["code"] == "MARKET_CLOSED"
    assert show(system, place(system, "key-3")["order_id"])["release_at"] is None


def test_the_sweeper_starts_the_workflow_of_an_accepted_order(
    system: System,
) -> None:
    system.stepfunctions.delete_state_machine(stateMachineArn=system.lifecycle_arn)
    order_id = place(system)["order_id"]
    assert system.status(order_id) == "VALIDATED"
    assert create_lifecycle(system.queues) == system.lifecycle_arn
    system.venues.pass_time(61)
    assert system.invoke("sweeper", {}) == {"pushed": 1, "handed_over": 0}
    system.run_until(lambda: system.status(order_id) == "CLEARED")
    assert system.workflow_status(order_id) in (
        "RUNNING",
        "SUCCEEDED",
    )  # moto can lose the answer to a token when it is busy
    assert system.findings() == []


def test_a_client_sees_only_its_own_orders(system: System) -> None:
    order_id = place(system)["order_id"]
    shown = show(system, order_id)
    assert (shown["client_id"], shown["quantity"], Decimal(shown["price"])) == ("alice", 100, 240)
    foreign = system.call("orders", get(order_id, "bob"))
    unknown = system.call("orders", get("ord_unknown", "bob"))
    assert foreign[0] == unknown[0] == 404
    assert foreign[1]["code"] == unknown[1]["code"] == "NOT_FOUND"
    assert {k: v for k, v in foreign[1].items() if k != "request_id"} == {
        k: v for k, v in unknown[1].items() if k != "request_id"
    }


def test_the_rate_limit_of_a_key_is_enforced(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_LIMIT_REQUESTS", "2")
    answers = [system.call("orders", get("ord_unknown")) for _ in range(3)]
    assert [status for status, _, _ in answers] == [404, 404, 429]
    assert int(header(answers[2][2], "Retry-After") or 0) > 0
    assert system.call("orders", get("ord_unknown", "bob"))[0] == 404
