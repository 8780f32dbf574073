"""The two US calendars: of trading, and of settlement."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from holidays.constants import HALF_DAY, PUBLIC
from holidays.financial.ny_stock_exchange import NewYorkStockExchange
from holidays.financial.sifma import SIFMA
from hypothesis import given
from hypothesis import strategies as st

from trading.domain.reference.bank_holiday_table import BANK_HOLIDAYS
from trading.domain.reference.calendars import (
    NEW_YORK,
    CalendarRangeError,
    business_date,
    close_of,
    is_settlement_day,
    is_trading_day,
    next_trading_day,
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
def test_weekends_and_holidays_are_not_trading_days(day: date, opens: bool) -> None:
    assert is_trading_day(day) is opens


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


@pytest.mark.parametrize(
    ("traded", "settles"),
    [
        (date(2026, 10, 9), date(2026, 10, 13)),
        (date(2026, 10, 12), date(2026, 10, 13)),
        (date(2026, 11, 10), date(2026, 11, 12)),
        (date(2026, 11, 11), date(2026, 11, 12)),
        (date(2027, 10, 8), date(2027, 10, 12)),
        (date(2029, 11, 9), date(2029, 11, 13)),
        (date(2028, 11, 9), date(2028, 11, 10)),
        (date(2026, 4, 2), date(2026, 4, 6)),
        (date(2026, 7, 2), date(2026, 7, 6)),
    ],
)
def test_t_plus_one_skips_bank_holidays(traded: date, settles: date) -> None:
    """Columbus Day, Veterans Day, Veterans Day on a Sunday and on a Saturday, Good Friday, and the
    Friday before an Independence Day on a Saturday.
    """
    assert settlement_date(traded, 1) == settles


@pytest.mark.parametrize(
    ("day", "settles"),
    [
        (date(2026, 10, 12), False),
        (date(2026, 11, 11), False),
        (date(2029, 11, 12), False),
        (date(2028, 11, 10), True),
        (date(2026, 11, 10), True),
    ],
)
def test_on_bank_holidays_the_exchanges_open_and_nothing_settles(day: date, settles: bool) -> None:
    assert is_trading_day(day)
    assert is_settlement_day(day) is settles


@given(days)
def test_nothing_settles_while_the_exchanges_are_closed(day: date) -> None:
    assert is_trading_day(day) or not is_settlement_day(day)


@given(days, st.integers(0, 5))
def test_a_settlement_date_is_a_settlement_day(day: date, cycle: int) -> None:
    settles = settlement_date(day, cycle)
    assert is_settlement_day(settles)
    between = [day + timedelta(days=n) for n in range(1, (settles - day).days + 1)]
    assert sum(map(is_settlement_day, between)) == cycle or (cycle == 0 and len(between) < 6)


def test_exchanges_open_on_no_bank_holidays_but_two_a_year() -> None:
    """SIFMA's own recommendations for bonds name the same two days."""
    open_on = {date.fromisoformat(day) for day in BANK_HOLIDAYS if day not in HOLIDAYS}
    bonds = SIFMA(years=YEARS)
    assert {(day.month, bonds[day].removesuffix(" (observed)")) for day in open_on} == {
        (10, "Columbus Day"),
        (11, "Veterans Day"),
    }
    saturdays = sum(date(year, 11, 11).weekday() == 5 for year in YEARS)
    assert len(open_on) == 2 * len(YEARS) - saturdays


def test_other_settlement_cycles_count_settlement_days_too() -> None:
    assert settlement_date(date(2026, 10, 12), 0) == date(2026, 10, 13)
    assert settlement_date(date(2026, 10, 9), 2) == date(2026, 10, 14)
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
    following = next_trading_day(day)
    assert is_trading_day(following)
    skipped = [day + timedelta(days=n) for n in range(1, (following - day).days)]
    assert not any(is_trading_day(d) for d in skipped)
    assert (following - day).days <= 5


@given(days, st.times())
def test_the_session_of_a_moment_has_not_closed(day: date, time_of_day: time) -> None:
    moment = datetime.combine(day, time_of_day, NEW_YORK)
    session = business_date(moment)
    assert is_trading_day(session)
    assert moment < close_of(session)
    assert business_date(moment + timedelta(hours=3)) >= session


@pytest.mark.parametrize("day", [date(FIRST_YEAR - 1, 12, 29), date(LAST_YEAR + 1, 1, 2)])
def test_a_day_beyond_the_table_is_an_error(day: date) -> None:
    with pytest.raises(CalendarRangeError, match=f"{FIRST_YEAR} to {LAST_YEAR}"):
        is_trading_day(day)


def test_the_last_days_of_the_table_have_no_next_business_day() -> None:
    with pytest.raises(CalendarRangeError):
        next_trading_day(date(LAST_YEAR, 12, 31))
