"""What is traded in a run, where, and when."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from trading.domain.reference.calendars import NEW_YORK, next_trading_day

CENT = Decimal("0.01")
SYMBOLS = {"KO": Decimal("65.45"), "AAPL": Decimal("228.50"), "IBM": Decimal("208.30")}
CONTINUOUS = "IBM"
"""The symbol that trades at any time. The others trade in the exchanges' hours."""
FEES = {
    "XNYS": Decimal("0.0030"),
    "XNAS": Decimal("0.0025"),
    "ARCX": Decimal("0.0030"),
    "BATS": Decimal("0.0010"),
}
"""What each exchange charges, in USD a share."""
EXCHANGE_IDS = (*FEES,)
OPENING = time(9, 30)
SETTLEMENT = time(18, 30)
TRADING_SECONDS = 2400
"""Clients act in the first 40 minutes, which is longer than a token lives. What they set off goes
on all day.
"""


def is_bank_holiday(day: date) -> bool:
    """Whether the banks are closed although the exchanges are open: Columbus or Veterans Day.

    A Veterans Day on a Sunday is observed on the Monday.
    """
    monday = day.weekday() == 0
    columbus = day.month == 10 and monday and 8 <= day.day <= 14
    veterans = day.month == 11 and (day.day == 11 or (day.day == 12 and monday))
    return columbus or veterans


def next_settlement_day(day: date) -> date:
    """The first day after a day on which trades settle."""
    following = next_trading_day(day)
    while is_bank_holiday(following):
        following = next_trading_day(following)
    return following


def opening_time(day: date) -> datetime:
    """When the day's session opens."""
    return datetime.combine(day, OPENING, NEW_YORK)


def settlement_time(day: date) -> datetime:
    """When the day's settlement cycle starts."""
    return datetime.combine(day, SETTLEMENT, NEW_YORK)


def since_opening(day: date, moment: datetime) -> float:
    """Seconds since the day's opening."""
    return (moment - opening_time(day)).total_seconds()


def cents(amount: Decimal) -> str:
    """An amount or a price as people send it."""
    return str(amount.quantize(CENT))
