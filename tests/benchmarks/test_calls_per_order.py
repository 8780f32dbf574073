"""The cost of an order cannot rise unnoticed."""

from collections import Counter, defaultdict

import pytest

from tests.benchmarks.lifecycle import EXPRESS_GB, Stage
from tests.benchmarks.measure import MARKET_BUY, Measured, measure
from tests.benchmarks.prices import Billed
from tests.benchmarks.usage import Call, Party

MOST_CALLS = {
    Stage.ACCEPT: 4,
    Stage.EXECUTE: 6,
    Stage.REPORT: 4,
    Stage.BOOK: 6,
    Stage.CLEAR: 5,
    Stage.SETTLE: 8,
    Stage.RECONCILE: 1,
}
MOST_CALLS_OF_A_PUSH = 5
MOST_CALLS_OF_EVENTS = {Stage.PUBLISH: 5, Stage.LOG: 6}
MOST_CALLS_OF_AN_IDLE_WORKER = 51
ADVICE = (
    "Each call of AWS costs every order latency and money. If a new call is worth it, raise the "
    "limit."
)


@pytest.fixture(scope="module")
def measured() -> Measured:
    """A market buy order that one execution at one exchange fills."""
    return measure(MARKET_BUY)


def ours(measured: Measured) -> list[Call]:
    """The calls for the order itself."""
    return [call for call in measured.busy.calls if call.party is Party.OURS]


@pytest.fixture(scope="module")
def connected() -> Measured:
    """The same order of a client with a connection to the stream."""
    return measure(MARKET_BUY, connected=True)


@pytest.mark.parametrize("stage", MOST_CALLS)
def test_calls_of_a_plain_order(measured: Measured, stage: Stage) -> None:
    mine = [
        call for call in measured.busy.calls if call.stage == stage and call.party is Party.OURS
    ]
    done = Counter(f"{call.function}: {call.operation} {call.detail}" for call in mine)
    assert sum(call.share for call in mine) <= MOST_CALLS[stage], "\n".join([ADVICE, *done])


def test_write_units_of_a_plain_order_and_of_its_fill(measured: Measured) -> None:
    mine = ours(measured)
    assert sum(call.write_units * call.share for call in mine if call.stage == Stage.BOOK) <= 9, (
        ADVICE
    )
    assert sum(call.write_units * call.share for call in mine) <= 37, ADVICE


@pytest.mark.parametrize("stage", MOST_CALLS_OF_EVENTS)
def test_calls_of_the_events_of_a_plain_order(measured: Measured, stage: Stage) -> None:
    """Five events, of which three are of the account, each in a batch of its own."""
    calls = [call for call in measured.busy.calls if call.stage == stage]
    assert all(call.party is Party.EVENTS for call in calls)
    assert 0 < sum(call.share for call in calls) <= MOST_CALLS_OF_EVENTS[stage], ADVICE


def test_the_events_of_a_plain_order_are_billed(measured: Measured) -> None:
    billed: dict[str, float] = defaultdict(float)
    for charge in measured.busy.charges:
        if charge.party is Party.EVENTS:
            billed[charge.billed] += charge.quantity * charge.share
    assert billed[Billed.EVENTS] == 5
    assert billed[Billed.STANDARD_QUEUE_REQUESTS] == 3 * 3
    assert billed[Billed.QUEUE_REQUESTS] == 0
    assert billed[Billed.WRITES] >= 3


def test_a_client_that_is_not_connected_costs_nothing_of_the_stream(measured: Measured) -> None:
    assert not [call for call in measured.busy.calls if call.party is Party.STREAM]


def test_each_event_is_one_message_to_a_connected_client(connected: Measured) -> None:
    """Three events of the account. Each push reads connections, ended tokens and the log, sends,
    and saves.
    """
    pushes = [call for call in connected.busy.calls if call.party is Party.STREAM]
    assert 0 < sum(call.share for call in pushes) <= 3 * MOST_CALLS_OF_A_PUSH, ADVICE
    messages = [each for each in connected.busy.charges if each.billed is Billed.SOCKET_MESSAGES]
    assert sum(each.quantity * each.share for each in messages) == 3


def test_no_other_stage_costs_anything(measured: Measured) -> None:
    seen = {call.stage for call in ours(measured)}
    assert seen == MOST_CALLS.keys(), ADVICE


def test_calls_of_an_idle_worker(measured: Measured) -> None:
    calls = sum(call.share for call in measured.idle.calls if call.party is Party.OURS)
    assert calls <= MOST_CALLS_OF_AN_IDLE_WORKER, ADVICE


def test_a_plain_order_takes_one_short_run_and_no_transition(measured: Measured) -> None:
    billed: dict[str, float] = defaultdict(float)
    for charge in measured.busy.charges:
        billed[charge.billed] += charge.quantity * charge.share
    assert billed["Step Functions transitions"] == 0
    assert billed["Step Functions Express runs"] == pytest.approx(1)
    seconds = billed["Step Functions Express GB-seconds (estimate)"] / EXPRESS_GB
    assert 2 < seconds < 2.5, "two waits of a second"
