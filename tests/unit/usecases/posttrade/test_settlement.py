"""Each obligation settles once, whatever the depository answers or fails to answer."""

from datetime import date, datetime, time, timedelta

import pytest
from pydantic import ValidationError

from tests.fakes.builders import TOMORROW, D
from tests.fakes.deadlines import over_at
from tests.fakes.faults import CrashError
from tests.fakes.world import World
from tests.unit.usecases.posttrade.cleared import BEFORE, breaks, cleared, settlements
from trading.domain import identifiers
from trading.domain.deadline import NEVER
from trading.domain.errors import NegativeBalanceError
from trading.domain.orders.order_status import OrderStatus
from trading.domain.reference.calendars import NEW_YORK
from trading.domain.values import Side
from trading.usecases.ports import (
    InstructionRefusedError,
    NotFoundError,
    OutcomeUnknownError,
)
from trading.usecases.posttrade.settle_obligations import (
    NotASettlementDayError,
    NotClearedError,
    NotDueError,
    Outcome,
    SettlementFailedError,
)
from trading.wire import DeliveryDirection


def test_a_due_obligation_is_settled_once(world: World) -> None:
    order, trade_id = cleared(world)
    assert world.settle("alice", TOMORROW, NEVER) == Outcome(settled=1)
    assert world.settle("alice", TOMORROW, NEVER) == Outcome()
    assert world.current(order).status is OrderStatus.SETTLED
    assert world.books.position("alice", "AAPL").unsettled == 0
    (confirmation,) = world.depository.settled.values()
    assert confirmation.instruction_id == identifiers.settlement_id(trade_id)
    assert (confirmation.direction, confirmation.amount) == (
        DeliveryDirection.RECEIVE,
        D("10000.00"),
    )
    assert world.findings(expect_final=True) == []


def test_an_obligation_is_not_settled_before_it_is_due(world: World) -> None:
    cleared(world)
    assert world.settle("alice", BEFORE, NEVER) == Outcome()
    assert world.depository.settled == {}


def test_an_overdue_obligation_is_settled_too(world: World) -> None:
    cleared(world)
    assert world.settle("alice", TOMORROW + timedelta(days=5), NEVER) == Outcome(settled=1)


def test_the_proceeds_of_a_settled_sale_repay_the_loan(world: World) -> None:
    world.add_client(
        "bob", cash="6000.00", shares=20, margin_percent=D(50), credit_limit=D("9000.00")
    )
    cleared(world, "buy", client_id="bob")
    cleared(world, "sale", client_id="bob", side=Side.SELL, quantity=20)
    before = world.books.account("bob")
    assert (before.credit_used, before.unsettled) == (D("5000.15"), D("1999.94"))
    assert world.settle("bob", TOMORROW, NEVER) == Outcome(settled=2)
    after = world.books.account("bob")
    assert (after.credit_used, after.unsettled, after.available) == (
        D("3000.21"),
        0,
        before.available,
    )
    assert world.findings(expect_final=True) == []


def test_proceeds_held_by_a_purchase_do_not_repay_the_loan(world: World) -> None:
    """Only settled cash without a hold repays a loan."""
    world.add_client("bob", cash="5000.15", margin_percent=D(50), credit_limit=D("6000.00"))
    world.fill(world.placed("buy", client_id="bob"), 100)
    world.fill(world.placed("sell", client_id="bob", side=Side.SELL, quantity=20), 20)
    again = world.placed("again", client_id="bob", quantity=19)
    before = world.books.account("bob")
    assert (before.available, before.held, before.unsettled) == (0, D("950.03"), D("1049.91"))
    world.settlement_cycle(TOMORROW)
    after = world.books.account("bob")
    assert (after.credit_used, after.unsettled, after.available) == (D("3950.24"), 0, 0)
    world.fill(again, 19)
    assert world.books.account("bob").total == 0
    assert world.findings() == []


def test_a_failed_instruction_stays_due_and_does_not_stop_the_others(world: World) -> None:
    first, trade_id = cleared(world, "first")
    second, _ = cleared(world, "second")
    world.depository.failing = {identifiers.settlement_id(trade_id)}
    assert world.settle("alice", TOMORROW, NEVER) == Outcome(settled=1, failed=1)
    assert (world.current(first).status, world.current(second).status) == (
        OrderStatus.CLEARED,
        OrderStatus.SETTLED,
    )
    assert world.findings() == []
    world.depository.failing = set()
    assert world.settle("alice", TOMORROW + timedelta(days=1), NEVER) == Outcome(settled=1)


def test_a_refused_instruction_counts_as_failed(world: World) -> None:
    cleared(world)
    world.faults.before("depository.instruct", InstructionRefusedError("no such account"))
    assert world.settle("alice", TOMORROW, NEVER) == Outcome(failed=1)


@pytest.mark.parametrize(
    "misreading",
    [
        {"amount": D("9999.99")},
        {"quantity": 99},
        {"symbol": "MSFT"},
        {"direction": DeliveryDirection.DELIVER},
        {"currency": "EUR"},
        {"settlement_date": BEFORE},
        {"instruction_id": "stl_another"},
    ],
)
def test_a_confirmation_that_differs_from_its_instruction_is_a_break(
    world: World, misreading: dict[str, object]
) -> None:
    order, trade_id = cleared(world)
    world.depository.misreading = {identifiers.settlement_id(trade_id): misreading}
    for _ in range(2):
        assert world.settle("alice", TOMORROW, NEVER) == Outcome(failed=1)
        world.depository.settled.clear()
    assert breaks(world) == ["CONFIRMATION_MISMATCH"], "the break is written once"
    assert world.current(order).status is OrderStatus.CLEARED
    assert settlements(world) == []


@pytest.mark.parametrize("after", [False, True])
def test_after_an_unanswered_instruction_the_others_settle_and_the_message_returns(
    world: World, after: bool
) -> None:
    for key in ("first", "second"):
        cleared(world, key)
    fault = world.faults.after if after else world.faults.before
    fault("depository.instruct", OutcomeUnknownError("timed out"))
    with pytest.raises(OutcomeUnknownError):
        world.settle("alice", TOMORROW, NEVER)
    assert len(settlements(world)) == 1
    assert world.settle("alice", TOMORROW, NEVER) == Outcome(settled=1)
    assert len(world.depository.settled) == 2
    assert world.findings(expect_final=True) == []


@pytest.mark.parametrize("after", [False, True])
def test_a_settlement_is_booked_once_although_its_worker_dies(world: World, after: bool) -> None:
    cleared(world)
    (world.faults.after if after else world.faults.before)("books.commit")
    with pytest.raises(CrashError):
        world.settle("alice", TOMORROW, NEVER)
    assert len(settlements(world)) == int(after)
    world.settle("alice", TOMORROW, NEVER)
    assert len(settlements(world)) == 1
    assert world.findings(expect_final=True) == []


def test_a_settlement_that_loses_a_race_against_trading_is_tried_again(world: World) -> None:
    cleared(world, side=Side.SELL)
    world.faults.stale(times=3)
    assert world.settle("alice", TOMORROW, NEVER) == Outcome(settled=1)
    assert len(world.depository.settled) == 1


def test_settlement_that_runs_out_of_time_says_where_it_stopped(world: World) -> None:
    for key in ("first", "second", "third"):
        cleared(world, key)
    outcome = world.settle("alice", TOMORROW, over_at(3))
    assert (outcome.settled, outcome.failed, outcome.unanswered) == (2, 0, 0)
    assert outcome.stopped_after is not None
    assert world.settle("alice", TOMORROW, NEVER, outcome.stopped_after) == Outcome(settled=1)


def test_the_next_message_settles_the_others_after_an_unanswered_instruction(
    world: World,
) -> None:
    for key in ("first", "second", "third"):
        cleared(world, key)
    world.faults.before("depository.instruct", OutcomeUnknownError("timed out"))
    outcome = world.settle("alice", TOMORROW, over_at(2))
    assert (outcome.settled, outcome.unanswered) == (0, 1)
    assert world.settle("alice", TOMORROW, NEVER, outcome.stopped_after) == Outcome(settled=2)
    assert world.settle("alice", TOMORROW, NEVER) == Outcome(settled=1), (
        "a run from the start finds the remaining obligation"
    )


def unreadable() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Outcome.model_validate({"settled": "no number"})
    return caught.value


@pytest.mark.parametrize(
    "error", [NegativeBalanceError("a bug"), NotFoundError("no trade"), unreadable()]
)
def test_an_obligation_that_cannot_be_booked_does_not_stop_the_others(
    world: World, error: Exception
) -> None:
    for key in ("first", "second", "third"):
        cleared(world, key)
    world.faults.before("depository.instruct", error)
    assert world.settle("alice", TOMORROW, NEVER) == Outcome(settled=2, failed=1)


def test_settling_an_unknown_client_is_an_error(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.settle("mallory", TOMORROW, NEVER)


def test_an_operator_can_settle_one_trade(world: World) -> None:
    _, trade_id = cleared(world)
    world.now = world.now.replace(day=24, hour=3)  # the evening before, in New York
    with pytest.raises(NotDueError):
        world.settle.settle_trade(trade_id)
    world.now = world.now.replace(day=24, hour=5)
    done = world.settle.settle_trade(trade_id)
    assert (done.trade_id, done.final_amount) == (trade_id, D("10000.30"))
    assert world.settle.settle_trade(trade_id) == done
    assert len(world.depository.settled) == 1


@pytest.mark.parametrize("day", [date(2026, 11, 26), date(2026, 11, 28), date(2027, 10, 11)])
def test_on_a_day_without_settlement_no_trade_settles_by_hand(world: World, day: date) -> None:
    _, trade_id = cleared(world)
    world.now = datetime.combine(day, time(12), NEW_YORK)
    with pytest.raises(NotASettlementDayError, match=day.isoformat()):
        world.settle.settle_trade(trade_id)
    assert world.depository.settled == {}
    assert settlements(world) == []


def test_settling_one_trade_by_hand_reports_why_it_cannot_be_settled(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.settle.settle_trade("trd_unknown")
    order = world.placed(quantity=700)
    world.fill(order, 10)
    with pytest.raises(NotClearedError):
        world.settle.settle_trade(world.current(order).trades[0])
    _, trade_id = cleared(world, "cleared", quantity=10)
    world.advance(days=1)
    world.depository.failing = {identifiers.settlement_id(trade_id)}
    with pytest.raises(SettlementFailedError, match="lack of securities"):
        world.settle.settle_trade(trade_id)


def test_two_workers_that_settle_the_same_trade_book_it_once(world: World) -> None:
    cleared(world)
    instruct = world.depository.instruct
    rivals: list[Outcome] = []

    def instruct_while_another_settles(instruction: object) -> object:
        if not rivals:
            rivals.append(Outcome())
            rivals[0] = world.settle("alice", TOMORROW, NEVER)
        return instruct(instruction)  # type: ignore[arg-type]

    world.depository.instruct = instruct_while_another_settles  # type: ignore[method-assign,assignment]
    assert world.settle("alice", TOMORROW, NEVER) == rivals[0] == Outcome(settled=1)
    assert len(settlements(world)) == 1
    assert world.findings(expect_final=True) == []
