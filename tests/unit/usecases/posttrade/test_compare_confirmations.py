"""The settlement cycle compares the depository's confirmations with the ledger."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from tests.fakes.builders import TOMORROW, D
from tests.fakes.faults import CrashError
from tests.fakes.world import World
from tests.unit.usecases.posttrade.cleared import breaks, cleared
from trading.domain import identifiers
from trading.domain.deadline import NEVER
from trading.domain.orders.order_status import OrderStatus
from trading.domain.posttrade.netting import Obligation
from trading.usecases.ports import Discharged, OutcomeUnknownError
from trading.wire import ConfirmationPage, ConfirmationStatus, DeliveryDirection


def test_confirmations_that_agree_with_the_ledger_match(world: World) -> None:
    for key in ("first", "second", "third"):
        cleared(world, key)
    world.depository.failing = {
        identifiers.settlement_id(world.current(cleared(world, "fails")[0]).trades[0])
    }
    world.settle("alice", TOMORROW, NEVER)
    agreement = world.reconcile(TOMORROW)
    assert (agreement.confirmations, agreement.matched, agreement.failed, agreement.breaks) == (
        4,
        3,
        1,
        0,
    )
    assert agreement.unsettled_clients == 1
    assert breaks(world) == []


def test_a_confirmation_of_a_due_obligation_is_no_break(world: World) -> None:
    cleared(world)
    world.faults.before("books.commit")
    with pytest.raises(CrashError):
        world.settle("alice", TOMORROW, NEVER)
    agreement = world.reconcile(TOMORROW)
    assert (
        agreement.matched,
        agreement.pending,
        agreement.breaks,
        agreement.unsettled_clients,
    ) == (0, 1, 0, 1)
    world.settle("alice", TOMORROW, NEVER)
    agreement = world.reconcile(TOMORROW)
    assert (
        agreement.matched,
        agreement.pending,
        agreement.breaks,
        agreement.unsettled_clients,
    ) == (1, 0, 0, 0)
    assert breaks(world) == []


def test_an_obligation_settled_during_the_reconciliation_is_no_break(world: World) -> None:
    cleared(world)
    world.faults.before("books.commit")
    with pytest.raises(CrashError):
        world.settle("alice", TOMORROW, NEVER)
    obligations_in = world.books.obligations_in

    def settled_meanwhile(
        client_id: str, settlement_date: date, symbol: str
    ) -> Sequence[Obligation]:
        world.settle("alice", TOMORROW, NEVER)
        return obligations_in(client_id, settlement_date, symbol)

    world.books.obligations_in = settled_meanwhile  # type: ignore[method-assign]
    agreement = world.reconcile(TOMORROW)
    assert (agreement.matched, agreement.pending, agreement.breaks) == (1, 0, 0)


def test_a_confirmation_that_is_missing_in_the_ledger_is_one_break(world: World) -> None:
    cleared(world)
    world.faults.before("books.commit")
    with pytest.raises(CrashError):
        world.settle("alice", TOMORROW, NEVER)
    (lost,) = world.books.obligations("alice", TOMORROW)
    world.books.commit(Discharged(obligation=lost))
    for _ in range(2):
        agreement = world.reconcile(TOMORROW)
        assert (agreement.matched, agreement.breaks) == (0, 1)
        world.compared.recorded = None
    assert breaks(world) == ["UNRECONCILED_CONFIRMATION"]


@pytest.mark.parametrize(
    "said",
    [
        {"quantity": 99},
        {"amount": D("9999.99")},
        {"symbol": "MSFT"},
        {"direction": DeliveryDirection.DELIVER},
        {"currency": "EUR"},
    ],
)
def test_a_confirmation_that_differs_from_the_ledger_is_a_break(
    world: World, said: dict[str, object]
) -> None:
    _, trade_id = cleared(world)
    world.settle("alice", TOMORROW, NEVER)
    assert world.reconcile(TOMORROW).breaks == 0
    instruction_id = identifiers.settlement_id(trade_id)
    confirmation = world.depository.settled[instruction_id]
    world.depository.settled[instruction_id] = confirmation.model_copy(update=said)
    assert world.reconcile(TOMORROW).breaks == 1
    assert breaks(world) == ["UNRECONCILED_CONFIRMATION"]


def test_a_confirmation_of_an_unknown_trade_is_a_break(world: World) -> None:
    cleared(world)
    world.settle("alice", TOMORROW, NEVER)
    (confirmation,) = world.depository.settled.values()
    world.depository.settled["stl_ghost"] = confirmation.model_copy(
        update={"instruction_id": "stl_ghost"}
    )
    agreement = world.reconcile(TOMORROW)
    assert (agreement.matched, agreement.breaks) == (1, 1)


def settled_late(world: World, days: int) -> str:
    """A trade that the depository settles so many days after its date, and our books do not have.

    Its worker died after the instruction, and the record of its obligation is lost.
    """
    _, trade_id = cleared(world)
    world.depository.failing = {identifiers.settlement_id(trade_id)}
    for back in range(days):
        day = TOMORROW + timedelta(days=back)
        world.settle("alice", day, NEVER)
        world.reconcile(day)
    world.depository.failing = set()
    world.faults.before("books.commit")
    with pytest.raises(CrashError):
        world.settle("alice", TOMORROW + timedelta(days=days), NEVER)
    (owed,) = world.books.obligations("alice", TOMORROW)
    world.books.write(Discharged(obligation=owed))
    return trade_id


@pytest.mark.parametrize("days", [0, 1, 6, 7, 8, 30, 99, 100])
def test_a_trade_that_settles_late_is_compared_under_its_own_date(world: World, days: int) -> None:
    settled_late(world, days)
    agreement = world.reconcile(TOMORROW + timedelta(days=days))
    assert (agreement.confirmations, agreement.breaks) == (1, 1)
    assert breaks(world) == ["UNRECONCILED_CONFIRMATION"]


def test_the_oldest_date_is_compared_although_later_dates_are_due_as_well(world: World) -> None:
    oldest, asked = cleared(world)[1], TOMORROW + timedelta(days=20)
    world.now += timedelta(days=10)
    cleared(world, "later")
    world.depository.failing = {identifiers.settlement_id(oldest)}
    world.settle("alice", TOMORROW, NEVER)
    assert world.reconcile(asked - timedelta(days=1)).unsettled_clients == 1
    world.depository.failing = set()
    world.faults.before("books.commit")
    with pytest.raises(CrashError):
        world.settle("alice", TOMORROW, NEVER)
    (owed,) = world.books.obligations("alice", TOMORROW)
    world.books.write(Discharged(obligation=owed))
    assert world.reconcile(asked).breaks == 1


@pytest.mark.parametrize("days", [4, 7, 8, 20])
def test_days_without_a_comparison_are_compared_by_the_next_one(world: World, days: int) -> None:
    world.reconcile(TOMORROW - timedelta(days=1))
    settled_late(world, 0)
    later = TOMORROW + timedelta(days=days)
    world.faults.before("depository.confirmations")
    with pytest.raises(CrashError):
        world.reconcile(later)
    assert world.reconcile(later).breaks == 1


def test_a_comparison_goes_back_seven_days_and_no_further_when_all_is_settled(
    world: World,
) -> None:
    asked: list[date] = []
    confirmations = world.depository.confirmations

    def noted(day: date, cursor: str | None) -> ConfirmationPage:
        asked.append(day)
        return confirmations(day, cursor)

    world.depository.confirmations = noted  # type: ignore[method-assign]
    for back in range(3):
        asked.clear()
        today = TOMORROW + timedelta(days=back)
        world.reconcile(today)
        assert asked == [today - timedelta(days=n) for n in range(7)]


def test_pages_of_confirmations_that_never_end_are_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ConfirmationPage(confirmations=(), next_cursor="again")
    monkeypatch.setattr(world.depository, "confirmations", lambda day, cursor: page)
    with pytest.raises(OutcomeUnknownError, match="never end"):
        world.reconcile(TOMORROW)


def test_an_unknown_result_of_the_depository_settles_nothing(world: World) -> None:
    order, trade_id = cleared(world)
    name = identifiers.settlement_id(trade_id)
    world.depository.misreading = {name: {"status": ConfirmationStatus.OTHER}}
    assert world.settle("alice", TOMORROW, NEVER).failed == 1
    assert world.current(order).status is OrderStatus.CLEARED
    assert breaks(world) == []
    world.depository.misreading = {}
    world.depository.settled.clear()
    assert world.settle("alice", TOMORROW, NEVER).settled == 1
