"""The time of an execution: whether it is plausible, and which trade date follows from it.

An exchange states the time by its own clock. docs/explanation/time.md has the rules and examples.
"""

from datetime import date, datetime, timedelta

from trading.domain.orders.order import Order
from trading.domain.reference import calendars
from trading.domain.reference.instruments import Instrument
from trading.domain.values import TimeInForce, iso

CLOCK_SKEW = timedelta(minutes=1)
"""The clocks of an exchange and of ours may differ by so much."""
AFTER_THE_CLOSE = timedelta(minutes=15)
"""An exchange may execute for so long after the close: the closing auction ends then."""
LATEST_REPORT = timedelta(days=7)
"""We book an execution for so long after its time. An older one needs a person."""


class ImplausibleTimeError(Exception):
    """An execution cannot have happened at the stated time."""


def trade_date_of(
    order: Order, instrument: Instrument, executed_at: datetime, received_at: datetime
) -> date:
    """The trade date of an execution. `received_at`: when we learned of it.

    It is the session of the order. A GTC order has many sessions: there it is the session of the
    execution's time. Raises ImplausibleTimeError, CalendarRangeError.
    """
    sent_at = order.routed_at or order.accepted_at
    earliest = max(sent_at - CLOCK_SKEW, received_at - LATEST_REPORT)
    if executed_at < earliest:
        raise ImplausibleTimeError(f"executed at {iso(executed_at)}, before {iso(earliest)}")
    latest = received_at + CLOCK_SKEW
    if executed_at > latest:
        raise ImplausibleTimeError(f"executed at {iso(executed_at)}, reported by {iso(latest)}")
    if order.time_in_force is not TimeInForce.GTC:
        session: date | None = order.business_date
        if executed_at > calendars.close_of(order.business_date) + AFTER_THE_CLOSE:
            session = None
    elif instrument.trading_hours == "continuous":
        session = calendars.business_date(executed_at)
    else:
        session = calendars.session_at(executed_at, CLOCK_SKEW, AFTER_THE_CLOSE)
    if session is None:
        raise ImplausibleTimeError(f"executed at {iso(executed_at)}, outside of its session")
    return session
