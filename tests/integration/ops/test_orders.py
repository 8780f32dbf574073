"""Stuck orders: found by step and age, shown in full, and taken off the list of orders to
review.
"""

from datetime import date, datetime
from typing import Any

import pytest

from ops.stuck import last_settled_day
from tests.integration.ops.conftest import Operator
from tests.integration.trading.admin import ask
from tests.integration.trading.books import NAMES
from tests.integration.trading.orders import MARKET, cleared_order, next_night, place
from trading.domain.orders.end_request import EndRequest
from trading.messages import PollOrder

MINUTES = 60


def stuck(operator: Operator, *options: str) -> dict[str, tuple[str, str]]:
    """The stuck orders by id, each with its step and detail."""
    status, _, _ = operator.run("orders", "stuck", *options)
    answer = operator.ask("orders", "stuck", *options, status=status)
    assert (status == 1) is bool(answer["orders"])
    return {row["order_id"]: (row["stage"], row["detail"]) for row in answer["orders"]}


def pass_time(operator: Operator, seconds: float) -> None:
    operator.system.venues.pass_time(seconds)


def drop_messages(operator: Operator, mailbox: str) -> None:
    """Lose the messages that wait in a mailbox."""
    operator.system.sqs.purge_queue(QueueUrl=operator.system.queues[f"{mailbox.upper()}_QUEUE_URL"])


def change(operator: Operator, order_id: str, **changes: Any) -> None:
    order = operator.system.books.order(order_id)
    assert order
    operator.system.books.commit(order.model_copy(update=changes))


def test_an_order_that_moves_or_rests_is_not_stuck(operator: Operator) -> None:
    cleared_order(operator.system, "done")
    resting = place(operator.system, "resting", time_in_force="GTC", price="200.00")["order_id"]
    operator.system.run_until(lambda: operator.system.status(resting) == "ROUTING")
    young = place(operator.system, "young")["order_id"]
    assert stuck(operator) == {}
    assert stuck(operator, "--older-than", "0s").keys() == {young}


def test_an_order_that_waits_for_its_market_is_not_stuck(operator: Operator) -> None:
    system = operator.system
    pass_time(operator, next_night(system.venues.now))
    order_id = place(system, "waits", stock_symbol="F", price="11.20")["order_id"]
    pass_time(operator, 5 * 60 * MINUTES)
    assert stuck(operator) == {}
    pass_time(operator, 3 * 60 * MINUTES)
    ((stuck_id, (step, detail)),) = stuck(operator).items()
    assert (stuck_id, step) == (order_id, "accepted, not routed")
    assert detail.startswith("workflow starts again ")
    status, _, _ = ask(system, "PUT", "instruments/F/halt", {"reason": "news"}, key="halt")
    assert (status, stuck(operator)) == (200, {})


def test_orders_without_a_workflow_or_a_message_are_stuck(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = operator.system
    with monkeypatch.context() as patch:
        patch.setenv("ORDER_LIFECYCLE_ARN", system.lifecycle_arn + "-gone")
        undispatched = place(system, "undispatched")["order_id"]
    system._warm.clear()
    unrouted = place(system, "unrouted", client_id="bob", quantity=1)["order_id"]
    pass_time(operator, 6 * MINUTES)
    found = stuck(operator)
    assert found.keys() == {undispatched, unrouted}
    assert {step for step, _ in found.values()} == {"accepted, not routed"}
    assert stuck(operator, "--older-than", "10m") == {}


def test_orders_that_wait_for_a_silent_exchange_are_stuck(
    operator: Operator,
) -> None:
    system = operator.system
    ids = [
        place(system, "immediate", **MARKET)["order_id"],
        place(system, "ending", time_in_force="GTC")["order_id"],
    ]
    while {system.status(order_id) for order_id in ids} != {"ROUTING"}:
        system.deliver("execution")
    change(operator, ids[1], ending=EndRequest(status="CANCELED", reason="asked for"))
    pass_time(operator, 6 * MINUTES)
    found = stuck(operator)
    assert {order_id: stage for order_id, (stage, _) in found.items()} == {
        ids[0]: "routed, exchange silent",
        ids[1]: "to be ended, exchange silent",
    }
    assert found[ids[0]][1].startswith("live at ")


def test_a_resting_order_that_the_sweeper_skips_is_stuck(operator: Operator) -> None:
    system = operator.system
    order_id = place(system, time_in_force="GTC", price="200.00")["order_id"]
    system.run_until(lambda: system.status(order_id) == "ROUTING")
    pass_time(operator, 40 * MINUTES)
    assert stuck(operator)[order_id][0] == "resting, not swept"


def test_an_executed_order_that_is_not_cleared_is_stuck(operator: Operator) -> None:
    system = operator.system
    order_id = place(system)["order_id"]
    while system.status(order_id) != "FILLED":
        system.deliver("execution")
        system.venues.match()
    pass_time(operator, 6 * MINUTES)
    assert stuck(operator)[order_id][0] == "ended, not cleared"


def test_a_trade_that_its_cycle_did_not_settle_is_stuck(operator: Operator) -> None:
    order_id = cleared_order(operator.system)
    assert stuck(operator) == {}
    pass_time(operator, 4 * 24 * 60 * MINUTES)
    stage, detail = stuck(operator)[order_id]
    assert stage == "cleared, overdue for settlement"
    assert "AAPL against" in detail
    status, out, _ = operator.run("orders", "stuck")
    assert status == 1
    assert order_id in out


@pytest.mark.parametrize(
    ("now", "settled"),
    [
        ("2026-10-12T23:00-04:00", date(2026, 10, 9)),
        ("2026-10-13T23:00-04:00", date(2026, 10, 13)),
        ("2026-11-11T23:00-05:00", date(2026, 11, 10)),
    ],
)
def test_a_bank_holiday_is_no_day_of_settlement(now: str, settled: date) -> None:
    assert last_settled_day(datetime.fromisoformat(now)) == settled


def test_a_flagged_order_is_listed_until_an_operator_resolves_it(
    operator: Operator,
) -> None:
    order_id = cleared_order(operator.system)
    change(operator, order_id, review_reason="EXECUTION_CHANGED")
    assert stuck(operator) == {order_id: ("flagged for review", "EXECUTION_CHANGED")}
    answer = operator.ask("orders", "resolve", order_id, "--reason", "the exchange corrected it")
    assert answer == {"order_id": order_id, "resolved": "EXECUTION_CHANGED"}
    assert stuck(operator) == {}
    order = operator.system.books.order(order_id)
    assert order
    assert (order.review_reason, order.status) == (None, "CLEARED")
    (entry,) = operator.ask("audit", "--subject", f"order/{order_id}")
    assert (entry["action"], entry["reason"]) == ("resolve", "the exchange corrected it")
    assert operator.run("orders", "resolve", order_id, "--reason", "again")[0] == 1


def test_finding_stuck_orders_scans_no_table(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(operator.system)
    pass_time(operator, 6 * MINUTES)
    refused: list[str] = []
    operator.system.dynamodb.meta.events.register(
        "before-call.dynamodb.Scan", lambda **_: refused.append("scan")
    )
    assert len(stuck(operator)) == 1
    assert refused == []


def test_an_order_is_shown_with_its_ledger_workflow_and_dead_letters(operator: Operator) -> None:
    order_id = cleared_order(operator.system)
    letter = PollOrder(
        client_id="alice", correlation_id="corr-1", order_id=order_id
    ).model_dump_json()
    other = PollOrder(
        client_id="alice", correlation_id="corr-1", order_id="ord_other"
    ).model_dump_json()
    message_id = operator.dead_letter("execution", letter, reason="StaleError after 8 tries: moved")
    operator.dead_letter("execution", other)
    shown = operator.ask("orders", "show", order_id)
    assert shown["order"]["status"] == "CLEARED"
    assert {entry["kind"] for entry in shown["ledger"]} == {"FILL", "NOVATION"}
    assert shown["workflow"]["failures"] == []
    assert shown["workflow"]["looks_until"] > shown["order"]["accepted_at"]
    assert [m["message_id"] for m in shown["dead_letters"]] == [message_id]
    status, out, _ = operator.run("orders", "show", order_id)
    assert status == 0
    for expected in (order_id, "VALIDATED", "NOVATION", "ccp:", "looks until", message_id):
        assert expected in out


def test_an_unknown_order_is_reported(operator: Operator) -> None:
    status, out, err = operator.run("orders", "show", "ord_none")
    assert (status, out) == (1, "")
    assert "ord_none" in err


@pytest.mark.parametrize(
    "wrong", [("--older-than", "soon"), ("--older-than", "5"), ("--limit", "0"), ("--surprise",)]
)
def test_a_malformed_command_ends_with_status_2(operator: Operator, wrong: tuple[str, ...]) -> None:
    assert operator.run("orders", "stuck", *wrong)[0] == 2


def test_a_missing_deployment_ends_with_status_3(operator: Operator) -> None:
    operator.system.dynamodb.delete_table(TableName=NAMES.orders)
    status, out, err = operator.run("orders", "stuck")
    assert (status, out) == (3, "")
    assert "ResourceNotFoundException" in err
    assert "Traceback" not in err
