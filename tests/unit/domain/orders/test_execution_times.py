"""The trade date of an execution, and the times that the books do not believe."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import make_instrument, make_order
from trading.domain.orders.execution_times import (
    AFTER_THE_CLOSE,
    CLOCK_SKEW,
    LATEST_REPORT,
    ImplausibleTimeError,
    trade_date_of,
)
from trading.domain.orders.order import Order
from trading.domain.reference.calendars import NEW_YORK, close_of
from trading.domain.values import OrderType, TimeInForce

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
REGULAR, CONTINUOUS = make_instrument(), make_instrument(trading_hours="continuous")


def at(day: date, hour: int, minute: int = 0, second: float = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK) + timedelta(
        seconds=second
    )


def sent(moment: datetime, tif: TimeInForce = TimeInForce.DAY, **changes: object) -> Order:
    """An order that was accepted and sent at a moment."""
    order = make_order(now=moment, time_in_force=tif, **changes)
    return order.routed((("XNYS", order.quantity),), moment)


@pytest.mark.parametrize("tif", [TimeInForce.DAY, TimeInForce.GTC])
def test_a_report_five_hours_late_on_friday_evening_is_fridays_trade(tif: TimeInForce) -> None:
    order = sent(at(FRIDAY, 15), tif)
    executed, received = at(FRIDAY, 15, 59), at(FRIDAY, 20, 59)
    assert trade_date_of(order, REGULAR, executed, received) == FRIDAY
    monday_morning = at(MONDAY, 9)
    assert trade_date_of(order, REGULAR, executed, monday_morning) == FRIDAY


@pytest.mark.parametrize("instrument", [REGULAR, CONTINUOUS])
@pytest.mark.parametrize(
    ("tif", "order_type"),
    [
        (TimeInForce.DAY, OrderType.LIMIT),
        (TimeInForce.DAY, OrderType.MARKET),
        (TimeInForce.IOC, OrderType.LIMIT),
        (TimeInForce.FOK, OrderType.LIMIT),
    ],
)
def test_an_execution_just_after_the_close_belongs_to_the_session_of_its_order(
    tif: TimeInForce, order_type: OrderType, instrument: object
) -> None:
    order = sent(at(FRIDAY, 15, 59, 59.9), tif, order_type=order_type)
    executed = at(FRIDAY, 16, 0, 0.35)
    assert trade_date_of(order, instrument, executed, executed) == FRIDAY  # type: ignore[arg-type]


def test_an_order_of_the_evening_belongs_to_the_next_session() -> None:
    order = sent(at(FRIDAY, 17), TimeInForce.IOC, instrument=CONTINUOUS)
    executed = at(FRIDAY, 17, 0, 1)
    assert trade_date_of(order, CONTINUOUS, executed, executed) == MONDAY


@pytest.mark.parametrize(
    ("executed", "session"),
    [
        (at(MONDAY, 9, 29, 59.5), MONDAY),
        (at(MONDAY, 15, 59), MONDAY),
        (at(MONDAY, 16, 0, 0.35), MONDAY),
        (at(MONDAY, 16, 15), MONDAY),
        (at(date(2026, 11, 27), 13, 14), date(2026, 11, 27)),
        (datetime(2026, 11, 25, 15, 0, tzinfo=UTC), date(2026, 11, 25)),
    ],
)
def test_a_gtc_order_trades_in_the_session_of_the_execution(
    executed: datetime, session: date
) -> None:
    order = sent(at(FRIDAY, 15), TimeInForce.GTC)
    assert trade_date_of(order, REGULAR, executed, executed + timedelta(hours=6)) == session


@pytest.mark.parametrize(
    ("executed", "session"),
    [(at(MONDAY, 3), MONDAY), (at(MONDAY, 16), date(2026, 11, 24)), (at(FRIDAY, 20), MONDAY)],
)
def test_in_a_continuous_market_the_close_begins_the_next_session(
    executed: datetime, session: date
) -> None:
    order = sent(at(FRIDAY, 15), TimeInForce.GTC)
    assert trade_date_of(order, CONTINUOUS, executed, executed) == session


def test_in_a_continuous_market_a_late_report_does_not_move_the_trade_date() -> None:
    order = sent(at(FRIDAY, 15), TimeInForce.GTC)
    executed, received = at(MONDAY, 15, 59), at(MONDAY, 20)
    assert trade_date_of(order, CONTINUOUS, executed, received) == MONDAY


NOON = at(MONDAY, 12)


@pytest.mark.parametrize("tif", [TimeInForce.DAY, TimeInForce.GTC])
@pytest.mark.parametrize("instrument", [REGULAR, CONTINUOUS])
@pytest.mark.parametrize(
    ("executed", "plausible"),
    [
        (NOON - CLOCK_SKEW, True),
        (NOON - CLOCK_SKEW - timedelta(microseconds=1), False),
        (NOON + timedelta(hours=1) + CLOCK_SKEW, True),
        (NOON + timedelta(hours=1) + CLOCK_SKEW + timedelta(microseconds=1), False),
        (datetime(2025, 11, 24, 17, tzinfo=UTC), False),
        (datetime(2030, 11, 25, 17, tzinfo=UTC), False),
        (datetime(1, 1, 1, tzinfo=UTC), False),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), False),
    ],
)
def test_an_execution_lies_between_sending_and_receipt(
    executed: datetime, plausible: bool, instrument: object, tif: TimeInForce
) -> None:
    order, received = sent(NOON, tif), NOON + timedelta(hours=1)
    if plausible:
        assert trade_date_of(order, instrument, executed, received) == MONDAY  # type: ignore[arg-type]
        return
    with pytest.raises(ImplausibleTimeError):
        trade_date_of(order, instrument, executed, received)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tif", "instrument", "executed"),
    [
        (TimeInForce.DAY, REGULAR, at(MONDAY, 16, 15, 1)),
        (TimeInForce.DAY, CONTINUOUS, at(MONDAY, 18)),
        (TimeInForce.GTC, REGULAR, at(MONDAY, 16, 15, 1)),
        (TimeInForce.GTC, REGULAR, at(date(2026, 11, 24), 9, 28)),
        (TimeInForce.GTC, REGULAR, at(date(2026, 11, 26), 12)),
        (TimeInForce.GTC, REGULAR, at(date(2026, 11, 28), 12)),
    ],
)
def test_an_execution_outside_of_the_session_is_implausible(
    tif: TimeInForce, instrument: object, executed: datetime
) -> None:
    with pytest.raises(ImplausibleTimeError, match="outside of its session"):
        trade_date_of(sent(NOON, tif), instrument, executed, executed)  # type: ignore[arg-type]


def test_an_execution_that_is_reported_after_a_week_needs_a_person() -> None:
    order, executed = sent(NOON, TimeInForce.GTC), NOON + timedelta(hours=1)
    assert trade_date_of(order, REGULAR, executed, executed + LATEST_REPORT) == MONDAY
    with pytest.raises(ImplausibleTimeError):
        trade_date_of(order, REGULAR, executed, executed + LATEST_REPORT + timedelta(seconds=1))


@given(st.timedeltas(timedelta(days=-900), timedelta(days=1500)), st.booleans())
def test_what_is_believed_happened_while_the_order_was_at_the_exchange(
    offset: timedelta, rests_for_days: bool
) -> None:
    order = sent(NOON, TimeInForce.GTC if rests_for_days else TimeInForce.DAY)
    received = NOON + timedelta(days=3)
    try:
        session = trade_date_of(order, REGULAR, NOON + offset, received)
    except ImplausibleTimeError:
        return
    assert NOON - CLOCK_SKEW <= NOON + offset <= received + CLOCK_SKEW
    assert MONDAY <= session <= received.date()
    assert NOON + offset <= close_of(session) + AFTER_THE_CLOSE
