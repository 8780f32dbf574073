"""Orders from placing to settlement, through every function and the real workflow, with faultless
venues.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from tests.integration.system import System
from tests.integration.trading.orders import MARKET, cleared_order, place, show
from trading.messages import SettleClient

SETTLEMENT_DATE = date(2026, 1, 6)
SETTLE_ALICE = SettleClient(
    client_id="alice", correlation_id="cycle-2", settlement_date=SETTLEMENT_DATE
)


def settlement_cycle(system: System) -> dict[str, Any]:
    """Do what SettlementCycle does, a day later: plan, let the mailboxes settle, look and
    reconcile.
    """
    system.venues.pass_time(24 * 3600)
    plan = system.invoke(
        "settlement_plan", {"step": "plan", "correlation_id": "cycle-1", "request": {}}
    )
    assert plan["is_settlement_day"]
    assert plan["cursor"] is None
    assert plan["asked"] > 0
    assert system.deliver("settlement") == []
    page = {"settlement_date": plan["settlement_date"], "progress": plan["progress"]}
    looked = system.invoke("settlement_plan", {"step": "look", **page})
    assert looked["progress"]["is_over"]
    return dict(system.invoke("settlement_reconcile", looked))


def test_a_buy_goes_from_acceptance_to_settlement(system: System) -> None:
    order_id = cleared_order(system)
    shown = show(system, order_id)
    assert [step["status"] for step in shown["status_history"]][:3] == [
        "RECEIVED",
        "VALIDATED",
        "ROUTING",
    ]
    assert shown["current_status"] == "CLEARED"
    trades = {detail["trade_id"] for detail in shown["execution_details"]}
    assert {detail["trade_id"] for detail in shown["clearing_details"]} == trades
    assert sum(detail["executed_quantity"] for detail in shown["execution_details"]) == 100
    assert system.findings() == []

    agreement = settlement_cycle(system)

    assert agreement == {
        "settlement_date": "2026-01-06",
        "confirmations": len(trades),
        "matched": len(trades),
        "pending": 0,
        "failed": 0,
        "breaks": 0,
        "unsettled_clients": 0,
        "comparison": None,
    }
    shown = show(system, order_id)
    assert shown["current_status"] == "SETTLED"
    assert [step["status"] for step in shown["status_history"]][-4:] == [
        "CLEARING",
        "CLEARED",
        "SETTLING",
        "SETTLED",
    ]
    paid = sum(Decimal(detail["final_amount"]) for detail in shown["settlement_details"])
    account, position = system.books.account("alice"), system.books.position("alice", "AAPL")
    assert (account.available, account.held) == (100_000 - paid, 0)
    assert (position.available, position.unsettled) == (200, 0)
    assert system.books.obligations("alice", SETTLEMENT_DATE) == []
    assert system.findings() == []


def test_buys_and_sells_of_several_clients_settle_together_and_a_loan_is_repaid(
    system: System,
) -> None:
    bought = cleared_order(system, "b-1", client_id="bob", quantity=200, **MARKET)
    assert system.books.account("bob").credit_used > 0
    sold = cleared_order(system, "b-2", client_id="bob", side="sell", quantity=200, **MARKET)
    other = cleared_order(
        system, "a-1", side="sell", quantity=40, price="200.00", time_in_force="IOC"
    )
    assert system.findings() == []

    agreement = settlement_cycle(system)

    assert agreement["breaks"] == agreement["failed"] == 0
    assert {system.status(order_id) for order_id in (bought, sold, other)} == {"SETTLED"}
    assert system.books.account("bob").credit_used == 0
    assert system.books.account("bob").credit_available == 50_000
    assert system.books.account("bob").unsettled == 0
    assert system.books.position("bob", "AAPL").quantity == 0
    assert system.findings() == []


def test_a_repeated_settlement_cycle_finds_nothing_to_do(system: System) -> None:
    cleared_order(system)
    settlement_cycle(system)
    before = system.books.account("alice")
    system.send("settlement", "alice", SETTLE_ALICE.model_dump_json())
    assert system.deliver("settlement") == []
    agreement = system.invoke("settlement_reconcile", {"settlement_date": "2026-01-06"})
    assert (agreement["breaks"], agreement["unsettled_clients"]) == (0, 0)
    assert system.books.account("alice") == before


def test_an_order_without_funds_is_stored_and_not_routed(system: System) -> None:
    answer = place(system, client_id="carol", quantity=20)
    assert (answer["status"], answer["reason"]["code"]) == ("REJECTED", "INSUFFICIENT_FUNDS")
    assert show(system, answer["order_id"], "carol")["current_status"] == "REJECTED"
    assert (
        system.stepfunctions.list_executions(stateMachineArn=system.lifecycle_arn)["executions"]
        == []
    )
    assert system.messages("EXECUTION_QUEUE_URL") == []
    assert system.findings() == []


def test_an_unfilled_day_order_expires_at_the_close_and_releases_its_hold(
    system: System,
) -> None:
    order_id = place(system, price="190.00")["order_id"]
    system.run_until(lambda: system.status(order_id) == "ROUTING" and not system.venues.invocations)
    assert system.books.account("alice").held > 19_000
    system.venues.pass_time(6.5 * 3600)
    closed = system.invoke("day_close", {"scheduled_time": "2026-01-05T21:05:00Z"})
    assert closed == {"expiring": 1, "handed_over": 0}
    system.run_until(lambda: system.workflow_status(order_id) != "RUNNING")
    shown = show(system, order_id)
    assert (shown["current_status"], shown["reason"]["code"]) == ("EXPIRED", "EXPIRED")
    account = system.books.account("alice")
    assert (account.available, account.held, account.notional_today) == (100_000, 0, 0)
    order = system.books.order(order_id)
    assert order
    (child,) = order.children
    assert system.venues.status(f"{order_id}-1", child.exchange_id).body["status"] == "CANCELED"
    assert system.findings() == []
