"""The settlement cycle: whom it asks to settle, and how long it looks."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.fakes.builders import TOMORROW
from tests.fakes.world import World
from tests.unit.usecases.posttrade.cleared import cleared
from trading.adapters.messaging.mailbox_worker import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MAX_TRIES,
)
from trading.domain.deadline import NEVER
from trading.domain.orders.order_status import OrderStatus
from trading.domain.reference import calendars
from trading.usecases.posttrade import settlement_cycle
from trading.usecases.posttrade.settle_obligations import NotASettlementDayError, NotDueError
from trading.usecases.posttrade.settlement_cycle import Progress


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (2, [["alice", "bob"], ["carol", "alice"], ["dave"]]),
        (3, [["alice", "bob", "carol"], ["dave"]]),
        (9, [["alice", "bob", "carol", "dave"]]),
    ],
)
def test_the_plan_pages_through_clients_and_due_dates(
    world: World, monkeypatch: pytest.MonkeyPatch, size: int, expected: list[list[str]]
) -> None:
    """A client is on a page once."""
    monkeypatch.setattr(settlement_cycle, "CLIENTS_PER_PAGE", size)
    for client_id in ("bob", "carol", "dave"):
        world.add_client(client_id, cash="50000.00")
    for client_id in ("alice", "bob", "carol"):
        cleared(world, client_id=client_id)
    world.advance(days=1)
    for client_id in ("alice", "dave"):
        cleared(world, "next day", client_id=client_id)
    day, cursor, pages = TOMORROW + timedelta(days=1), None, []
    while True:
        plan = world.plan(day, cursor)
        pages.append([client.client_id for client in plan.clients])
        cursor = plan.cursor
        if cursor is None:
            break
    assert pages == expected
    first = {c.client_id for c in world.plan(TOMORROW, None).clients}
    assert first == {"alice", "bob", "carol"} - ({"carol"} if size == 2 else set())


def test_an_unsettled_obligation_is_planned_again_until_it_settles(world: World) -> None:
    cleared(world)
    assert [c.client_id for c in world.plan(date(2026, 12, 14), None).clients] == ["alice"]
    world.settle("alice", TOMORROW, NEVER)
    assert world.plan(date(2026, 12, 14), None).clients == ()


def test_the_default_date_of_the_plan_is_today_in_new_york(world: World) -> None:
    world.now = world.now.replace(day=25, hour=3)
    assert world.plan(None, None).settlement_date == TOMORROW


@pytest.mark.parametrize(
    "day", [date(2026, 11, 26), date(2026, 11, 28), date(2027, 10, 11), date(2027, 11, 11)]
)
def test_on_a_day_without_settlement_no_client_is_planned(world: World, day: date) -> None:
    cleared(world)
    plan = world.plan(day, None)
    assert (plan.is_settlement_day, plan.clients, plan.cursor) == (False, (), None)


def test_the_clients_of_every_page_are_asked_and_the_oldest_due_date_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement_cycle, "CLIENTS_PER_PAGE", 1)
    world.add_client("bob", cash="50000.00")
    cleared(world)
    world.advance(days=1)
    cleared(world, "next day", client_id="bob")
    day = TOMORROW + timedelta(days=1)
    first = world.ask(day, None, None, "cycle")
    last = world.ask(day, first.cursor, first.progress, "cycle")
    assert (first.asked, last.asked, last.cursor) == (1, 1, None)
    assert last.progress == first.progress == Progress(due_since=TOMORROW)
    assert world.faults.calls.count("books.due_since") == 1
    asked = world.mailboxes.waiting("settlement")
    assert [(each.client_id, each.correlation_id) for each in asked] == [
        ("alice", "cycle"),
        ("bob", "cycle"),
    ]


def test_without_anything_due_there_is_no_progress_to_look_at(world: World) -> None:
    page = world.ask(TOMORROW, None, None, "cycle")
    assert (page.asked, page.cursor, page.progress) == (0, None, None)


def test_a_client_whose_mailbox_takes_nothing_stops_no_other(world: World) -> None:
    world.add_client("bob", cash="50000.00")
    for client_id in ("alice", "bob"):
        cleared(world, client_id=client_id)
    world.mailboxes.refusing = {"alice"}
    assert world.ask(TOMORROW, None, None, "cycle").asked == 1
    world.run()
    assert [client.client_id for client in world.plan(TOMORROW, None).clients] == ["alice"]


def test_asking_twice_settles_once(world: World) -> None:
    order, *_ = cleared(world)
    for _ in range(2):
        world.ask(TOMORROW, None, None, "cycle")
    world.run()
    assert world.current(order).status is OrderStatus.SETTLED
    assert world.findings() == []


def test_a_look_counts_what_is_due_from_the_oldest_date_to_the_cycles(world: World) -> None:
    cleared(world)
    world.advance(days=1)
    cleared(world, "next day")
    day = TOMORROW + timedelta(days=1)
    assert world.look(day, Progress(due_since=TOMORROW)).due == 2
    assert world.look(TOMORROW, Progress(due_since=TOMORROW)).due == 1
    world.settle("alice", day, NEVER)
    over = world.look(day, Progress(due_since=TOMORROW, due=2))
    assert (over.due, over.is_over) == (0, True)


def looks(*due: int) -> list[Progress]:
    """The progress after looks that found these numbers."""
    seen = [Progress(due_since=TOMORROW)]
    for number in due:
        seen.append(seen[-1].seen(number))
    return seen[1:]


def test_looks_are_frequent_while_obligations_settle() -> None:
    assert [(p.wait_seconds, p.quiet_seconds, p.is_over) for p in looks(9, 9, 9, 5, 5, 0)] == [
        (5, 0, False),
        (10, 5, False),
        (20, 15, False),
        (5, 0, False),
        (10, 5, False),
        (20, 15, True),
    ]


@pytest.mark.parametrize("due", [7, 8])
def test_a_cycle_stops_looking_when_nothing_settles_any_more(due: int) -> None:
    """An index that is behind may show more than at the look before."""
    seen = looks(7, *[due] * 20)
    over = next(p for p in seen if p.is_over)
    assert over.quiet_seconds >= settlement_cycle.QUIET_SECONDS
    assert over.quiet_seconds < settlement_cycle.QUIET_SECONDS + over.wait_seconds
    assert max(p.wait_seconds for p in seen) == settlement_cycle.LONGEST_WAIT_SECONDS


def test_a_cycle_looks_for_longer_than_a_worker_tries_a_message() -> None:
    longest = sum(
        min(FIRST_PAUSE_SECONDS * 2**tried, LONGEST_PAUSE_SECONDS) for tried in range(MAX_TRIES - 1)
    )
    assert longest < settlement_cycle.QUIET_SECONDS


NIGHT = datetime(2026, 11, 25, 4, 59, tzinfo=UTC)
"""Still 24 November in New York."""


@pytest.mark.parametrize("day", [None, date(2026, 11, 24), date(2026, 11, 23), date(2026, 6, 1)])
def test_an_operator_may_start_the_cycle_of_today_and_of_earlier_days(day: date | None) -> None:
    settlement_cycle.check_startable(day, NIGHT)


@pytest.mark.parametrize("day", [date(2026, 11, 25), date(2026, 11, 26), date(9999, 1, 4)])
def test_the_cycle_of_a_day_to_come_cannot_be_started(day: date) -> None:
    with pytest.raises(NotDueError):
        settlement_cycle.check_startable(day, NIGHT)
    if day == date(2026, 11, 25):
        settlement_cycle.check_startable(day, NIGHT + timedelta(minutes=1))


@pytest.mark.parametrize(
    "day", [date(2026, 11, 22), date(2026, 1, 1), date(2025, 11, 11), date(1900, 1, 2)]
)
def test_the_cycle_of_a_day_without_settlement_cannot_be_started(day: date) -> None:
    with pytest.raises(NotASettlementDayError):
        settlement_cycle.check_startable(day, NIGHT)


def test_without_a_date_the_cycle_is_that_of_today_in_new_york() -> None:
    with pytest.raises(NotASettlementDayError):
        settlement_cycle.check_startable(None, datetime(2026, 11, 29, 15, tzinfo=UTC))


def test_an_obligation_is_planned_for_a_hundred_days_and_no_longer(world: World) -> None:
    cleared(world)
    last = TOMORROW + timedelta(days=100)
    assert calendars.is_settlement_day(last)
    assert [c.client_id for c in world.plan(last, None).clients] == ["alice"]
    assert world.reconcile(last).unsettled_clients == 1
    after = calendars.settlement_date(last, 1)
    assert world.plan(after, None).clients == ()
    assert world.reconcile(after).unsettled_clients == 0
