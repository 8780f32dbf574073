"""A run of the reconciliation: its looks at the books, the confirmation of findings, the report,
and the end of its time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tests.fakes.builders import NOW
from tests.fakes.world import World
from trading.domain.accounts.cash import Account
from trading.domain.ledger import Break
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import HistoryEntry, OrderStatus
from trading.domain.posttrade.netting import Obligation
from trading.domain.reconciliation.findings import INVARIANTS
from trading.domain.reconciliation.snapshot import Entity
from trading.domain.reference.calendars import NEW_YORK
from trading.usecases.posttrade.reconcile_books import (
    LISTED,
    MESSAGE_LENGTH,
    Page,
    ReconcileBooks,
    Report,
)

LATER = timedelta(hours=1)


@dataclass
class Books:
    """Each look shows the next of several states of the books. A page has one table and takes a
    minute.
    """

    looks: Sequence[Sequence[Entity]]
    now: datetime = NOW + LATER
    seen: list[bool] = field(default_factory=list)
    saved: list[Report] = field(default_factory=list)

    def pages(self, *, consistent: bool) -> Iterator[Page]:
        self.seen.append(consistent)
        entities = self.looks[len(self.seen) - 1]
        for table, kept in (
            (
                "accounts",
                [e for e in entities if not isinstance(e, Order) and not hasattr(e, "postings")],
            ),
            ("orders", [e for e in entities if isinstance(e, Order)]),
            ("ledger", [e for e in entities if hasattr(e, "postings")]),
        ):
            self.now += timedelta(minutes=1)
            yield Page(table=table, items=len(kept) + 1, entities=kept, read_units=Decimal("1.5"))

    def clock(self) -> datetime:
        return self.now

    def save(self, report: Report) -> None:
        self.saved.append(report)

    def reconcile(self, minutes: float = 10) -> Report:
        report = ReconcileBooks(self, self, self.clock)(self.now + timedelta(minutes=minutes))
        assert self.saved == [report]
        return report


def right() -> list[Entity]:
    """Alice bought 100."""
    world = World()
    world.fill(world.placed(), 100)
    return [entity for entity in world.books.items.values() if not isinstance(entity, Break)]


def damaged() -> list[Entity]:
    """The same books, with a cent from nowhere."""
    return [
        e.model_copy(update={"available": e.available + Decimal("0.01")})
        if isinstance(e, Account)
        else e
        for e in right()
    ]


def test_correct_books_are_read_once_and_the_report_has_no_findings() -> None:
    books = Books([right()])
    report = books.reconcile()
    assert books.seen == [False]
    assert report == Report(
        started_at=NOW + LATER,
        finished_at=NOW + LATER + timedelta(minutes=3),
        complete=True,
        items={"accounts": 3 + 1, "orders": 1 + 1, "ledger": 4 + 1},
        read_units=Decimal("4.5"),
        in_motion=0,
        broken={str(invariant): 0 for invariant in INVARIANTS},
        unconfirmed=0,
        breaks=0,
    )


def test_an_obligation_is_overdue_when_the_cycles_of_its_day_are_over() -> None:
    world = World()
    world.fill(world.placed(), 100)
    world.run()
    books = [each for each in world.books.items.values() if not isinstance(each, Break)]
    (due,) = {each.settlement_date for each in books if isinstance(each, Obligation)}
    over = datetime(due.year, due.month, due.day, 21, tzinfo=NEW_YORK)
    for now, overdue in ((over - timedelta(minutes=1), 0), (over, 1), (over + 9 * LATER, 1)):
        assert Books([books], now).reconcile().overdue == overdue


def test_a_finding_is_confirmed_by_a_strongly_consistent_look() -> None:
    books = Books([damaged(), damaged()])
    report = books.reconcile()
    assert books.seen == [False, True]
    assert [(f.invariant, f.subject, f.confirmed) for f in report.findings] == [(1, "alice", True)]
    assert report.broken == {str(i): int(i == 1) for i in INVARIANTS}
    assert (report.unconfirmed, report.complete, report.read_units) == (0, True, Decimal(9))


def test_a_finding_that_the_second_look_does_not_show_is_not_confirmed() -> None:
    report = Books([damaged(), right()]).reconcile()
    assert [(f.subject, f.confirmed) for f in report.findings] == [("alice", False)]
    assert (sum(report.broken.values()), report.unconfirmed, report.complete) == (0, 1, True)


def test_a_finding_about_a_client_who_trades_meanwhile_is_not_confirmed() -> None:
    moving = [
        e.model_copy(
            update={
                "history": (
                    *e.history[:-1],
                    e.history[-1].model_copy(update={"time": NOW + LATER + timedelta(minutes=4)}),
                )
            }
        )
        if isinstance(e, Order)
        else e
        for e in damaged()
    ]
    report = Books([damaged(), moving]).reconcile()
    assert (sum(report.broken.values()), report.unconfirmed) == (0, 1)


def test_confirmed_findings_come_first() -> None:
    (order,) = (e for e in right() if isinstance(e, Order))
    short = [e.model_copy(update={"quantity": 99}) if e == order else e for e in damaged()]
    report = Books(
        [short, [*(e for e in right() if e != order), *(e for e in short if isinstance(e, Order))]]
    ).reconcile()
    assert [(f.invariant, f.confirmed) for f in report.findings] == [(5, True), (1, False)]


def test_clients_that_trade_are_counted_and_not_checked() -> None:
    books = Books([damaged()], now=NOW)
    report = books.reconcile()
    assert (report.in_motion, report.findings, report.complete) == (1, (), True)


def test_an_unfinished_look_reports_only_entities_that_are_wrong_by_themselves() -> None:
    """Without its ledger entries, every account would be wrong."""
    books = Books([damaged()])
    report = books.reconcile(minutes=2)
    assert (books.seen, report.complete, report.findings) == ([False], False, ())
    assert report.items == {"accounts": 4, "orders": 2, "ledger": 0}
    crooked = [
        e.model_copy(update={"quantity": 99}) if isinstance(e, Order) else e for e in right()
    ]
    report = Books([crooked]).reconcile(minutes=2)
    assert [(f.invariant, f.confirmed) for f in report.findings] == [(5, False)]
    assert (report.complete, report.unconfirmed) == (False, 1)


def test_an_unfinished_second_look_leaves_the_findings_unconfirmed() -> None:
    report = Books([damaged(), damaged()]).reconcile(minutes=5)
    assert [(f.subject, f.confirmed) for f in report.findings] == [("alice", False)]
    assert (report.complete, report.unconfirmed) == (False, 1)


def test_the_size_of_the_report_is_bounded() -> None:
    history = (HistoryEntry(status=OrderStatus.RECEIVED, time=NOW),) * 1000
    (order,) = (e for e in right() if isinstance(e, Order))
    odd = order.model_copy(update={"history": history, "filled_quantity": 0})
    wrong = [odd.model_copy(update={"order_id": f"ord_{n}"}) for n in range(150)]
    report = Books([wrong, wrong]).reconcile()
    assert len(report.findings) == LISTED
    assert max(len(f.message) for f in report.findings) == MESSAGE_LENGTH
    assert report.broken["10"] == 150


def test_breaks_are_listed_separately_newest_first() -> None:
    breaks = [
        Break(
            trade_id=f"trd_{minute}",
            client_id="alice",
            booked_at=NOW + timedelta(minutes=minute),
            code="OVERFILL",
            reason="x" * 1000,
            evidence={"quantity": "1"},
        )
        for minute in (*range(70, 150), *range(30))
    ]
    report = Books([[*right(), *breaks]], now=NOW + timedelta(days=1)).reconcile()
    assert (report.findings, report.breaks, len(report.recent_breaks)) == ((), 110, LISTED)
    assert [b.trade_id for b in report.recent_breaks[:2]] == ["trd_149", "trd_148"]
    assert report.recent_breaks[0].code == "OVERFILL"
    assert len(report.recent_breaks[0].reason) == MESSAGE_LENGTH
