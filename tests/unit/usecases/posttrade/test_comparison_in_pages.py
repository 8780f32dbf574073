"""A comparison with the depository in pages: only what is new, and a page can be repeated."""

from datetime import timedelta

import pytest

from tests.fakes.builders import TOMORROW
from tests.fakes.faults import CrashError
from tests.fakes.world import World
from tests.unit.usecases.posttrade.cleared import breaks, cleared
from trading.domain.deadline import NEVER, Deadline
from trading.usecases.ports import Discharged, OutcomeUnknownError
from trading.usecases.posttrade import reconcile_settlement, settlement_cycle
from trading.usecases.posttrade.reconcile_settlement import (
    Agreement,
    Compared,
    Comparison,
    Reading,
    ReconcileSettlement,
)
from trading.wire import ConfirmationPage

LIMIT_OF_A_STATE = 256 * 1024
NO_TIME = Deadline(lambda: timedelta())


def settled(world: World, *keys: str) -> None:
    """Trades that are settled in our books and at the depository."""
    for key in keys:
        cleared(world, key)
    world.settle("alice", TOMORROW, NEVER)


def lost(world: World, key: str) -> None:
    """A trade that the depository settled and our books have lost."""
    cleared(world, key)
    world.faults.before("books.commit")
    with pytest.raises(CrashError):
        world.settle("alice", TOMORROW, NEVER)
    for owed in world.books.obligations("alice", TOMORROW):
        world.books.write(Discharged(obligation=owed))


def in_pages_of(world: World, confirmations: int) -> ReconcileSettlement:
    world.confirmations_per_page = confirmations
    return world._use_case(ReconcileSettlement)


def all_pages(reconcile: ReconcileSettlement, times: int = 1) -> list[Agreement]:
    """Every page of a comparison, each done so many times. Its state passes through JSON.

    A page that is repeated after the last one has recorded its end finds nothing new, if it begins
    the comparison.
    """
    pages: list[Agreement] = []
    comparison: Comparison | None = None
    while True:
        page, *again = [reconcile(TOMORROW, comparison) for _ in range(times)]
        pages.append(page)
        if comparison or page.comparison:
            assert all(each == page for each in again)
        if page.comparison is None:
            return pages
        comparison = Comparison.model_validate_json(page.comparison.model_dump_json())


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("times", [1, 2])
def test_a_comparison_in_pages_is_that_of_one_page(world: World, size: int, times: int) -> None:
    settled(world, "first", "second", "third")
    lost(world, "lost")
    *_, last = all_pages(in_pages_of(world, size), times)
    assert (last.confirmations, last.matched, last.breaks) == (4, 3, 1)
    assert breaks(world) == ["UNRECONCILED_CONFIRMATION"]


def test_a_page_ends_when_its_confirmations_are_read(world: World) -> None:
    """The depository lists two at a time, and six of the dates are empty."""
    settled(world, "first", "second", "third")
    pages = all_pages(in_pages_of(world, 2))
    assert [page.confirmations for page in pages] == [2, 3, 3, 3, 3]
    assert all(page.unsettled_clients == 0 for page in pages)


def test_without_time_a_page_makes_one_request(world: World) -> None:
    settled(world, "first", "second", "third")
    comparison, requests = None, 0
    while True:
        page = world.reconcile(TOMORROW, comparison, NO_TIME)
        comparison = page.comparison
        if comparison is None:
            break
        requests += 1
    assert requests == world.faults.calls.count("depository.confirmations") == 8
    assert page.matched == 3


def test_a_page_that_fails_is_repeated_and_counts_once(world: World) -> None:
    settled(world, "first", "second", "third")
    reconcile = in_pages_of(world, 1)
    first = reconcile(TOMORROW)
    world.faults.before("depository.confirmations")
    with pytest.raises(CrashError):
        reconcile(TOMORROW, first.comparison)
    assert world.compared.recorded is None, "a comparison that is not over records nothing"
    comparison = first.comparison
    while comparison is not None:
        page = reconcile(TOMORROW, comparison)
        comparison = page.comparison
    assert (page.confirmations, page.matched) == (3, 3)


def test_only_what_is_new_is_compared(world: World) -> None:
    settled(world, "first", "second")
    assert world.reconcile(TOMORROW).matched == 2
    assert world.reconcile(TOMORROW).confirmations == 0
    settled(world, "third")
    lost(world, "lost")
    agreement = world.reconcile(TOMORROW + timedelta(days=1))
    assert (agreement.confirmations, agreement.matched, agreement.breaks) == (2, 1, 1)


def test_a_depository_that_keeps_no_position_has_all_compared_again(world: World) -> None:
    world.depository.has_ends = False
    settled(world, "first", "second")
    for _ in range(2):
        assert world.reconcile(TOMORROW).matched == 2
    assert world.compared.recorded == Compared(open_since=TOMORROW)


def test_what_is_pending_is_compared_again_with_all_after_it(world: World) -> None:
    """Two confirmations are a part of the list."""
    settled(world, "first", "second", "third")
    cleared(world, "pending")
    world.faults.before("books.commit")
    with pytest.raises(CrashError):
        world.settle("alice", TOMORROW, NEVER)
    agreement = world.reconcile(TOMORROW)
    assert (agreement.matched, agreement.pending) == (3, 1)
    for _ in range(2):
        agreement = world.reconcile(TOMORROW)
        assert (agreement.confirmations, agreement.pending) == (2, 1)
    (owed,) = world.books.obligations("alice", TOMORROW)
    world.books.write(Discharged(obligation=owed))
    assert world.reconcile(TOMORROW).breaks == 1
    assert world.reconcile(TOMORROW).confirmations == 0


def test_a_first_confirmation_that_is_pending_has_the_whole_date_compared_again(
    world: World,
) -> None:
    cleared(world)
    world.faults.before("books.commit")
    with pytest.raises(CrashError):
        world.settle("alice", TOMORROW, NEVER)
    assert world.reconcile(TOMORROW).pending == 1
    assert world.reconcile(TOMORROW).pending == 1
    world.settle("alice", TOMORROW, NEVER)
    assert world.reconcile(TOMORROW).matched == 1


def test_the_comparison_of_an_earlier_date_forgets_nothing_of_later_ones(world: World) -> None:
    settled(world, "first")
    assert world.reconcile(TOMORROW).matched == 1
    assert world.reconcile(TOMORROW - timedelta(days=20)).confirmations == 0
    assert world.reconcile(TOMORROW).confirmations == 0


@pytest.mark.parametrize("before", [0, 1, 2, 5])
@pytest.mark.parametrize("cycle", [1, 2, 3, 7])
def test_cursors_that_come_again_are_noticed(before: int, cycle: int) -> None:
    """Whatever the cycle begins with, and however long it is."""
    read: list[Reading] = [Reading(cursor=None)]

    def go_on() -> None:
        for number in range(1000):
            place = number if number < before else before + (number - before) % cycle
            read.append(read[-1].passed(str(place), 0))

    with pytest.raises(OutcomeUnknownError, match="never end"):
        go_on()
    assert len(read) <= 4 * (before + cycle) + 2


def test_a_list_with_ever_new_cursors_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile_settlement, "MOST_PAGES", 5)
    numbers = iter(range(1000))
    monkeypatch.setattr(
        world.depository,
        "confirmations",
        lambda day, cursor: ConfirmationPage(confirmations=(), next_cursor=str(next(numbers))),
    )
    with pytest.raises(OutcomeUnknownError, match="did not end in 5 pages"):
        all_pages(in_pages_of(world, 10))
    assert next(numbers) == 60


def test_the_state_between_two_pages_fits_into_the_workflow() -> None:
    days = [TOMORROW - timedelta(days=n) for n in range(settlement_cycle.LOOK_BACK.days + 1)]
    page = ConfirmationPage(confirmations=(), next_cursor="c" * 2048, end_cursor="e" * 512)
    assert page.end_cursor is not None
    comparison = Comparison.of(days, dict.fromkeys(days, page.end_cursor)).but(
        reading=Reading(
            cursor="\u20ac" * 2048, has_pending=True, first_pending="c" * 2048, mark="c" * 2048
        )
    )
    agreement = Agreement.of(TOMORROW, comparison.counts, comparison=comparison)
    assert len(agreement.model_dump_json().encode()) < LIMIT_OF_A_STATE / 2


@pytest.mark.parametrize("end", ["e" * 513, "\u20ac", "", 7])
def test_an_end_that_cannot_be_kept_is_set_aside(end: object) -> None:
    page = ConfirmationPage.model_validate({"confirmations": [], "end_cursor": end})
    assert page.end_cursor is None
