"""DELETE /api/v1/orders: from the client's request to the end of the order, over the tables and the
mailbox.
"""

from typing import Any

import pytest

from tests.fakes.api_events import principal, request
from tests.integration.system import System
from tests.integration.trading.orders import place, show
from trading.messages import EXECUTION_MESSAGE, CancelOrder

RESTING = {"price": "200.00"}


def delete(
    system: System,
    order_id: str = "",
    client_id: str = "alice",
    permissions: str = "orders:write",
    key: str = "c-1",
    **wanted: str,
) -> tuple[int, dict[str, Any]]:
    """Answers the response to a cancel. Without an order id, all wanted orders are canceled."""
    path = f"/api/v1/orders/{order_id}".rstrip("/")
    event = request(
        "DELETE",
        path,
        headers={"Idempotency-Key": key},
        authorizer=principal(client_id, permissions),
    )
    event["queryStringParameters"] = wanted or None
    event["multiValueQueryStringParameters"] = {n: [v] for n, v in wanted.items()} or None
    status, body, _ = system.call("orders", event)
    return status, body


def resting(system: System, key: str = "key-1", **changes: Any) -> str:
    """An order that rests at an exchange."""
    order_id: str = place(system, key, **RESTING | changes)["order_id"]
    system.run_until(lambda: system.status(order_id) == "ROUTING")
    return order_id


def test_a_cancel_is_accepted_first_and_happens_later(system: System) -> None:
    order_id = resting(system)
    status, body = delete(system, order_id)
    assert (status, body["current_status"], body["cancel_requested"]) == (202, "ROUTING", True)
    assert show(system, order_id) == body
    assert system.books.account("alice").held > 0
    system.run_until(lambda: system.status(order_id) == "CANCELED")
    shown = show(system, order_id)
    assert shown["reason"] == {"code": "CANCELED", "message": "canceled by the client"}
    assert shown["cancel_requested"] is False
    account = system.books.account("alice")
    assert account.held == 0
    assert account.open_orders == ()
    system.run_until(lambda: system.workflow_status(order_id) != "RUNNING")
    assert system.findings() == []
    assert delete(system, order_id) == (200, shown)


def test_a_repeated_cancel_is_one_message(system: System) -> None:
    order_id = resting(system)
    assert delete(system, order_id) == delete(system, order_id, key="c-2")
    sent = [
        EXECUTION_MESSAGE.validate_json(message["Body"])
        for message in system.messages("EXECUTION_QUEUE_URL")
    ]
    order = system.books.order(order_id)
    assert order
    assert sent == [
        CancelOrder(
            client_id="alice",
            correlation_id=order.correlation_id,
            order_id=order_id,
            reason="canceled by the client",
        )
    ]


def test_a_cancel_of_a_closed_order_is_a_conflict_with_its_status(system: System) -> None:
    order_id = place(system)["order_id"]
    system.run_until(lambda: system.status(order_id) == "CLEARED")
    status, body = delete(system, order_id)
    assert (status, body["code"], body["details"]) == (409, "ORDER_CLOSED", {"status": "CLEARED"})


def test_another_clients_order_is_not_found(system: System) -> None:
    order_id = resting(system)
    for answer in (delete(system, order_id, "bob"), delete(system, "ord_unknown")):
        assert (answer[0], answer[1]["code"]) == (404, "NOT_FOUND")
        assert answer[1]["errors"][0]["field"] == "order_id"
    assert system.status(order_id) == "ROUTING"


def test_an_unknown_client_order_id_is_named_as_the_client_sent_it(system: System) -> None:
    event = request(
        "DELETE",
        "/api/v1/orders:by_client_order_id",
        headers={"Idempotency-Key": "c-1"},
        authorizer=principal("alice", "orders:write"),
    )
    event["queryStringParameters"] = {"client_order_id": "none"}
    for _ in range(2):
        status, problem, _headers = system.call("orders", event)
        assert (status, problem["code"]) == (404, "NOT_FOUND")
        assert problem["errors"][0]["field"] == "client_order_id"


def test_a_cancel_needs_permission_and_idempotency_key(system: System) -> None:
    order_id = resting(system)
    assert delete(system, order_id, permissions="orders:read")[0] == 403
    assert delete(system, permissions="orders:read")[0] == 403
    assert delete(system, order_id, key="")[1]["code"] == "IDEMPOTENCY_KEY_REQUIRED"
    assert delete(system, key="")[1]["code"] == "IDEMPOTENCY_KEY_REQUIRED"
    assert system.messages("EXECUTION_QUEUE_URL") == []


def test_a_cancel_is_accepted_and_shown_without_the_mailbox(system: System) -> None:
    order_id = resting(system)
    system.sqs.delete_queue(QueueUrl=system.queues["EXECUTION_QUEUE_URL"])
    assert delete(system, order_id)[0] == 202
    assert show(system, order_id)["cancel_requested"] is True


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({"side": "sell"}, 1),
        ({"symbol": "KO"}, 2),
        ({"symbol": "AAPL", "side": "buy"}, 0),
    ],
)
def test_a_cancel_of_some_orders_leaves_the_others(
    system: System, wanted: dict[str, str], index: int
) -> None:
    orders = [
        resting(system, "a"),
        resting(system, "b", side="sell", price="270.00"),
        resting(system, "c", stock_symbol="KO", price="60.00"),
    ]
    assert delete(system, **wanted)[1]["order_ids"] == [orders[index]]


def test_a_cancel_of_all_orders_cancels_only_the_clients_open_orders(system: System) -> None:
    mine = [
        resting(system, "a"),
        resting(system, "b"),
        resting(system, "c", side="sell", price="270.00"),
    ]
    bobs = resting(system, "d", client_id="bob")
    status, body = delete(system)
    assert (status, body) == (202, {"order_ids": mine, "more": False})
    system.run_until(lambda: {system.status(order_id) for order_id in mine} == {"CANCELED"})
    assert delete(system, key="c-2") == (202, {"order_ids": [], "more": False})
    assert system.status(bobs) == "ROUTING"
    account, position = system.books.account("alice"), system.books.position("alice", "AAPL")
    assert account.held == position.held == 0
    assert account.open_orders == ()
    assert system.findings() == []


def test_a_late_copy_of_a_cancel_of_all_orders_spares_newer_orders(system: System) -> None:
    first = resting(system, "a")
    asked = delete(system)
    system.run_until(lambda: system.status(first) == "CANCELED")
    since = resting(system, "b")
    assert delete(system) == asked == (202, {"order_ids": [first], "more": False})
    assert system.messages("EXECUTION_QUEUE_URL") == []
    assert system.status(since) == "ROUTING"
    assert delete(system, key="c-2")[1]["order_ids"] == [since]
