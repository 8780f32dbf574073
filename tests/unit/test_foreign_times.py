"""A time that a venue states never decides one of ours without a look at our own clock.

FOREIGN has every time and date in the messages of venues, with what it may decide.
"""

import datetime as dt
import inspect
import typing
from collections.abc import Iterator

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World
from tests.unit.usecases.posttrade.cleared import breaks, cleared
from trading import wire
from trading.domain import identifiers
from trading.domain.deadline import NEVER
from trading.domain.values import Frozen
from trading.wire import ExecType, ExecutionReport

FOREIGN = {
    "ExecutionReport.transact_time": "the time of the trade, if it is plausible",
    "Execution.transact_time": "the time of the trade, if it is plausible",
    "Bust.transact_time": "nothing",
    "ConsolidatedQuote.as_of": "nothing",
    "SettlementInstruction.settlement_date": "It is ours.",
    "SettlementConfirmation.settlement_date": "nothing: it must be that of the instruction",
    "SettlementConfirmation.confirmed_at": "nothing",
}
WRONG = {
    "last year": dt.timedelta(days=-365),
    "yesterday": dt.timedelta(days=-1),
    "tomorrow": dt.timedelta(days=1),
    "2030": dt.timedelta(days=4 * 365),
}
wrong_by = pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)


def times_of(model: type[Frozen]) -> Iterator[str]:
    """The fields of a message that are a time or a date."""
    for name, field in model.model_fields.items():
        kinds = {field.annotation, *typing.get_args(field.annotation)}
        named = {str(getattr(kind, "__name__", kind)) for kind in kinds}
        if named & {"date", "datetime", "AwareDatetime"}:
            yield f"{model.__name__}.{name}"


def test_every_foreign_time_is_in_the_table() -> None:
    models = [
        each
        for _, each in inspect.getmembers(wire, inspect.isclass)
        if issubclass(each, Frozen) and each.__module__ == wire.__name__
    ]
    assert {name for model in models for name in times_of(model)} == set(FOREIGN)


def last_price_is_ours(world: World) -> bool:
    """Whether no last price has a time in the future."""
    return all(last.time <= world.now for last in world.prices.known.values())


def reported(world: World, at: dt.datetime) -> ExecutionReport:
    """A report of an execution of 100 shares. The exchange states this time for it."""
    order = world.placed()
    name = f"{order.order_id}-1"
    report = world.exchanges.fill(name, 100, "100.00")
    state = world.exchanges.states[name]
    executions = tuple(each.model_copy(update={"transact_time": at}) for each in state.executions)
    world.exchanges.states[name] = state.model_copy(update={"executions": executions})
    return report.model_copy(update={"transact_time": at})


@wrong_by
def test_a_report_with_a_wrong_time_is_a_break_and_books_nothing(
    world: World, wrong: dt.timedelta
) -> None:
    world.report(reported(world, world.now + wrong))
    assert breaks(world) == ["IMPLAUSIBLE_TIME"]
    assert world.books.position("alice", "AAPL").quantity == 1000
    assert world.prices.known == {}


@wrong_by
def test_an_answer_with_a_wrong_time_is_a_break_and_books_nothing(
    world: World, wrong: dt.timedelta
) -> None:
    report = reported(world, world.now + wrong)
    order = world.books.order(identifiers.parent_order_id(report.client_order_id))
    assert order
    world.cancel(order)
    assert breaks(world) == ["IMPLAUSIBLE_TIME"]
    assert world.books.position("alice", "AAPL").quantity == 1000


@pytest.mark.parametrize("skew", [-30, 0, 30, 59])
def test_a_last_price_is_never_of_the_future(world: World, skew: int) -> None:
    report = reported(world, world.now + dt.timedelta(seconds=skew))
    world.report(report)
    (last,) = world.prices.known.values()
    assert last.time == min(report.transact_time, world.now)
    correction = {
        "exec_type": ExecType.TRADE_CORRECT,
        "execution_id": "corrected",
        "reference_execution_id": report.execution_id,
        "last_price": D("99.00"),
        "last_quantity": 90,
    }
    world.report(report.model_copy(update=correction))
    (last,) = world.prices.known.values()
    assert last.price == D("99.00")
    assert last_price_is_ours(world)


@wrong_by
def test_a_confirmation_with_a_wrong_time_is_booked_at_ours(
    world: World, wrong: dt.timedelta
) -> None:
    _, trade_id = cleared(world)
    instruction = identifiers.settlement_id(trade_id)
    world.depository.misreading = {instruction: {"confirmed_at": world.now + wrong}}
    world.advance(days=1)
    settled = world.settle.settle_trade(trade_id)
    assert settled.booked_at == world.now
    assert settled.settlement_date == world.books.fill(trade_id).settlement_date  # type: ignore[union-attr]


@wrong_by
def test_a_confirmation_of_another_date_is_a_break(world: World, wrong: dt.timedelta) -> None:
    _, trade_id = cleared(world)
    due = world.books.fill(trade_id).settlement_date  # type: ignore[union-attr]
    instruction = identifiers.settlement_id(trade_id)
    world.depository.misreading = {instruction: {"settlement_date": due + wrong}}
    world.settle("alice", due, NEVER)
    assert breaks(world) == ["CONFIRMATION_MISMATCH"]


@pytest.fixture
def world() -> World:
    return World()
