"""Faults of venues as the orders see them: retried elsewhere, polled, and booked once."""

import pytest

from tests.integration.system import System
from tests.integration.trading.orders import MARKET, cleared_order, place, show
from trading.messages import PollOrder


def fail_everywhere(system: System, **fault: int) -> None:
    for exchange_id in ("XNYS", "XNAS", "ARCX", "BATS"):
        system.venues.configure(exchange_id, **fault)


def test_a_rejected_order_is_executed_at_another_exchange(system: System) -> None:
    system.venues.configure("XNYS", reject_rate=1)
    system.venues.configure("XNAS", reject_rate=1)
    shown = show(system, cleared_order(system))
    assert {detail["exchange_id"] for detail in shown["execution_details"]} <= {"ARCX", "BATS"}
    assert system.findings() == []


def test_an_order_that_every_exchange_rejects_releases_its_hold(
    system: System,
) -> None:
    fail_everywhere(system, reject_rate=1)
    order_id = place(system)["order_id"]
    system.run_until(lambda: system.workflow_status(order_id) != "RUNNING")
    shown = show(system, order_id)
    assert (shown["current_status"], shown["reason"]["code"]) == ("REJECTED", "NOT_EXECUTABLE")
    assert (system.books.account("alice").available, system.books.account("alice").held) == (
        100_000,
        0,
    )
    assert system.findings() == []


def test_when_every_exchange_is_down_the_order_is_rejected(system: System) -> None:
    fail_everywhere(system, down_rate=1)
    order_id = place(system)["order_id"]
    system.run_until(lambda: system.status(order_id) == "REJECTED")
    assert system.findings() == []


@pytest.mark.parametrize("fault", ["duplicate_rate", "out_of_order_rate"])
def test_repeated_or_disordered_reports_are_booked_once(system: System, fault: str) -> None:
    fail_everywhere(system, **{fault: 1})
    shown = show(system, cleared_order(system, quantity=150))
    assert sum(detail["executed_quantity"] for detail in shown["execution_details"]) == 150
    assert system.findings() == []


def test_a_silent_exchange_is_polled_after_a_minute(system: System) -> None:
    fail_everywhere(system, silence_rate=1)
    order_id = place(system)["order_id"]
    system.run_until(lambda: system.status(order_id) == "ROUTING")
    system.venues.match()
    assert system.invoke("sweeper", {}) == {"pushed": 0, "handed_over": 0}
    system.venues.pass_time(61)
    assert system.invoke("sweeper", {}) == {"pushed": 1, "handed_over": 0}
    system.run_until(lambda: system.status(order_id) == "CLEARED")
    assert system.findings() == []


def test_the_filled_part_of_an_immediate_order_is_cleared(
    system: System,
) -> None:
    fail_everywhere(system, displayed_size=20)
    order_id = cleared_order(system, quantity=400, **MARKET)
    shown = show(system, order_id)
    assert (shown["current_status"], shown["reason"]["code"]) == ("CANCELED", "REMAINDER_CANCELED")
    assert 0 < shown["filled_quantity"] < 400
    assert len(shown["clearing_details"]) == len(shown["execution_details"])
    assert system.findings() == []


def test_polls_and_late_reports_after_the_end_change_nothing(system: System) -> None:
    order_id = cleared_order(system)
    before = system.books.order(order_id)
    assert before
    report = next(iter(system.books.entries(before.trades)))
    poll = PollOrder(client_id="alice", correlation_id="late", order_id=order_id)
    system.send("execution", "alice", poll.model_dump_json())
    assert system.deliver("execution") == []
    assert system.books.order(order_id) == before
    assert report in system.books.entries(before.trades)
    assert system.findings() == []
