"""The table of attention: why an order wants looking at, who acts, what the sweeper does, and when
the next look is.
"""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.builders import NOW, D, make_instrument, make_order, routed_order
from trading.domain.accounts.cash import Account
from trading.domain.orders import attention
from trading.domain.orders.attention import (
    LOOK_AGAIN_AFTER,
    RESTING_LOOK_AFTER,
    RESTING_LOOKS_SPREAD,
    SILENT_LOOK_AFTER,
    AttentionReason,
    Push,
    Responder,
)
from trading.domain.orders.cancellation import BY_CLIENT
from trading.domain.orders.order import Order
from trading.domain.orders.venue_correction import VenueCorrection
from trading.domain.values import OrderType, TimeInForce

A_MOMENT = timedelta(microseconds=1)
BEFORE_OPEN = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
OPEN = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
IMMEDIATE_ENDS = NOW + timedelta(minutes=15)
GTC_ENDS = NOW + timedelta(days=90)

BY_SWEEPER = (Responder.SWEEPER,)
BY_DAY_CLOSE = (Responder.DAY_CLOSE, Responder.SWEEPER)
BY_OPERATOR = (Responder.OPERATOR, Responder.SWEEPER)


def waiting() -> Order:
    return make_order(now=BEFORE_OPEN)


def sent_at_open(look_at: datetime) -> Order:
    order = waiting()
    return order.routed((("XNYS", order.quantity),), OPEN).looked_at_next(look_at)


def immediate() -> Order:
    return routed_order(time_in_force=TimeInForce.IOC)


def good_till_canceled() -> Order:
    return routed_order(time_in_force=TimeInForce.GTC)


def ending() -> Order:
    return routed_order().with_ending(BY_CLIENT, NOW)


def filled(quantity: int = 100) -> Order:
    order = routed_order()
    return order.filled(f"{order.order_id}-1", "trd_1", quantity, D("10000.00"), D("0.30"), NOW)


def parked(order: Order) -> Order:
    bust = VenueCorrection(
        exchange_id="XNYS",
        execution_id="bust-1",
        reference_execution_id="unknown",
        client_order_id=f"{order.order_id}-1",
        reported_at=NOW,
    )
    return order.with_parked(bust, NOW)


R = AttentionReason
STATES = {
    "waits, before the open": (waiting(), OPEN - A_MOMENT, R.WAITS_FOR_OPEN, Push.START),
    "waits, at the open": (waiting(), OPEN, R.WORKFLOW_TO_START, Push.START),
    "waits, after the open": (waiting(), OPEN + A_MOMENT, R.WORKFLOW_TO_START, Push.START),
    "accepted, before the close": (
        make_order(),
        CLOSE - A_MOMENT,
        R.WORKFLOW_TO_START,
        Push.START,
    ),
    "accepted, at the close": (make_order(), CLOSE, R.TIME_IS_OVER, Push.END),
    "sent at the open": (sent_at_open(OPEN), OPEN, R.RESTING, Push.POLL),
    "DAY, before the close": (routed_order(), CLOSE - A_MOMENT, R.RESTING, Push.POLL),
    "DAY, at the close": (routed_order(), CLOSE, R.TIME_IS_OVER, Push.END),
    "DAY, after the close": (routed_order(), CLOSE + A_MOMENT, R.TIME_IS_OVER, Push.END),
    "GTC, before its end": (good_till_canceled(), GTC_ENDS - A_MOMENT, R.RESTING, Push.POLL),
    "GTC, at its end": (good_till_canceled(), GTC_ENDS, R.TIME_IS_OVER, Push.END),
    "IOC, before its end": (immediate(), IMMEDIATE_ENDS - A_MOMENT, R.AT_EXCHANGE, Push.POLL),
    "IOC, at its end": (immediate(), IMMEDIATE_ENDS, R.TIME_IS_OVER, Push.END),
    "market order": (routed_order(order_type=OrderType.MARKET), NOW, R.AT_EXCHANGE, Push.POLL),
    "partly filled": (filled(40), NOW, R.RESTING, Push.POLL),
    "being canceled": (ending(), NOW, R.END_REQUESTED, Push.POLL),
    "being canceled, after the close": (ending(), CLOSE, R.END_REQUESTED, Push.POLL),
    "filled": (filled(), NOW, R.AWAITS_CLEARING, Push.POLL),
    "with a parked bust": (parked(filled(40)), NOW, R.CORRECTION_PARKED, Push.POLL),
    "cleared, with a parked bust": (
        parked(filled().cleared(NOW)),
        CLOSE,
        R.CORRECTION_PARKED,
        Push.POLL,
    ),
    "filled, after the close": (filled(), CLOSE, R.AWAITS_CLEARING, Push.POLL),
}


@pytest.mark.parametrize(("order", "now", "reason", "push"), STATES.values(), ids=STATES)
def test_the_state_and_the_time_determine_the_reason_and_the_push(
    order: Order, now: datetime, reason: AttentionReason, push: Push
) -> None:
    found = attention.attention_of(order, now)
    assert found is not None
    assert (found.reason, found.push) == (reason, push)
    assert found.next_look == attention.next_look(order, now)


@pytest.mark.parametrize(("order", "now", "reason", "push"), STATES.values(), ids=STATES)
def test_a_review_shows_as_the_reason_and_does_not_change_the_push(
    order: Order, now: datetime, reason: AttentionReason, push: Push
) -> None:
    found = attention.attention_of(order.flagged_for_review("a break"), now)
    assert found is not None
    assert (found.reason, found.push) == (R.UNDER_REVIEW, push)


def test_the_states_reach_every_reason() -> None:
    """EXCHANGE_SILENT only shortens the time to the next look; see the test of the silence."""
    reached = {reason for _, _, reason, _ in STATES.values()}
    assert reached == set(R) - {R.UNDER_REVIEW, R.EXCHANGE_SILENT}


def test_every_reason_has_responders() -> None:
    others = dict.fromkeys(R, BY_SWEEPER)
    assert {reason: reason.responders for reason in R} == others | {
        R.TIME_IS_OVER: BY_DAY_CLOSE,
        R.UNDER_REVIEW: BY_OPERATOR,
    }
    assert attention.PUSH_OF.keys() == set(R) - {R.UNDER_REVIEW}


def test_an_order_at_rest_wants_no_attention() -> None:
    assert attention.attention_of(filled().cleared(NOW), NOW) is None
    assert attention.attention_of(ending().at_rest(), CLOSE) is None


@pytest.mark.parametrize(
    ("due", "looks"),
    [
        (timedelta(0), timedelta(0)),
        (LOOK_AGAIN_AFTER, LOOK_AGAIN_AFTER),
        (LOOK_AGAIN_AFTER + A_MOMENT, LOOK_AGAIN_AFTER),
        (RESTING_LOOK_AFTER, LOOK_AGAIN_AFTER),
    ],
)
def test_an_order_that_is_over_and_not_cleared_is_looked_at_soon(
    due: timedelta, looks: timedelta
) -> None:
    order = filled().looked_at_next(NOW + due)
    assert attention.look_after_end(order, NOW).attention_at == NOW + looks
    assert attention.look_after_end(order.at_rest(), NOW).attention_at == NOW + LOOK_AGAIN_AFTER


@pytest.mark.parametrize("order", [filled(40), ending().at_rest(), filled().cleared(NOW)])
def test_an_order_with_nothing_to_clear_keeps_its_next_look(order: Order) -> None:
    assert attention.look_after_end(order, NOW) == order


@pytest.mark.parametrize("order", [make_order(), immediate(), ending(), filled(), waiting()])
def test_the_sweeper_comes_back_after_a_minute(order: Order) -> None:
    assert attention.next_look(order, NOW) == NOW + LOOK_AGAIN_AFTER


def test_the_sweeper_comes_back_after_half_an_hour_to_a_resting_order_or_a_review() -> None:
    earliest = NOW + RESTING_LOOK_AFTER - RESTING_LOOKS_SPREAD
    for order in (routed_order(), immediate().flagged_for_review("a break")):
        looks = {attention.next_look(order, NOW) for _ in range(3)}
        assert len(looks) == 1, "a repetition has the same jitter"
        assert earliest < looks.pop() <= NOW + RESTING_LOOK_AFTER


def test_the_sweeper_comes_back_when_the_time_of_a_resting_order_is_over() -> None:
    order = routed_order()
    for before in (timedelta(minutes=20), A_MOMENT):
        assert attention.next_look(order, CLOSE - before) == CLOSE
    for after in (timedelta(), A_MOMENT):
        assert attention.next_look(order, CLOSE + after) > CLOSE + after


@pytest.mark.parametrize(
    ("look_at", "sooner"),
    [
        (NOW, SILENT_LOOK_AFTER),
        (NOW + A_MOMENT, None),
        (NOW + SILENT_LOOK_AFTER - A_MOMENT, None),
        (NOW + SILENT_LOOK_AFTER, SILENT_LOOK_AFTER),
        (NOW + RESTING_LOOK_AFTER, SILENT_LOOK_AFTER),
    ],
)
def test_the_silence_of_an_exchange_brings_the_next_look_forward(
    look_at: datetime, sooner: timedelta | None
) -> None:
    found = attention.look_after_silence(routed_order().looked_at_next(look_at), NOW)
    assert found == (None if sooner is None else NOW + sooner)


def test_an_order_is_due_from_the_time_of_its_look_on() -> None:
    order = routed_order().looked_at_next(NOW)
    dues = [attention.is_due(order, at) for at in (NOW - A_MOMENT, NOW, NOW + A_MOMENT)]
    assert dues == [False, True, True]
    assert not attention.is_due(order.at_rest(), CLOSE)


def test_an_order_is_neglected_once_it_was_due_for_as_long_as_the_patience() -> None:
    order, patience = routed_order().looked_at_next(NOW), timedelta(minutes=10)
    moments = (NOW + patience - A_MOMENT, NOW + patience, NOW + patience + A_MOMENT)
    neglected = [attention.is_neglected(order, at, patience) for at in moments]
    assert neglected == [False, True, True]


def test_the_first_look_is_a_minute_after_acceptance_or_at_the_open() -> None:
    assert make_order().attention_at == NOW + attention.FIRST_LOOK_AFTER
    assert waiting().attention_at == OPEN


def test_orders_of_a_client_that_wait_for_an_open_are_looked_at_in_their_order() -> None:
    looks = [
        attention.turn_at_open(Account(client_id="alice", sequence=n, waiting_from=7), OPEN)
        for n in (7, 8, 9)
    ]
    assert looks == [OPEN, OPEN + A_MOMENT, OPEN + 2 * A_MOMENT]


def test_an_order_is_held_back_until_the_open_unless_its_end_was_requested() -> None:
    order, instrument = waiting(), make_instrument()
    assert attention.held_back(order, instrument, BEFORE_OPEN) == order
    canceled = order.with_ending(BY_CLIENT, BEFORE_OPEN)
    assert attention.held_back(canceled, instrument, BEFORE_OPEN) is None
