from datetime import timedelta
from decimal import Decimal

import pytest

from simulators.behaviour import ExchangeBehaviour
from simulators.dispatch import Dispatch, DispatchState, is_sent_twice, schedule, sending_order
from simulators.exchange import MatchOutcome, match
from tests.unit.simulators.builders import DICE, FAULTLESS, NOW, QUOTE, booked_order
from trading.domain.values import TimeInForce


def outcome() -> MatchOutcome:
    """The result of a match: some fills, and the rest canceled."""
    matched = match(
        booked_order(quantity=1500, time_in_force=TimeInForce.IOC), QUOTE, FAULTLESS, DICE, NOW
    )
    assert matched is not None
    assert len(matched.reports) > 1
    return matched


def test_reports_are_due_at_once_and_in_order() -> None:
    dispatches = schedule(outcome(), FAULTLESS, DICE, NOW)
    assert all(dispatch.is_pending and dispatch.due_at == NOW for dispatch in dispatches)
    assert sending_order(reversed(dispatches[:-1]), FAULTLESS, DICE) == list(dispatches[:-1])
    assert sending_order(dispatches, FAULTLESS, DICE) == list(dispatches)


def test_no_report_of_a_silenced_order_is_sent() -> None:
    dispatches = schedule(outcome(), FAULTLESS.overridden({"silence_rate": 1}), DICE, NOW)
    assert {dispatch.state for dispatch in dispatches} == {DispatchState.SILENCED}


def test_a_late_report_is_due_later() -> None:
    dispatches = schedule(
        outcome(), FAULTLESS.overridden({"late_rate": 1, "late_seconds": 45}), DICE, NOW
    )
    assert {dispatch.due_at for dispatch in dispatches} == {NOW + timedelta(seconds=45)}


def test_a_disordered_order_sends_its_last_report_first() -> None:
    dispatches = schedule(outcome(), FAULTLESS, DICE, NOW)
    disorderly = FAULTLESS.overridden({"out_of_order_rate": 1})
    assert sending_order(dispatches, disorderly, DICE) == list(dispatches[::-1])


@pytest.mark.parametrize(("rate", "twice"), [(0, False), (1, True)])
def test_duplicates_are_as_frequent_as_configured(rate: int, twice: bool) -> None:
    behaviour = FAULTLESS.overridden({"duplicate_rate": rate})
    assert is_sent_twice(outcome().reports[0], behaviour, DICE) is twice


def test_an_unanswered_report_is_repeated_after_growing_waits_for_a_day() -> None:
    dispatch, now, waits = Dispatch(report=outcome().reports[0], due_at=NOW), NOW, []
    while dispatch.is_pending:
        dispatch = dispatch.after_attempt(answered=False, now=now)
        if dispatch.is_pending:
            waits.append(dispatch.due_at - now)
            now = dispatch.due_at
    minutes = [wait / timedelta(minutes=1) for wait in waits]
    assert minutes[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert dispatch.state is DispatchState.ABANDONED
    assert timedelta(hours=24) <= now - NOW <= timedelta(hours=25)


def test_an_answered_report_is_not_sent_again() -> None:
    dispatch = Dispatch(report=outcome().reports[0], due_at=NOW).after_attempt(
        answered=True, now=NOW
    )
    assert (dispatch.state, dispatch.attempts) == (DispatchState.ANSWERED, 1)


def test_an_override_changes_only_its_field_and_unknown_names_are_refused() -> None:
    assert FAULTLESS.overridden({"late_rate": "0.5"}) == FAULTLESS.model_copy(
        update={"late_rate": Decimal("0.5")}
    )
    with pytest.raises(ValueError, match="lateness"):
        FAULTLESS.overridden({"lateness": 1})


def test_latency_stays_within_its_bounds_and_outages_are_decided_by_minute() -> None:
    behaviour = ExchangeBehaviour()
    latencies = [behaviour.latency_seconds(DICE, "XNYS", f"ord_{number}") for number in range(200)]
    assert 0.005 <= min(latencies) < max(latencies) <= 0.100
    assert behaviour.overridden({"down_rate": 1}).is_down(DICE, "XNYS", 1)
    assert not FAULTLESS.is_down(DICE, "XNYS", 1)
    outages = [
        behaviour.overridden({"down_rate": "0.5"}).is_down(DICE, "XNYS", minute)
        for minute in range(200)
    ]
    assert 60 < sum(outages) < 140
