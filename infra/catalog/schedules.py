"""The times at which functions and workflows start, in New York, on weekdays.

The functions know the holidays of the exchanges. On a holiday they find nothing to do.
"""

from datetime import date, datetime, time, timedelta

from trading.domain.reference import calendars


def _minutes_after(at: time, minutes: int) -> time:
    return (datetime.combine(date.min, at) + timedelta(minutes=minutes)).time()


MARKET_OPENS_AT = calendars.OPEN
"""At the open, each partition of the orders that wait is swept by an invocation of its own."""

DAY_CLOSE_AT = _minutes_after(calendars.CLOSE, 5)
EARLY_CLOSE_AT = _minutes_after(calendars.EARLY_CLOSE, 5)
"""Reports of the last executions are in by then."""

SETTLEMENT_CYCLE_AT, SETTLEMENT_CYCLE_AGAIN_AT = time(18, 30), time(20, 30)
"""The second run settles what the first one left. It also replaces a first run that did not start.
"""
