"""The check of the invariants: correct books have no finding, and every kind of error has
its own.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from tests.fakes.builders import NOW, TOMORROW, D, make_order
from tests.fakes.world import World
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import Break, Fill, Novation, Posting, Settlement
from trading.domain.orders.order import Order
from trading.domain.orders.order_entry import open_order
from trading.domain.orders.order_status import HistoryEntry, OrderStatus
from trading.domain.reconciliation.checks import check
from trading.domain.reconciliation.findings import INVARIANTS
from trading.domain.reconciliation.snapshot import Snapshot
from trading.domain.values import Side, TimeInForce

Tamper = Callable[[Snapshot], Snapshot]


@cache
def books() -> Snapshot:
    """One settled trade, a cleared buy on margin, a partly filled sale, a resting buy and a
    rejected order.
    """
    world = World()
    world.add_client(
        "bob", cash="5000.00", shares=10, margin_percent=D(50), credit_limit=D("5000.00")
    )
    settled = world.placed("settled")
    world.fill(settled, 100)
    world.settlement_cycle(TOMORROW)
    world.advance(minutes=1)
    margin = world.placed("margin", client_id="bob", quantity=50)
    world.fill(margin, 50)
    sale = world.placed("sale", side=Side.SELL, limit_price=D("99.00"))
    world.fill(sale, 30, "99.50")
    world.advance(minutes=1)
    world.placed("resting", limit_price=D("90.00"))
    world.order("rejected", quantity=100_000)
    assert not world.failures
    return world.books.snapshot()


@cache
def finished_books() -> Snapshot:
    """Three orders, all closed and settled."""
    world = World()
    for key, side in (("buy", Side.BUY), ("sale", Side.SELL)):
        world.fill(world.placed(key, side=side), 100)
        world.advance(minutes=1)
    world.settlement_cycle(TOMORROW)
    world.order("rejected", quantity=100_000)
    return world.books.snapshot(expect_final=True)


def test_correct_books_have_no_finding() -> None:
    assert check(books()) == []
    assert check(finished_books()) == []
    assert check(Snapshot(accounts=(), positions=(), orders=(), entries=(), obligations=())) == []


def changed(kind: str, which: Callable[[Any], bool], **changes: Any) -> Tamper:
    """Change fields of the only matching entity without validation, as a bug would."""

    def tamper(snapshot: Snapshot) -> Snapshot:
        things = list(getattr(snapshot, kind))
        (index,) = [i for i, thing in enumerate(things) if which(thing)]
        values = {n: v(getattr(things[index], n)) if callable(v) else v for n, v in changes.items()}
        things[index] = things[index].model_copy(update=values)
        return snapshot.model_copy(update={kind: tuple(things)})

    return tamper


def without(kind: str, which: Callable[[Any], bool]) -> Tamper:
    def tamper(snapshot: Snapshot) -> Snapshot:
        things = getattr(snapshot, kind)
        left = tuple(thing for thing in things if not which(thing))
        assert len(left) == len(things) - 1
        return snapshot.model_copy(update={kind: left})

    return tamper


def account(client_id: str) -> Callable[[Account], bool]:
    return lambda a: a.client_id == client_id


def position(client_id: str) -> Callable[[Position], bool]:
    return lambda p: p.client_id == client_id


def order(status: OrderStatus) -> Callable[[Order], bool]:
    return lambda o: o.status is status


def entry(kind: type, client_id: str, side: Side | None = None) -> Callable[[Any], bool]:
    return lambda e: (
        isinstance(e, kind)
        and e.client_id == client_id
        and side in (None, getattr(e, "side", None))
    )


def plus(amount: Any) -> Callable[[Any], Any]:
    return lambda value: value + amount


ALICE, BOB = account("alice"), account("bob")
BOBS_FILL = entry(Fill, "bob")
SALE = entry(Fill, "alice", Side.SELL)
PARTIAL = order(OrderStatus.PARTIALLY_FILLED)
RESTING = order(OrderStatus.ROUTING)
SETTLED = open_order(make_order()).model_copy(update={"order_id": "settled"})
ONE_SIDED_CASH = (Posting(account="client:bob", asset="USD", amount=D("1.00")),)
ONE_SIDED_SHARES = (Posting(account="exchange:XNYS", asset="AAPL", amount=D(1)),)
FOREIGN = (
    Posting(account="client:carol", asset="USD", amount=D("1.00")),
    Posting(account="depository", asset="USD", amount=D("-1.00")),
)
FOREIGN_SHARES = (
    Posting(account="client:bob", asset="MSFT", amount=D(1)),
    Posting(account="depository", asset="MSFT", amount=D(-1)),
)

TAMPERINGS: list[tuple[str, Tamper, int, str]] = [
    ("cash from nowhere", changed("accounts", ALICE, available=plus(D("0.01"))), 1, "alice"),
    (
        "a one-sided cash posting",
        changed("entries", BOBS_FILL, postings=plus(ONE_SIDED_CASH)),
        1,
        "USD",
    ),
    (
        "cash of nobody",
        changed("entries", BOBS_FILL, postings=plus(FOREIGN)),
        1,
        "client:carol/USD",
    ),
    ("an account is gone", without("accounts", BOB), 1, "client:bob/USD"),
    ("a loan that nobody lent", changed("accounts", BOB, credit_used=plus(D("0.01"))), 1, "bob"),
    ("a loan that nobody owes", changed("entries", BOBS_FILL, drawn=plus(D("0.01"))), 1, "bob"),
    (
        "shares from nowhere",
        changed("positions", position("bob"), available=plus(1)),
        2,
        "bob/AAPL",
    ),
    (
        "a one-sided share posting",
        changed("entries", BOBS_FILL, postings=plus(ONE_SIDED_SHARES)),
        2,
        "AAPL",
    ),
    (
        "shares without position",
        changed("entries", BOBS_FILL, postings=plus(FOREIGN_SHARES)),
        2,
        "client:bob/MSFT",
    ),
    ("a position is gone", without("positions", position("bob")), 2, "client:bob/AAPL"),
    (
        "cash held for no order",
        changed("accounts", BOB, held=D("1.00"), available=plus(D("-1.00"))),
        3,
        "bob",
    ),
    ("credit held for no order", changed("accounts", BOB, credit_held=D("1.00")), 3, "bob"),
    ("an order without its hold", changed("accounts", ALICE, held=D("0.00")), 3, "alice"),
    ("a hold without its order", without("orders", RESTING), 3, "alice"),
    (
        "an open order that its account does not name",
        changed("accounts", ALICE, open_orders=lambda o: o[:-1]),
        3,
        "resting",
    ),
    (
        "an order named as open that is over",
        changed("accounts", BOB, open_orders=(SETTLED,)),
        3,
        "settled",
    ),
    ("available below zero", changed("accounts", ALICE, available=D("-0.01")), 3, "alice"),
    ("credit used below zero", changed("accounts", ALICE, credit_used=D("-0.01")), 3, "alice"),
    ("unsettled without a sale", changed("accounts", BOB, unsettled=D("1.00")), 3, "bob"),
    (
        "proceeds used that no sale brings",
        changed("accounts", BOB, unsettled_used=D("1.00")),
        3,
        "bob",
    ),
    ("a sale without unsettled", changed("accounts", ALICE, unsettled=D("0.00")), 3, "alice"),
    (
        "shares held for no order",
        changed("positions", position("bob"), held=1, available=plus(-1)),
        3,
        "bob/AAPL",
    ),
    (
        "held shares below zero",
        changed("positions", position("bob"), held=-1, available=plus(1)),
        3,
        "bob/AAPL",
    ),
    (
        "shares to be received that no purchase brings",
        changed("positions", position("bob"), receivable=plus(1)),
        3,
        "bob/AAPL",
    ),
    (
        "shares due that no trade brings",
        changed("positions", position("bob"), unsettled=plus(1)),
        3,
        "bob/AAPL",
    ),
    ("a short position", changed("positions", position("bob"), available=-1), 4, "bob/AAPL"),
    (
        "a fill that the order does not know",
        changed("orders", PARTIAL, filled_quantity=plus(-1)),
        5,
        "sale",
    ),
    (
        "an order that claims more than its fills",
        changed("orders", PARTIAL, filled_quantity=plus(1)),
        5,
        "sale",
    ),
    ("an overfilled order", changed("orders", PARTIAL, quantity=29), 5, "sale"),
    ("more settled than filled", changed("orders", PARTIAL, settled_quantity=31), 5, "sale"),
    ("a fill without its order", without("orders", PARTIAL), 5, "sale"),
    ("a fill is gone", without("entries", SALE), 5, "sale"),
    ("a novation is gone", without("entries", entry(Novation, "bob")), 9, "ccp:2026-11-24/AAPL"),
    (
        "an obligation is gone",
        without("obligations", lambda o: o.client_id == "bob"),
        9,
        "ccp:2026-11-24/USD",
    ),
    (
        "an obligation of another amount",
        changed("obligations", BOB, amount=plus(D("0.01"))),
        9,
        "ccp:2026-11-24/USD",
    ),
    (
        "a settlement is gone",
        without("entries", entry(Settlement, "alice")),
        9,
        "ccp:2026-11-24/AAPL",
    ),
    (
        "a history with a gap",
        changed("orders", PARTIAL, history=lambda h: (h[0], *h[2:])),
        10,
        "sale",
    ),
    (
        "a status that the history does not end with",
        changed("orders", PARTIAL, status=OrderStatus.FILLED),
        10,
        "sale",
    ),
    ("no history", changed("orders", PARTIAL, history=()), 10, "sale"),
]


@pytest.mark.parametrize(
    ("tamper", "invariant", "subject"), [t[1:] for t in TAMPERINGS], ids=[t[0] for t in TAMPERINGS]
)
def test_every_tampering_is_found(tamper: Tamper, invariant: int, subject: str) -> None:
    names = {next(o.order_id for o in books().orders if PARTIAL(o)): "sale"}
    names |= {next(o.order_id for o in books().orders if RESTING(o)): "resting"}
    found = [(f.invariant, names.get(f.subject, f.subject)) for f in check(tamper(books()))]
    assert (invariant, subject) in found


def test_every_invariant_can_be_violated() -> None:
    elsewhere = {6, 7, 8}
    assert {invariant for _, _, invariant, _ in TAMPERINGS} | elsewhere == set(INVARIANTS)


def test_an_execution_that_is_booked_twice_is_a_finding() -> None:
    fill = next(e for e in books().entries if BOBS_FILL(e))
    again = fill.model_copy(update={"trade_id": "trd_again"})
    findings = check(books().model_copy(update={"entries": (*books().entries, again)}))
    assert (6, f"{fill.exchange_id}/{fill.execution_id}") in [
        (f.invariant, f.subject) for f in findings
    ]


def test_an_order_that_is_open_after_the_end_of_its_day_is_a_finding() -> None:
    findings = check(books().model_copy(update={"expect_final": True}))
    not_final = {
        o.order_id
        for o in books().orders
        if o.status not in (OrderStatus.SETTLED, OrderStatus.REJECTED)
    }
    assert len(not_final) == 3
    assert {f.subject for f in findings if f.invariant == 7} == not_final


def test_a_settled_order_with_an_unsettled_fill_is_a_finding() -> None:
    sold = next(o for o in finished_books().orders if o.side is Side.SELL)
    findings = check(changed("orders", lambda o: o is sold, settled_quantity=99)(finished_books()))
    assert [(f.invariant, f.subject) for f in findings] == [(7, sold.order_id)]


def test_an_order_that_overtook_its_predecessor_is_a_finding() -> None:
    by_sequence = {o.sequence: o for o in books().orders if o.client_id == "alice" and o.sequence}
    late = by_sequence[3]
    early = tuple(
        e.model_copy(update={"time": NOW - timedelta(seconds=1)})
        if e.status is OrderStatus.ROUTING
        else e
        for e in late.history
    )
    findings = check(changed("orders", lambda o: o is late, history=early)(books()))
    assert [(f.invariant, f.subject) for f in findings] == [(8, late.order_id)]


def test_an_order_that_ended_before_it_was_routed_overtakes_no_order() -> None:
    resting = next(o for o in books().orders if RESTING(o))
    history = (*resting.history[:2], HistoryEntry(status=OrderStatus.CANCELED, time=NOW))
    ended = changed(
        "orders", lambda o: o is resting, history=history, status=OrderStatus.CANCELED, children=()
    )
    assert 8 not in {f.invariant for f in check(ended(books()))}


@pytest.mark.parametrize("halted", [True, False])
def test_an_order_that_a_halt_put_off_at_the_open_may_be_overtaken(halted: bool) -> None:
    opens = NOW.replace(hour=14, minute=30)
    first, second = (
        make_order(key=f"{number}", now=opens - timedelta(hours=1)).in_sequence(
            number, None, overtakes=False, kept_apart=False
        )
        for number in (1, 2)
    )
    assert first.release_at == second.release_at == opens
    if halted:
        first = first.put_off_until(opens + timedelta(minutes=1))
    orders = (
        first.routed((("XNYS", 100),), opens + timedelta(minutes=5)),
        second.routed((("XNYS", 100),), opens),
    )
    snapshot = Snapshot(accounts=(), positions=(), orders=orders, entries=(), obligations=())
    found = [finding for finding in check(snapshot) if finding.invariant == 8]
    assert bool(found) is not halted


def test_a_closed_order_with_a_live_child_is_a_finding() -> None:
    resting = next(o for o in books().orders if RESTING(o))
    history = (*resting.history, HistoryEntry(status=OrderStatus.CANCELED, time=NOW))
    ended = changed("orders", lambda o: o is resting, history=history, status=OrderStatus.CANCELED)
    assert (10, resting.order_id) in [(f.invariant, f.subject) for f in check(ended(books()))]


def test_a_break_is_a_finding() -> None:
    entry = Break(
        trade_id="trd_1",
        client_id="alice",
        booked_at=NOW,
        postings=(),
        code="OVERFILL",
        reason="5 more",
        evidence={},
    )
    findings = check(books().model_copy(update={"entries": (*books().entries, entry)}))
    assert [(f.invariant, f.subject, f.message) for f in findings] == [
        (5, "trd_1", "break OVERFILL: 5 more")
    ]


def test_a_gtc_order_that_rests_after_the_close_is_no_finding() -> None:
    order = make_order(time_in_force=TimeInForce.GTC)
    snapshot = Snapshot(
        accounts=(), positions=(), orders=(order,), entries=(), obligations=(), expect_final=True
    )
    assert [finding for finding in check(snapshot) if finding.invariant == 7] == []
    day = snapshot.model_copy(update={"orders": (make_order(),)})
    assert [finding.subject for finding in check(day) if finding.invariant == 7] == [order.order_id]
