"""The US trading calendar."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from holidays.constants import HALF_DAY, PUBLIC
from holidays.financial.ny_stock_exchange import NewYorkStockExchange
from hypothesis import given
from hypothesis import strategies as st

from trading.domain.reference.calendars import (
    NEW_YORK,
    CalendarRangeError,
    business_date,
    close_of,
    is_business_day,
    next_business_day,
    settlement_date,
)
from trading.domain.reference.nyse_table import EARLY_CLOSES, FIRST_YEAR, HOLIDAYS, LAST_YEAR

YEARS = range(FIRST_YEAR, LAST_YEAR + 1)
days = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 15))


def eastern(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


@pytest.mark.parametrize(("category", "table"), [(PUBLIC, HOLIDAYS), (HALF_DAY, EARLY_CLOSES)])
def test_the_table_agrees_with_the_holidays_library(category: str, table: frozenset[str]) -> None:
    expected = {
        day.isoformat()
        for day in NewYorkStockExchange(years=YEARS, categories=category)
        if day.year in YEARS
    }
    assert table == expected
    assert {int(day[:4]) for day in table} == set(YEARS)


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        (date(2026, 11, 20), True),
        (date(2026, 11, 21), False),
        (date(2026, 11, 22), False),
        (date(2026, 11, 26), False),
        (date(2026, 11, 27), True),
        (date(2026, 7, 3), False),
        (date(2026, 12, 24), True),
        (date(2026, 12, 25), False),
    ],
)
def test_weekends_and_holidays_are_not_business_days(day: date, opens: bool) -> None:
    assert is_business_day(day) is opens


@pytest.mark.parametrize(
    ("traded", "settles"),
    [
        (date(2026, 11, 23), date(2026, 11, 24)),
        (date(2026, 11, 25), date(2026, 11, 27)),
        (date(2026, 11, 27), date(2026, 11, 30)),
        (date(2026, 12, 31), date(2027, 1, 4)),
    ],
)
def test_t_plus_one_skips_weekends_and_holidays(traded: date, settles: date) -> None:
    assert settlement_date(traded, 1) == settles


def test_other_settlement_cycles_count_business_days_too() -> None:
    assert settlement_date(date(2026, 11, 25), 0) == date(2026, 11, 25)
    assert settlement_date(date(2026, 11, 25), 2) == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        (eastern(date(2026, 11, 25), 0, 1), date(2026, 11, 25)),
        (eastern(date(2026, 11, 25), 15, 59), date(2026, 11, 25)),
        (eastern(date(2026, 11, 25), 16, 0), date(2026, 11, 27)),
        (eastern(date(2026, 11, 26), 12, 0), date(2026, 11, 27)),
        (eastern(date(2026, 11, 27), 12, 59), date(2026, 11, 27)),
        (eastern(date(2026, 11, 27), 13, 0), date(2026, 11, 30)),
        (eastern(date(2026, 11, 28), 12, 0), date(2026, 11, 30)),
        (datetime(2026, 11, 24, 3, 0, tzinfo=UTC), date(2026, 11, 24)),
        (datetime(2026, 11, 24, 23, 0, tzinfo=UTC), date(2026, 11, 25)),
    ],
)
def test_a_moment_belongs_to_a_session(moment: datetime, session: date) -> None:
    assert business_date(moment) == session


@pytest.mark.parametrize(
    ("day", "close"),
    [
        (date(2026, 3, 6), datetime(2026, 3, 6, 21, 0, tzinfo=UTC)),
        (date(2026, 3, 9), datetime(2026, 3, 9, 20, 0, tzinfo=UTC)),
        (date(2026, 10, 30), datetime(2026, 10, 30, 20, 0, tzinfo=UTC)),
        (date(2026, 11, 2), datetime(2026, 11, 2, 21, 0, tzinfo=UTC)),
        (date(2026, 11, 27), datetime(2026, 11, 27, 18, 0, tzinfo=UTC)),
    ],
)
def test_the_close_follows_daylight_saving_and_half_days(day: date, close: datetime) -> None:
    assert close_of(day) == close
    assert business_date(close - timedelta(seconds=1)) == day
    assert business_date(close) > day


@given(days)
def test_the_next_business_day_is_the_next_day_with_a_session(day: date) -> None:
    following = next_business_day(day)
    assert is_business_day(following)
    skipped = [day + timedelta(days=n) for n in range(1, (following - day).days)]
    assert not any(is_business_day(d) for d in skipped)
    assert (following - day).days <= 5


@given(days, st.times())
def test_the_session_of_a_moment_has_not_closed(day: date, time_of_day: time) -> None:
    moment = datetime.combine(day, time_of_day, NEW_YORK)
    session = business_date(moment)
    assert is_business_day(session)
    assert moment < close_of(session)
    assert business_date(moment + timedelta(hours=3)) >= session


@pytest.mark.parametrize("day", [date(FIRST_YEAR - 1, 12, 29), date(LAST_YEAR + 1, 1, 2)])
def test_a_day_beyond_the_table_is_an_error(day: date) -> None:
    with pytest.raises(CalendarRangeError, match=f"{FIRST_YEAR} to {LAST_YEAR}"):
        is_business_day(day)


def test_the_last_days_of_the_table_have_no_next_business_day() -> None:
    with pytest.raises(CalendarRangeError):
        next_business_day(date(LAST_YEAR, 12, 31))
