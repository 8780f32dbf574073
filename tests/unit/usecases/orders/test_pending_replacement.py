"""A pending replacement waits for the old order's end. Meanwhile there are cancels, the end of the
day and failures.
"""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.builders import D
from tests.fakes.faults import CrashError
from tests.fakes.world import World
from trading.adapters.faces.orders import order_summary
from trading.domain.orders.conflicts import OrderClosedError
from trading.domain.orders.order_status import OrderStatus
from trading.domain.reconciliation.checks import Reconciliation
from trading.domain.values import TimeInForce
from trading.usecases.ports import OutcomeUnknownError

S = OrderStatus


@pytest.mark.parametrize("which", ["old", "new", "all", "suspended"])
def test_a_cancel_of_the_old_order_cancels_its_replacement_too(world: World, which: str) -> None:
    old = world.placed()
    new = world.replace(old, quantity=50)
    if which == "all":
        asked, more = world.request_cancel.all("alice")
        assert ([order.order_id for order in asked], more) == ([old.order_id, new.order_id], False)
    elif which == "suspended":
        assert world.request_cancel.of_suspended("alice") == 2
    else:
        world.request_cancel("alice", (old if which == "old" else new).order_id)
    assert world.statuses(old, new) == (S.ROUTING, S.CANCELED)
    assert order_summary(world.current(old)).cancel_requested is (which != "new")
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.CANCELED)
    if which != "suspended":
        assert world.request_cancel("alice", new.order_id).status is S.CANCELED
    if which in ("old", "all"):
        assert world.request_cancel("alice", old.order_id).status is S.CANCELED
    assert world.books.account("alice").held == 0
    assert world.exchanges.arrived == [f"{old.order_id}-1"]
    assert world.findings(expect_final=True) == []


@pytest.mark.parametrize("which", ["old", "new"])
def test_a_cancel_after_the_takeover_applies_to_the_order_that_it_names(
    world: World, which: str
) -> None:
    old = world.placed()
    new = world.replace(old, quantity=50)
    commit = world.books.commit

    def after_the_takeover(*changes: Any) -> None:
        world.books.commit = commit  # type: ignore[method-assign]
        world.run()
        commit(*changes)

    world.books.commit = after_the_takeover  # type: ignore[method-assign]
    if which == "old":
        with pytest.raises(OrderClosedError) as closed:
            world.request_cancel("alice", old.order_id)
        assert closed.value.details == {"status": "CANCELED", "replaced_by": new.order_id}
    else:
        world.request_cancel("alice", new.order_id)
        world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.ROUTING if which == "old" else S.CANCELED)
    assert world.findings() == []


def test_a_replaced_order_is_not_shown_as_canceled_by_request(world: World) -> None:
    old = world.placed()
    world.replace(old, quantity=50)
    assert not order_summary(world.current(old)).cancel_requested
    world.run()
    with pytest.raises(OrderClosedError):
        world.request_cancel("alice", old.order_id)


def test_the_end_of_the_day_ends_the_old_and_the_new_order(world: World) -> None:
    old = world.placed()
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    new = world.replace(old, quantity=50)
    world.run()
    world.advance(hours=6, minutes=5)
    world.close_day(None)
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.REJECTED)
    assert world.current(new).reason_code == "REPLACE_TOO_LATE"
    assert world.findings(expect_final=True) == []


def test_a_gtc_replacement_that_takes_over_the_next_day_counts_on_that_day(world: World) -> None:
    old = world.placed(time_in_force=TimeInForce.GTC)
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"), times=2)
    new = world.replace(old, quantity=50)
    world.run()
    world.advance(days=1)
    world.sweep()
    world.run()
    world.advance(minutes=2)
    world.sweep()
    world.run()
    taken_over = world.current(new)
    assert (taken_over.status, taken_over.business_date) == (S.ROUTING, world.now.date())
    assert world.books.account("alice").notional_on(world.now.date()) == D("5000.00")


def test_both_orders_wait_for_the_answer_of_a_silent_exchange(world: World) -> None:
    old = world.placed()
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    new = world.replace(old, quantity=50)
    world.run()
    assert world.statuses(old, new) == (S.ROUTING, S.RECEIVED)
    world.advance(minutes=2)
    world.sweep()
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.ROUTING)


def test_the_sweeper_replaces_a_lost_message(world: World) -> None:
    old = world.placed()
    world.faults.before("mailboxes.execution")
    new = world.replace(old, quantity=50)
    assert world.monitor.times("ReplacementsDeferred") == 1
    world.run()
    assert world.statuses(old, new) == (S.ROUTING, S.RECEIVED)
    world.advance(seconds=1)
    world.sweep()
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.ROUTING)


def test_the_sweeper_starts_a_workflow_that_did_not_start(world: World) -> None:
    old = world.placed()
    new = world.replace(old, quantity=50)
    world.faults.before("workflow.start")
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.VALIDATED)
    world.advance(minutes=2)
    world.sweep()
    world.run()
    assert world.statuses(new) == (S.ROUTING,)


@pytest.mark.parametrize("number", range(40))
def test_a_crash_at_any_call_does_not_change_the_outcome(number: int) -> None:
    world = World()
    old = world.placed()
    world.fill(old, 30)
    new = world.replace(old, quantity=120, limit_price=D("99.00"))
    world.faults.after(number, CrashError("died"))
    world.run()
    for _ in range(3):
        world.advance(minutes=2)
        world.sweep()
        world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.ROUTING)
    taken_over = world.current(new)
    assert (taken_over.quantity, world.books.account("alice").held) == (90, taken_over.hold.cash)
    assert world.findings() == []


def test_a_replacement_that_loses_a_race_against_a_fill_is_tried_again(world: World) -> None:
    old = world.placed()
    world.faults.stale()
    new = world.replace(old, quantity=50)
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.ROUTING)


def test_the_reconciliation_finds_a_replacement_that_waits_too_long(world: World) -> None:
    old = world.placed(time_in_force=TimeInForce.GTC)
    new = world.replace(old, quantity=50)
    for hours, findings in ((23, []), (25, [new.order_id])):
        reconciliation = Reconciliation(began=world.now + timedelta(hours=hours))
        for entity in world.books.snapshot().entities():
            reconciliation.add(entity)
        assert [finding.subject for finding in reconciliation.findings()] == findings


def test_a_replacement_accepted_today_does_not_count_on_the_next_days_limit(
    world: World,
) -> None:
    limited = world.books.clients["alice"].model_copy(update={"daily_trading_limit": D("20000.00")})
    world.books.clients["alice"] = limited
    world.advance(hours=5, minutes=59, seconds=50)
    old = world.placed(time_in_force=TimeInForce.GTC)
    world.exchanges.down = {child.exchange_id for child in old.children}
    new = world.replace(old, limit_price=D("99.50"))
    world.run()
    world.advance(minutes=5)
    other = world.order("tomorrow", quantity=150, limit_price=D("98.00"))
    world.exchanges.down = set()
    world.advance(minutes=2)
    world.sweep()
    world.run()
    assert (other.business_date, other.reason_code) == (world.current(new).business_date, None)
    assert world.statuses(old, new) == (S.CANCELED, S.VALIDATED)
    assert world.books.account("alice").notional_today == D("24650.00")
    assert world.findings() == []
