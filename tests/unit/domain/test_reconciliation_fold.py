"""The same check over books that are read in pieces, in any order, and over books that change while
they are read.
"""

import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from itertools import chain, islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.builders import NOW, TOMORROW, D, make_order
from tests.fakes.world import World
from tests.unit.domain.test_reconciliation import TAMPERINGS, books, finished_books
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.deadline import NEVER
from trading.domain.ledger import Break, Entry
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.order_times import expires_at
from trading.domain.posttrade.netting import Obligation
from trading.domain.reconciliation.checks import (
    COMMITTED_WITHIN,
    ORDER_IS_LATE_AFTER,
    SETTLEMENT_IS_LATE_AFTER,
    Reconciliation,
    check,
)
from trading.domain.reconciliation.findings import Finding
from trading.domain.reconciliation.snapshot import Entity, Snapshot
from trading.domain.reference import calendars
from trading.domain.values import Side, TimeInForce


def folded(entities: Iterator[Entity | Finding], reconciliation: Reconciliation) -> Reconciliation:
    for entity in entities:
        reconciliation.add(entity)
    return reconciliation


def found(reconciliation: Reconciliation) -> list[tuple[int, str, str]]:
    return sorted((f.invariant, f.subject, f.message) for f in reconciliation.findings())


@given(
    st.sampled_from([tamper for _, tamper, _, _ in TAMPERINGS]), st.randoms(use_true_random=False)
)
def test_the_findings_do_not_depend_on_the_pages(
    tamper: Callable[[Snapshot], Snapshot], random: object
) -> None:
    entities = list(tamper(books()).entities())
    as_read = found(folded(iter(entities), Reconciliation()))
    random.shuffle(entities)  # type: ignore[attr-defined]
    assert found(folded(iter(entities), Reconciliation())) == as_read != []


def test_an_unreadable_item_is_a_finding() -> None:
    unreadable = Finding(invariant=10, subject="order-1", message="unreadable: status")
    assert check(Snapshot.of([*books().entities(), unreadable])) == [unreadable]


def test_the_snapshot_of_all_entities_equals_the_original() -> None:
    assert Snapshot.of(finished_books().entities(), expect_final=True) == finished_books()


def test_two_errors_of_a_client_do_not_cancel_out() -> None:
    """Two trades of one day are wrong by the same amount, one up and one down. They cancel out in
    the CCP's account, but they are two breaks.
    """
    world = World()
    for key in ("a", "b"):
        world.fill(world.placed(key, quantity=100), 100)
    snapshot = world.books.snapshot()
    more, less = snapshot.obligations
    swapped = (more.model_copy(update={"quantity": 101}), less.model_copy(update={"quantity": 99}))
    findings = check(snapshot.model_copy(update={"obligations": swapped}))
    assert sorted(f.message for f in findings) == sorted(
        [f"off by 1 for {more.trade_id}", f"off by -1 for {less.trade_id}"]
    )


TABLES: tuple[tuple[type, ...], ...] = ((Account, Position, Obligation), (Order,), (Entry,))


def read(
    world: World, acts: list[Callable[[], object]], pauses: list[int], seed: int = 0
) -> Iterator[Any]:
    """Read the books in pages of one entity: accounts, then orders, then the ledger, each in the
    order of a hash. `pauses` says how many of the acts happen before each page.
    """
    left, waits = iter(acts), iter(pauses)

    def place(key: tuple[str, ...]) -> int:
        return zlib.crc32(repr((seed, key)).encode())

    for kinds in TABLES:
        after = -1
        while True:
            for act in islice(left, next(waits, 0)):
                world.advance(seconds=1)
                act()
            kept = {
                place(key): item
                for key, item in world.books.items.items()
                if isinstance(item, kinds)
            }
            later = [number for number in kept if number > after]
            if not later:
                break
            after = min(later)
            yield kept[after]


def busy_day() -> tuple[World, list[Callable[[], object]]]:
    """Three clients have trades in every state, the last an hour ago. The acts are what alice, bob
    and carol do next.
    """
    world = World()
    world.add_client(
        "bob", cash="9000.00", shares=50, margin_percent=D(50), credit_limit=D("9000.00")
    )
    world.add_client("dave", cash="50000.00")
    for client_id in ("alice", "bob", "dave"):
        world.fill(world.placed(f"{client_id} cleared", client_id=client_id, quantity=30), 30)
    sale = world.placed("sale", side=Side.SELL, limit_price=D("99.00"))
    world.fill(sale, 20, "99.50")
    resting = world.placed("resting", client_id="bob", quantity=40, limit_price=D("99.95"))
    world.advance(hours=1)
    return world, [
        lambda: world.fill(resting, 15, "99.90"),
        lambda: world.placed("new", limit_price=D("98.00")),
        lambda: world.fill(sale, 30, "99.50"),
        lambda: world.cancel(resting),
        lambda: world.add_client("carol", cash="10.00"),
        lambda: world.settle("alice", TOMORROW, NEVER),
        lambda: world.settle("bob", TOMORROW, NEVER),
        lambda: world.cancel(sale),
        lambda: world.placed(
            "another", client_id="bob", quantity=5, side=Side.SELL, limit_price=D("104.00")
        ),
    ]


@settings(max_examples=150)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(0, 9))
def test_books_that_change_while_they_are_read_give_no_finding(
    pauses: list[int], seed: int
) -> None:
    world, acts = busy_day()
    reconciliation = folded(read(world, acts, pauses, seed), Reconciliation(began=world.now))
    assert not world.failures
    assert found(reconciliation) == []
    assert reconciliation.in_motion <= {"alice", "bob", "carol"}


@pytest.mark.parametrize("act", range(9))
def test_changes_between_two_tables_would_be_findings_in_books_that_stand_still(
    act: int,
) -> None:
    world, acts = busy_day()
    began = world.now
    accounts = sum(isinstance(item, TABLES[0]) for item in world.books.items.values())
    seen = list(read(world, [acts[act]], [0] * (accounts + 1) + [1]))
    assert found(folded(iter(seen), Reconciliation()))
    reconciliation = folded(iter(seen), Reconciliation(began=began))
    assert (found(reconciliation), len(reconciliation.in_motion)) == ([], 1)


def tampered(*names: str) -> Iterator[Entity | Finding]:
    snapshot = books()
    for name in names:
        snapshot = next(tamper for title, tamper, _, _ in TAMPERINGS if title == name)(snapshot)
    return iter(snapshot.entities())


def test_an_idle_client_is_checked_while_another_trades() -> None:
    """Alice and bob both have cash from nowhere. Only alice has just placed an order."""
    began = NOW + timedelta(hours=1)
    news = make_order(key="new", now=began, side=Side.SELL)
    wrong = tampered("cash from nowhere", "cash held for no order")
    reconciliation = folded(chain(wrong, [news]), Reconciliation(began=began))
    assert reconciliation.in_motion == {"alice"}
    assert {(f.invariant, f.subject) for f in reconciliation.findings()} == {(3, "bob")}


@pytest.mark.parametrize(("age", "moving"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_a_recent_commit_may_have_been_read_stale_and_is_no_finding(
    age: timedelta, moving: bool
) -> None:
    order = make_order(side=Side.SELL)
    began = order.history[-1].time + COMMITTED_WITHIN + age
    reconciliation = folded(iter([order]), Reconciliation(began=began))
    assert bool(reconciliation.in_motion) is moving
    assert bool(found(reconciliation)) is not moving


@pytest.mark.parametrize(
    "wrong", ["a short position", "an overfilled order", "a history with a gap"]
)
def test_an_entity_that_is_wrong_by_itself_is_a_finding_during_trading(wrong: str) -> None:
    reconciliation = folded(tampered(wrong), Reconciliation(began=NOW))
    assert reconciliation.in_motion == {"alice", "bob"}
    assert [f.message for f in reconciliation.wrong] == [
        f.message for f in reconciliation.findings()
    ]
    assert reconciliation.wrong


def sevens(entity: Order | Obligation, began: datetime) -> list[str]:
    return [
        f.subject
        for f in folded(iter([entity]), Reconciliation(began=began)).findings()
        if f.invariant == 7
    ]


@pytest.mark.parametrize("time_in_force", TimeInForce)
def test_an_order_that_is_open_a_day_after_its_expiry_is_late(time_in_force: TimeInForce) -> None:
    order = make_order(time_in_force=time_in_force)
    late = expires_at(order) + ORDER_IS_LATE_AFTER
    assert sevens(order, late - timedelta(seconds=1)) == []
    assert sevens(order, late) == [order.order_id]


def test_an_order_whose_trades_are_not_cleared_a_day_after_it_ended_is_late() -> None:
    order = next(o for o in books().orders if o.status is OrderStatus.CLEARED)
    stuck = order.model_copy(update={"status": OrderStatus.FILLED, "cleared_at": None})
    late = stuck.history[-1].time + ORDER_IS_LATE_AFTER
    assert sevens(stuck, late - timedelta(seconds=1)) == []
    assert sevens(stuck, late) == [order.order_id]
    assert sevens(order, late) == []


def test_an_old_order_that_was_filled_just_now_is_not_late() -> None:
    order = make_order(time_in_force=TimeInForce.GTC).routed((("XNYS", 100),), NOW)
    filled_at = NOW + timedelta(days=3)
    filled = order.filled(f"{order.order_id}-1", "trd_1", 100, D("10000.00"), D("0.30"), filled_at)
    assert filled.awaits_clearing
    assert sevens(filled, filled_at + timedelta(minutes=1)) == []
    assert sevens(filled, filled_at + ORDER_IS_LATE_AFTER) == [order.order_id]


def test_an_obligation_that_several_cycles_did_not_settle_is_late() -> None:
    (owed,) = books().obligations
    noon = datetime.combine(owed.settlement_date, time(12), calendars.NEW_YORK)
    assert sevens(owed, noon + SETTLEMENT_IS_LATE_AFTER) == []
    assert sevens(owed, noon + SETTLEMENT_IS_LATE_AFTER + timedelta(days=1)) == [owed.order_id]


def test_breaks_are_not_findings_while_trading_goes_on() -> None:
    entry = Break(
        trade_id="trd_1",
        client_id="unknown",
        booked_at=NOW,
        code="OVERFILL",
        reason="5 more",
        evidence={},
    )
    reconciliation = folded(chain(books().entities(), [entry]), Reconciliation())
    assert (reconciliation.breaks, found(reconciliation)) == ([entry], [])
