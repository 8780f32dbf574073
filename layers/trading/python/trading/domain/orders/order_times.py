"""When an order goes out and when its time is over, by the exchange calendar."""

from datetime import datetime, timedelta

from trading.domain.orders.end_request import EndRequest
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.reference import calendars
from trading.domain.reference.instruments import Instrument
from trading.domain.values import TimeInForce

GTC_LIFETIME = timedelta(days=90)
IMMEDIATE_LIFETIME = timedelta(minutes=15)


def release_of(instrument: Instrument, now: datetime) -> datetime | None:
    """The open that an order in an instrument waits for; None while its market is open."""
    if instrument.trading_hours == "continuous":
        return None
    opens = calendars.open_of(calendars.business_date(now))
    return opens if now < opens else None


def is_waiting(order: Order, instrument: Instrument, now: datetime) -> bool:
    """Whether an accepted order waits for its market to open, or for a halt at the open to end.

    An order whose end was requested waits for nothing.
    """
    if (
        order.status is not OrderStatus.VALIDATED
        or order.ending is not None
        or order.release_at is None
    ):
        return False
    return (
        now < order.release_at or not instrument.tradable or release_of(instrument, now) is not None
    )


def expires_at(order: Order) -> datetime:
    """When an order's time is over.

    DAY: at the close of its session. GTC: 90 days after acceptance. An order that may not rest: 15
    minutes after acceptance, if no exchange has ended it by then.
    """
    if not order.venue_time_in_force.rests:
        return order.accepted_at + IMMEDIATE_LIFETIME
    if order.time_in_force is TimeInForce.GTC:
        return order.accepted_at + GTC_LIFETIME
    return calendars.close_of(order.business_date)


def is_overdue(order: Order, now: datetime) -> bool:
    """Whether the time of an open order is over and no end was requested."""
    return order.is_open and order.ending is None and expires_at(order) <= now


def expiry_of(order: Order) -> EndRequest:
    """The request to end an order whose time is over.

    An order that may not rest is CANCELED, as by an exchange. Others are EXPIRED.
    """
    status = OrderStatus.EXPIRED if order.venue_time_in_force.rests else OrderStatus.CANCELED
    return EndRequest.model_validate(
        {
            "status": status,
            "reason": f"{order.time_in_force}: the order expired before it was filled.",
        }
    )
