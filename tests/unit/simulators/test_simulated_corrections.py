"""The simulated exchange corrects and busts executions, and keeps its own books of it."""

from datetime import timedelta
from decimal import Decimal

from simulators.behaviour import EXCHANGE_DEFAULTS, ExchangeBehaviour
from simulators.corrections import LATE, correct, pending
from simulators.dice import Dice
from simulators.dispatch import DispatchState, schedule
from simulators.exchange import BookedOrder, match
from tests.unit.simulators.builders import FAULTLESS, NOW, QUOTE, booked_order
from trading.domain.values import Side
from trading.wire import ExecType, ExecutionReport

DICE = Dice("corrections")
QUIET = FAULTLESS
LATER = NOW + timedelta(minutes=2)


def filled(behaviour: ExchangeBehaviour) -> tuple[BookedOrder, list[ExecutionReport]]:
    outcome = match(booked_order(), QUOTE, behaviour, DICE, NOW)
    assert outcome is not None
    return outcome.booked, list(outcome.reports)


def always(**rates: Decimal) -> ExchangeBehaviour:
    return QUIET.overridden({"late_correction_rate": Decimal(0), **rates})


def test_no_execution_changes_by_default() -> None:
    booked, reports = filled(QUIET)
    assert all(not each.bust_rate and not each.correct_rate for each in EXCHANGE_DEFAULTS.values())
    assert pending(reports, QUIET, DICE) == []
    assert correct(booked, reports, QUIET, DICE, LATER) is None


def test_a_bust_takes_every_share_away_and_nothing_goes_back_into_the_book() -> None:
    behaviour = always(bust_rate=Decimal(1))
    booked, reports = filled(behaviour)
    assert correct(booked, reports, behaviour, DICE, NOW) is None, "not before its time"
    outcome = correct(booked, reports, behaviour, DICE, LATER)
    assert outcome is not None
    after = outcome.booked
    assert (after.cumulative_quantity, after.busted_quantity) == (0, booked.cumulative_quantity)
    assert (after.leaves_quantity, after.version, outcome.taken) == (0, booked.version + 1, 0)
    assert [report.reference_execution_id for report in outcome.reports] == [
        report.execution_id for report in reports if report.exec_type is ExecType.TRADE
    ]
    everything = [*reports, *outcome.reports]
    assert len({report.execution_id for report in everything}) == after.report_count
    state = after.state(everything)
    assert len(state.busts) == len(outcome.reports)
    assert correct(after, everything, behaviour, DICE, LATER) is None, "once"


def test_a_correction_keeps_within_the_limit_and_names_what_it_corrects() -> None:
    behaviour = always(correct_rate=Decimal(1))
    booked, reports = filled(behaviour)
    outcome = correct(booked, reports, behaviour, DICE, LATER)
    assert outcome is not None
    for before, report in zip(reports, outcome.reports, strict=True):
        assert report.exec_type is ExecType.TRADE_CORRECT
        assert before.last_price is not None
        assert report.last_price is not None
        sign = 1 if report.side is Side.BUY else -1
        assert (report.last_price - before.last_price) * sign < 0
        assert 1 <= report.last_quantity <= before.last_quantity
    after = outcome.booked
    assert after.cumulative_quantity == sum(report.last_quantity for report in outcome.reports)
    corrected = after.state([*reports, *outcome.reports]).executions[len(reports) :]
    assert [each.reference_execution_id for each in corrected] == [r.execution_id for r in reports]


def test_a_late_correction_comes_the_next_day() -> None:
    behaviour = always(bust_rate=Decimal(1)).overridden({"late_correction_rate": Decimal(1)})
    booked, reports = filled(behaviour)
    assert correct(booked, reports, behaviour, DICE, LATER) is None
    assert {at for at, _, _ in pending(reports, behaviour, DICE)} == {NOW + LATE}
    assert correct(booked, reports, behaviour, DICE, NOW + LATE) is not None


def test_corrections_of_a_silenced_order_are_reported_all_the_same() -> None:
    behaviour = always(bust_rate=Decimal(1), silence_rate=Decimal(1))
    booked, reports = filled(behaviour)
    outcome = correct(booked, reports, behaviour, DICE, LATER)
    assert outcome is not None
    states = {dispatch.state for dispatch in schedule(outcome, behaviour, DICE, LATER)}
    assert states == {DispatchState.PENDING}


def test_busted_shares_of_a_working_order_do_not_execute_again() -> None:
    behaviour = always(bust_rate=Decimal(1))
    scarce = QUOTE.model_copy(update={"ask_size": 60})
    partly = match(booked_order(quantity=100), scarce, QUIET, DICE, NOW)
    assert partly is not None
    busted = correct(partly.booked, partly.reports, behaviour, DICE, LATER)
    assert busted is not None
    assert (busted.booked.busted_quantity, busted.booked.leaves_quantity) == (60, 40)
    rest = match(busted.booked, QUOTE, QUIET, DICE, LATER)
    assert rest is not None
    assert partly.taken + rest.taken == 100
