"""A trade that is cleared or settled is reversed with its obligation.

What the client cannot cover is advanced.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.builders import TOMORROW, D
from tests.fakes.world import World
from tests.unit.usecases.execution.correcting import (
    AFTER_TOMORROW,
    START,
    assert_sound,
    breaks,
    bust,
    cash,
    child,
    correct,
    reversals,
    settle_all,
    shares,
    sums,
)
from trading.domain.ledger import BreakCode
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.values import Side, TimeInForce
from trading.messages import ReportReceived
from trading.usecases.ports import Change

# --- after clearing


ROOT = Path(__file__).resolve().parents[4]


def test_a_bust_before_the_settlement_date_takes_the_obligation_back(world: World) -> None:
    before = sums(world)
    order = world.placed(quantity=100)
    world.fill(order, 100)
    assert world.current(order).status is OrderStatus.CLEARED
    bust(world, order)
    now = world.current(order)
    assert (now.status, now.reason_code) == (OrderStatus.CANCELED, EndReason.EXECUTION_BUSTED)
    assert world.books.obligations("alice", AFTER_TOMORROW) == []
    assert sums(world) == before
    assert_sound(world, final=True)
    settle_all(world)
    assert world.depository.settled == {}


def test_a_correction_before_the_settlement_date_replaces_the_obligation(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 100)
    correct(world, order, 100, "98.00")
    (owed,) = world.books.obligations("alice", AFTER_TOMORROW)
    assert (owed.settlement_date, owed.quantity, owed.amount) == (TOMORROW, 100, D("9800.00"))
    assert world.current(order).status is OrderStatus.CLEARED
    assert_sound(world)
    settle_all(world)
    assert world.current(order).status is OrderStatus.SETTLED
    assert len(world.depository.settled) == 1
    assert cash(world) == START - D("9800.30")
    assert_sound(world, final=True)


@pytest.mark.parametrize("side", list(Side))
def test_a_bust_after_settlement_settles_the_other_way(world: World, side: Side) -> None:
    before = sums(world)
    limit = D("100.00") if side is Side.BUY else D("99.00")
    order = world.placed(quantity=100, side=side, limit_price=limit)
    world.fill(order, 100, "100.00")
    world.now = world.now.replace(day=TOMORROW.day, hour=23)
    world.settlement_cycle(TOMORROW)
    assert world.current(order).status is OrderStatus.SETTLED
    bust(world, order)
    now = world.current(order)
    assert (now.status, now.filled_quantity, now.settled_quantity) == (OrderStatus.CANCELED, 0, 0)
    (owed,) = world.books.obligations("alice", AFTER_TOMORROW + timedelta(days=7))
    assert (owed.side is side, owed.quantity, owed.amount) == (False, 100, D("10000.00"))
    assert owed.settlement_date > TOMORROW
    assert sums(world) == before
    assert_sound(world)
    world.now += timedelta(days=6)
    world.settlement_cycle(world.now.date())
    assert world.books.obligations("alice", world.now.date()) == []
    account, position = world.books.account("alice"), world.books.position("alice", "AAPL")
    assert (account.available, account.unsettled) == (START, 0)
    assert (position.unsettled, position.receivable) == (0, 0)
    assert world.reconcile(owed.settlement_date).breaks == 0
    assert_sound(world, final=True)


def test_the_example_of_the_page_is_what_happens(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 100, "100.00")
    world.now = world.now.replace(day=TOMORROW.day, hour=23)

    def row(name: str) -> str:
        account, position = world.books.account("alice"), world.books.position("alice", "AAPL")
        numbers = (account.available, account.unsettled, position.quantity, position.unsettled)
        return " | ".join((f"| {name}", *map(str, numbers))) + " |"

    world.settlement_cycle(TOMORROW)
    rows = [row("after settlement")]
    bust(world, order)
    rows.append(row("after the bust"))
    world.now += timedelta(days=6)
    world.settlement_cycle(world.now.date())
    rows.append(row("after the reversal settled"))
    page = (ROOT / "docs/explanation/corrections.md").read_text()
    assert "\n".join(rows) in page


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("side", list(Side))
def test_a_correction_from_the_settlement_date_on_settles_by_itself(
    world: World, side: Side, settled: bool
) -> None:
    limit = D("110.00") if side is Side.BUY else D("90.00")
    order = world.placed(quantity=100, side=side, limit_price=limit)
    world.fill(order, 100, "100.00")
    world.now = world.now.replace(day=TOMORROW.day, hour=15)
    if settled:
        world.now = world.now.replace(hour=23)
        world.settlement_cycle(TOMORROW)
    correct(world, order, 80, "101.00")
    assert_sound(world)
    assert len(world.books.obligations("alice", TOMORROW)) == (0 if settled else 1)
    world.now = world.now.replace(hour=23)
    world.settlement_cycle(TOMORROW)
    assert_sound(world)
    world.now += timedelta(days=6)
    world.settlement_cycle(world.now.date())
    now = world.current(order)
    assert (now.filled_quantity, now.settled_quantity) == (80, 80)
    assert now.status is OrderStatus.CANCELED
    assert len(world.depository.settled) == 3
    assert cash(world) == START - side.sign * D("8080.00") - D("0.24")
    assert shares(world) == 1000 + side.sign * 80
    assert world.books.position("alice", "AAPL").unsettled == 0
    assert_sound(world, final=True)


def test_a_corrected_price_of_a_settled_order_settles_it_again(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 100)
    world.now = world.now.replace(day=TOMORROW.day, hour=23)
    world.settlement_cycle(TOMORROW)
    correct(world, order, 100, "99.00")
    assert world.current(order).status is OrderStatus.SETTLING
    world.now += timedelta(days=6)
    world.settlement_cycle(world.now.date())
    assert world.current(order).status is OrderStatus.SETTLED
    assert_sound(world, final=True)


def test_clearing_and_a_bust_at_once_leave_nothing_to_settle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is written by both, so one of them starts over."""
    order = world.placed(quantity=100, time_in_force=TimeInForce.GTC)
    world.fill(order, 40)
    report = world.exchanges.bust(child(order), f"{child(order)}-1")
    message = ReportReceived(client_id="alice", correlation_id="c", report=report)
    commit, cleared = world.books.commit, []

    def clear_before_commit(*changes: Change) -> None:
        if not cleared:
            cleared.append(True)
            world.clear(order.order_id)
        commit(*changes)

    monkeypatch.setattr(world.books, "commit", clear_before_commit)
    world.execute(message)
    assert cleared
    assert world.books.obligations("alice", AFTER_TOMORROW) == []
    assert_sound(world)


# --- what the client cannot cover


def purchase_with_sale(world: World, sold: int) -> Order:
    """A purchase of 100 shares by carol, of which some are sold again."""
    world.add_client("carol", cash="20000.00")
    bought = world.placed("a", client_id="carol", quantity=100)
    world.fill(bought, 100, "100.00")
    sale = world.placed(
        "b", client_id="carol", quantity=sold, side=Side.SELL, limit_price=D("100.00")
    )
    world.fill(sale, sold, "100.00")
    return bought


def test_a_busted_purchase_whose_shares_are_sold_is_covered_by_the_error_account(
    world: World,
) -> None:
    bought = purchase_with_sale(world, sold=100)
    bust(world, bought)
    position = world.books.position("carol", "AAPL")
    assert (position.quantity, position.available) == (0, 0)
    (reversal,) = reversals(world)
    assert (reversal.advanced_cash, reversal.advanced_shares) == (0, 100)
    assert breaks(world) == [BreakCode.CORRECTION_NOT_COVERED]
    assert world.current(bought).review_reason == BreakCode.CORRECTION_NOT_COVERED
    assert_sound(world)
    settle_all(world)
    assert_sound(world, final=True)


def test_a_busted_sale_whose_proceeds_are_spent_is_covered_by_the_error_account(
    world: World,
) -> None:
    world.add_client("carol", cash="0.00", shares=100)
    sold = world.placed(
        "a", client_id="carol", quantity=100, side=Side.SELL, limit_price=D("100.00")
    )
    world.fill(sold, 100, "100.00")
    bought = world.placed("b", client_id="carol", quantity=90)
    world.fill(bought, 90, "100.00")
    left = world.books.account("carol").total
    bust(world, sold)
    account = world.books.account("carol")
    assert (account.available, account.unsettled, account.held) == (0, 0, 0)
    (reversal,) = reversals(world)
    assert reversal.advanced_cash == D("9999.70") - left
    assert breaks(world) == [BreakCode.CORRECTION_NOT_COVERED]
    assert_sound(world)


def test_an_advance_raises_the_alarm_even_if_the_worker_dies_after_the_commit(
    world: World,
) -> None:
    bought = purchase_with_sale(world, sold=60)
    world.faults.after("books.commit")
    bust(world, bought)
    assert world.faults.pending == 0
    assert breaks(world) == [BreakCode.CORRECTION_NOT_COVERED]
    assert world.monitor.times("Breaks") == 1


def test_a_bust_that_the_client_covers_raises_no_alarm(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 100)
    bust(world, order)
    assert breaks(world) == []
    assert world.monitor.times("Breaks") == 0
