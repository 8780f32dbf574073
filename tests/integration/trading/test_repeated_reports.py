"""What an exchange reports by callback: the same again, more about it, or something else."""

import json
import re
from typing import Any

import pytest

from tests.fakes.api_events import principal, request
from tests.integration.simulators.world import secret_of
from tests.integration.system import System
from tests.integration.trading.orders import cleared_order, place, show
from tests.integration.trading.test_dead_letters import breaks, first_fill, report_of
from trading.adapters.venues.signatures import signed_headers
from trading.domain import identifiers, patterns
from trading.domain.ledger import Break, Fill
from trading.wire import CALLBACK_PATH, ExecutionReport


def call_back(system: System, fill: Fill, **changes: Any) -> None:
    """Report a fill again, with the changes.

    The exchange would repeat a report that does not get 200.
    """
    body = report_of(fill).report.model_dump(mode="json") | changes
    key = ExecutionReport.model_validate(body).idempotency_key
    post(system, fill.exchange_id, key, json.dumps(body))


def post(system: System, exchange_id: str, key: str, raw: str) -> None:
    """Deliver a signed report, and check that it is accepted."""
    headers = signed_headers(
        exchange_id,
        secret_of(exchange_id).encode(),
        int(system.now().timestamp()),
        "POST",
        CALLBACK_PATH,
        raw.encode(),
        {"Content-Type": "application/json", "Idempotency-Key": key},
    )
    event = request("POST", CALLBACK_PATH, raw_body=raw, headers=headers)
    status, answer, _ = system.call("callbacks", event)
    assert (status, answer) == (200, {"status": "accepted"})


def test_the_same_execution_with_more_about_it_changes_nothing(system: System) -> None:
    order_id = cleared_order(system)
    fill, before = first_fill(system, order_id), system.books.order(order_id)
    call_back(system, fill)
    assert system.deliver("execution") == []
    price = f"{fill.price}00"
    for changes in ({"poss_dup": True}, {"correlation_id": "another"}, {"last_price": price}):
        call_back(system, fill, **changes)
        assert system.deliver("execution") == [], changes
    assert breaks(system, order_id) == []
    assert system.books.order(order_id) == before


@pytest.mark.parametrize("change", [{"last_quantity": 9}, {"last_price": "1.00"}])
def test_the_same_execution_with_other_numbers_is_one_break(
    system: System, change: dict[str, Any]
) -> None:
    order_id = cleared_order(system)
    fill, cash = first_fill(system, order_id), system.books.account("alice").total
    call_back(system, fill)
    for _ in range(2):
        call_back(system, fill, **change)
    call_back(system, fill)
    call_back(system, fill, **change, side="sell")
    assert system.deliver("execution") == []
    (kept,) = breaks(system, order_id)
    assert (kept.code, kept.order_id) == ("EXECUTION_CHANGED", order_id)
    assert system.books.fill(fill.trade_id) == fill
    assert system.books.account("alice").total == cash
    assert show(system, order_id)["current_status"] == "CLEARED"
    order = system.books.order(order_id)
    assert order
    assert order.review_reason == "EXECUTION_CHANGED"


def test_an_execution_of_one_order_reported_for_another_is_a_break(system: System) -> None:
    fill = first_fill(system, cleared_order(system))
    other_id: str = place(system, "key-2", price="220.00")["order_id"]
    system.run_until(lambda: system.status(other_id) == "ROUTING")
    other = system.books.order(other_id)
    assert other
    child = next(c for c in other.children if c.exchange_id == fill.exchange_id)
    call_back(
        system, fill, client_order_id=f"{other_id}-{child.number}", last_quantity=1, last_price="1"
    )
    assert system.deliver("execution") == []
    entries = system.books.entries([fill.trade_id])
    assert [e.code for e in entries if isinstance(e, Break)] == ["EXECUTION_CHANGED"]
    order = system.books.order(other_id)
    assert order
    assert (order.filled_quantity, order.review_reason) == (0, "EXECUTION_CHANGED")
    assert system.messages("EXECUTION_DLQ_URL") == []


@pytest.mark.parametrize("execution_id", ["20261129/XNYS 7=a", "Zürich #1"])
def test_an_execution_with_an_odd_id_and_unknown_fields_is_booked(
    system: System, execution_id: str
) -> None:
    order_id: str = place(system, "key-1", price="220.00")["order_id"]
    system.run_until(lambda: system.status(order_id) == "ROUTING")
    order = system.books.order(order_id)
    assert order
    child = order.children[0]
    said = {
        "exchange_id": child.exchange_id,
        "execution_id": execution_id,
        "client_order_id": f"{order_id}-{child.number}",
        "exchange_order_id": "x-1",
        "account": "alice",
        "symbol": order.symbol,
        "side": "buy",
        "exec_type": "TRADE",
        "last_quantity": 1,
        "last_price": "220.00",
        "cumulative_quantity": 1,
        "leaves_quantity": child.quantity - 1,
        "transact_time": system.now().isoformat(),
        "correlation_id": "corr-1",
    }
    key = ExecutionReport.model_validate(said).idempotency_key
    whole = json.dumps(said)[:-1]
    post(system, child.exchange_id, key, whole + ', "flags": 1e99, "reason": "cut \\ud83d"}')
    assert system.deliver("execution") == []
    post(system, child.exchange_id, key, whole + ', "poss_dup": NaN, "reason": "cut \\ud83d"}')
    assert system.deliver("execution") == []
    booked = system.books.order(order_id)
    assert booked
    assert booked.filled_quantity == 1
    assert breaks(system, order_id) == []
    fill = system.books.fill(identifiers.trade_id(child.exchange_id, execution_id))
    assert fill
    assert fill.execution_id == execution_id
    assert re.fullmatch(patterns.PATH_ID, fill.trade_id)
    status, trades, _ = system.call(
        "accounts", request("GET", "/api/v1/trades", authorizer=principal("alice"))
    )
    assert (status, [t["trade_id"] for t in trades["items"]]) == (200, [fill.trade_id])
