"""The two US calendars: the sessions of the exchanges, and the days on which trades settle.

Sessions are those of the New York Stock Exchange. All times of a session are in New York time.
Nothing settles on a day on which the banks are closed. On Columbus Day and Veterans Day the
exchanges open all the same (FINRA, Extensions of Time Filing Schedule).
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trading.domain.reference.bank_holiday_table import BANK_HOLIDAYS
from trading.domain.reference.nyse_table import EARLY_CLOSES, FIRST_YEAR, HOLIDAYS, LAST_YEAR

NEW_YORK = ZoneInfo("America/New_York")
OPEN = time(9, 30)
CLOSE = time(16, 0)
EARLY_CLOSE = time(13, 0)
SETTLEMENT_OVER = time(21, 0)


class CalendarRangeError(Exception):
    """The day lies outside the tables of holidays. `python -m local.calendar` makes longer ones."""


def is_trading_day(day: date) -> bool:
    """Whether the exchanges open on a day. Raises CalendarRangeError."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CalendarRangeError(f"{day} is not within {FIRST_YEAR} to {LAST_YEAR}")
    return day.weekday() < 5 and day.isoformat() not in HOLIDAYS


def next_trading_day(day: date) -> date:
    """The first day after a day on which the exchanges open. Raises CalendarRangeError."""
    following = day + timedelta(days=1)
    while not is_trading_day(following):
        following += timedelta(days=1)
    return following


def date_in_new_york(moment: datetime) -> date:
    """The date in New York at a moment. No other function makes a date of a moment.

    From 19:00 or 20:00 in New York until midnight it is the day before UTC's.
    """
    return moment.astimezone(NEW_YORK).date()


def open_of(day: date) -> datetime:
    """When the session of a trading day begins."""
    return datetime.combine(day, OPEN, NEW_YORK)


def close_of(day: date) -> datetime:
    """When the session of a trading day ends."""
    return datetime.combine(
        day, EARLY_CLOSE if day.isoformat() in EARLY_CLOSES else CLOSE, NEW_YORK
    )


def business_date(moment: datetime) -> date:
    """The session that a moment belongs to. Raises CalendarRangeError.

    After the close, and on weekends and holidays, it is the next session.
    """
    day = date_in_new_york(moment)
    if is_trading_day(day) and moment < close_of(day):
        return day
    return next_trading_day(day)


def session_at(moment: datetime, early: timedelta, late: timedelta) -> date | None:
    """The session that is open at a moment, or that opens or closed within these margins.

    None if there is no such session. Raises CalendarRangeError.
    """
    day = date_in_new_york(moment)
    if is_trading_day(day) and open_of(day) - early <= moment <= close_of(day) + late:
        return day
    return None


def is_settlement_day(day: date) -> bool:
    """Whether trades settle on a day: the exchanges and the banks are open.

    Raises CalendarRangeError.
    """
    return is_trading_day(day) and day.isoformat() not in BANK_HOLIDAYS


def settlement_over(day: date) -> datetime:
    """When both settlement cycles of a settlement day are over, at the latest."""
    return datetime.combine(day, SETTLEMENT_OVER, NEW_YORK)


def settlement_date(trade_date: date, days: int) -> date:
    """The settlement day that lies this many settlement days after a trade date.

    US shares settle on T+1 since 28 May 2024 (SEC Rule 15c6-1(a)). With zero days, it is the trade
    date, or the first settlement day after it. Raises CalendarRangeError.
    """
    settles = trade_date
    for _ in range(days):
        settles = _settlement_day_from(settles + timedelta(days=1))
    return _settlement_day_from(settles)


def _settlement_day_from(day: date) -> date:
    """The day itself if trades settle on it, or else the first such day after it."""
    while not is_settlement_day(day):
        day += timedelta(days=1)
    return day
