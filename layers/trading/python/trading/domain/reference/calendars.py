"""The US trading calendar: sessions, holidays, early closes, settlement dates."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trading.domain.reference.nyse_table import EARLY_CLOSES, FIRST_YEAR, HOLIDAYS, LAST_YEAR

NEW_YORK = ZoneInfo("America/New_York")
OPEN = time(9, 30)
CLOSE = time(16, 0)
EARLY_CLOSE = time(13, 0)


class CalendarRangeError(Exception):
    """The day lies outside the table of holidays: generate a longer one (`python -m
    local.calendar`).
    """


def is_business_day(day: date) -> bool:
    """Whether the exchanges open on that day."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CalendarRangeError(f"{day} is not within {FIRST_YEAR} to {LAST_YEAR}")
    return day.weekday() < 5 and day.isoformat() not in HOLIDAYS


def next_business_day(day: date) -> date:
    """The first business day after the day."""
    following = day + timedelta(days=1)
    while not is_business_day(following):
        following += timedelta(days=1)
    return following


def open_of(day: date) -> datetime:
    """When the session of a business day begins."""
    return datetime.combine(day, OPEN, NEW_YORK)


def close_of(day: date) -> datetime:
    """When the session of a business day ends."""
    return datetime.combine(
        day, EARLY_CLOSE if day.isoformat() in EARLY_CLOSES else CLOSE, NEW_YORK
    )


def business_date(moment: datetime) -> date:
    """The session a moment belongs to: after the close, on weekends and holidays it is the next
    one.
    """
    day = moment.astimezone(NEW_YORK).date()
    if is_business_day(day) and moment < close_of(day):
        return day
    return next_business_day(day)


def settlement_date(trade_date: date, days: int) -> date:
    """Trade date plus the settlement cycle, in business days (US: T+1 since 28 May 2024, SEC Rule
    15c6-1(a)).
    """
    settles = trade_date
    for _ in range(days):
        settles = next_business_day(settles)
    return settles
