"""The cost of an order cannot rise unnoticed."""

from collections import Counter, defaultdict

import pytest

from tests.benchmarks.lifecycle import EXPRESS_GB, Stage
from tests.benchmarks.measure import MARKET_BUY, Measured, measure

MOST_CALLS = {
    Stage.ACCEPT: 4,
    Stage.EXECUTE: 6,
    Stage.REPORT: 4,
    Stage.BOOK: 6,
    Stage.CLEAR: 5,
    Stage.SETTLE: 8,
    Stage.RECONCILE: 1,
}
MOST_CALLS_OF_AN_IDLE_WORKER = 51
ADVICE = (
    "Each call of AWS costs every order latency and money. If a new call is worth it, raise the "
    "limit."
)


@pytest.fixture(scope="module")
def measured() -> Measured:
    """A market buy order that one execution at one exchange fills."""
    return measure(MARKET_BUY)


@pytest.mark.parametrize("stage", MOST_CALLS)
def test_calls_of_a_plain_order(measured: Measured, stage: Stage) -> None:
    mine = [call for call in measured.busy.calls if call.stage == stage and not call.is_simulated]
    done = Counter(f"{call.function}: {call.operation} {call.detail}" for call in mine)
    assert sum(call.share for call in mine) <= MOST_CALLS[stage], "\n".join([ADVICE, *done])


def test_write_units_of_a_plain_order_and_of_its_fill(measured: Measured) -> None:
    mine = [call for call in measured.busy.calls if not call.is_simulated]
    assert sum(call.write_units * call.share for call in mine if call.stage == Stage.BOOK) <= 9, (
        ADVICE
    )
    assert sum(call.write_units * call.share for call in mine) <= 38, ADVICE


def test_no_other_stage_costs_anything(measured: Measured) -> None:
    seen = {call.stage for call in measured.busy.calls if not call.is_simulated}
    assert seen == MOST_CALLS.keys(), ADVICE


def test_calls_of_an_idle_worker(measured: Measured) -> None:
    calls = sum(call.share for call in measured.idle.calls if not call.is_simulated)
    assert calls <= MOST_CALLS_OF_AN_IDLE_WORKER, ADVICE


def test_a_plain_order_takes_one_short_run_and_no_transition(measured: Measured) -> None:
    billed: dict[str, float] = defaultdict(float)
    for charge in measured.busy.charges:
        billed[charge.billed] += charge.quantity * charge.share
    assert billed["Step Functions transitions"] == 0
    assert billed["Step Functions Express runs"] == pytest.approx(1)
    seconds = billed["Step Functions Express GB-seconds (estimate)"] / EXPRESS_GB
    assert 2 < seconds < 2.5, "two waits of a second"
