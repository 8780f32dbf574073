"""When and why an order must be checked again, and who acts.

`Order.attention_at` is the time of the next check. It is the key of a sparse index, which the
sweeper reads every minute. An order with None is at rest and not in the index. Every check has one
reason, which decides what the sweeper does (`PUSH_OF`). `next_look` gives the time of the check
after it.

All arithmetic on these times is in this module.
"""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from trading.domain.accounts.cash import Account
from trading.domain.coded import Coded
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.order_times import expires_at, is_overdue, is_waiting, release_of
from trading.domain.reference.instruments import Instrument

FIRST_LOOK_AFTER = timedelta(seconds=60)
"""An accepted order is executed well within this time, unless its workflow did not start."""
LOOK_AGAIN_AFTER = timedelta(seconds=60)
RESTING_LOOK_AFTER = timedelta(minutes=30)
RESTING_LOOKS_SPREAD = timedelta(minutes=5)
"""After an outage, many orders are swept in one minute. The spread keeps them from coming back
together every half hour.
"""
SILENT_LOOK_AFTER = timedelta(minutes=5)
"""An exchange that did not answer may not have the order. A look at a resting one comes later."""


class Responder(StrEnum):
    """Who acts on an order that is due."""

    SWEEPER = "SWEEPER"
    DAY_CLOSE = "DAY_CLOSE"
    OPERATOR = "OPERATOR"


class Push(StrEnum):
    """What the sweeper does with an order that is due.

    START: start a run of the workflow, which sends the message to execute the order.
    POLL: send the message to ask the exchanges and update the order.
    END: send the message to end the order.
    """

    START = "START"
    POLL = "POLL"
    END = "END"


class AttentionReason(Coded):
    """Why an order must be checked again."""

    WAITS_FOR_OPEN = "WAITS_FOR_OPEN", "The order waits for the open of its market."
    WORKFLOW_TO_START = "WORKFLOW_TO_START", "The order is accepted and may not have been sent."
    TIME_IS_OVER = "TIME_IS_OVER", "The order is open, and its time in force is over."
    END_REQUESTED = "END_REQUESTED", "The order is being canceled, replaced or expired."
    AT_EXCHANGE = "AT_EXCHANGE", "The order is at an exchange and may not rest there."
    EXCHANGE_SILENT = "EXCHANGE_SILENT", "An exchange did not answer when it was asked."
    RESTING = "RESTING", "The order rests at an exchange, which may have lost a report."
    CORRECTION_PARKED = (
        "CORRECTION_PARKED",
        "An exchange corrected or busted an execution that is not booked yet.",
    )
    AWAITS_CLEARING = (
        "AWAITS_CLEARING",
        "The order can no longer execute, and it is not cleared.",
    )
    UNDER_REVIEW = "UNDER_REVIEW", "Something about the order failed or broke a rule."

    @property
    def responders(self) -> tuple[Responder, ...]:
        """Who acts, in the order in which they come."""
        return _RESPONDERS.get(self, (Responder.SWEEPER,))


_RESPONDERS = {
    AttentionReason.TIME_IS_OVER: (Responder.DAY_CLOSE, Responder.SWEEPER),
    AttentionReason.UNDER_REVIEW: (Responder.OPERATOR, Responder.SWEEPER),
}
PUSH_OF = {
    AttentionReason.WAITS_FOR_OPEN: Push.START,
    AttentionReason.WORKFLOW_TO_START: Push.START,
    AttentionReason.TIME_IS_OVER: Push.END,
    AttentionReason.END_REQUESTED: Push.POLL,
    AttentionReason.AT_EXCHANGE: Push.POLL,
    AttentionReason.EXCHANGE_SILENT: Push.POLL,
    AttentionReason.RESTING: Push.POLL,
    AttentionReason.CORRECTION_PARKED: Push.POLL,
    AttentionReason.AWAITS_CLEARING: Push.POLL,
}
"""An order under review is pushed as if it were not."""


class Attention(NamedTuple):
    """Why an order must be checked, what the sweeper does, and when the next check is."""

    reason: AttentionReason
    push: Push
    next_look: datetime


def attention_of(order: Order, now: datetime) -> Attention | None:
    """The attention that an order wants at a moment; None: it is at rest.

    EXCHANGE_SILENT is not told from RESTING or AT_EXCHANGE: it only shortens the time to the next
    look (`look_after_silence`).
    """
    if order.attention_at is None:
        return None
    reason = _reason(order, now)
    shown = reason if order.review_reason is None else AttentionReason.UNDER_REVIEW
    return Attention(shown, PUSH_OF[reason], next_look(order, now))


def _reason(order: Order, now: datetime) -> AttentionReason:
    if is_overdue(order, now):
        return AttentionReason.TIME_IS_OVER
    if order.status is OrderStatus.VALIDATED:
        waits = order.release_at is not None and now < order.release_at
        return AttentionReason.WAITS_FOR_OPEN if waits else AttentionReason.WORKFLOW_TO_START
    if order.parked:
        return AttentionReason.CORRECTION_PARKED
    if not order.is_open:
        return AttentionReason.AWAITS_CLEARING
    if order.ending is not None:
        return AttentionReason.END_REQUESTED
    return (
        AttentionReason.RESTING if order.venue_time_in_force.rests else AttentionReason.AT_EXCHANGE
    )


def is_due(order: Order, now: datetime) -> bool:
    """Whether the sweeper is to look at the order now."""
    return order.attention_at is not None and order.attention_at <= now


def is_neglected(order: Order, now: datetime, patience: timedelta) -> bool:
    """Whether the look has been due for so long that the sweeper must have failed."""
    return is_due(order, now - patience)


def rests_at_exchange(order: Order) -> bool:
    """Whether the order may stand at an exchange for long, and nothing else is to happen to it."""
    return (
        order.is_open
        and order.ending is None
        and order.venue_time_in_force.rests
        and bool(order.children)
    )


def first_look(release_at: datetime | None, now: datetime) -> datetime:
    """When the sweeper first looks at an accepted order: soon, or at the open it waits for."""
    return release_at or now + FIRST_LOOK_AFTER


def turn_at_open(account: Account, release_at: datetime) -> datetime:
    """When the sweeper looks at the newest order of an account that waits for an open.

    Orders of one client are a microsecond apart, in the order in which they were accepted.
    """
    return release_at + timedelta(microseconds=account.sequence - (account.waiting_from or 0))


def next_look(order: Order, now: datetime) -> datetime:
    """When the sweeper looks at the order again after a look now.

    It comes back soon, but later to an order that rests or that an operator looks at. It never
    oversleeps the end of an order's time.
    """
    resting = rests_at_exchange(order)
    if not resting and order.review_reason is None:
        return now + LOOK_AGAIN_AFTER
    again = now + RESTING_LOOK_AFTER - _spread(order.order_id)
    if resting and not is_overdue(order, now):
        return min(again, expires_at(order))
    return again


def look_after_failure(now: datetime) -> datetime:
    """When the sweeper looks again at an order whose look failed.

    Without a new time, the order would stay first in the index for ever.
    """
    return now + LOOK_AGAIN_AFTER


def look_after_end(order: Order, now: datetime) -> Order:
    """Have the sweeper look soon at an order that has just ended and is to be cleared.

    The run that was to have it cleared may fail, and the next look at a resting order is far off.
    """
    soon = now + LOOK_AGAIN_AFTER
    if not order.awaits_clearing or (order.attention_at is not None and order.attention_at <= soon):
        return order
    return order.looked_at_next(soon)


def look_after_parking(now: datetime) -> datetime:
    """When the sweeper has the exchange asked for the execution that a correction refers to."""
    return now + LOOK_AGAIN_AFTER


def look_after_silence(order: Order, now: datetime) -> datetime | None:
    """When the sweeper looks at an order whose exchange did not answer.

    None: the next look is sooner already.
    """
    soon = now + SILENT_LOOK_AFTER
    if order.attention_at is not None and now < order.attention_at < soon:
        return None
    return soon


def held_back(order: Order, instrument: Instrument, now: datetime) -> Order | None:
    """The order as it is while it waits for its market; None if it need not wait.

    An order that could not be sent at its open lost its turn in the client's sequence. While its
    market is closed, the sweeper need not look at it before the next open or its expiry.
    """
    if order.release_at is None or not is_waiting(order, instrument, now):
        return None
    if now < order.release_at:
        return order
    opens = release_of(instrument, now)
    look = order.attention_at if opens is None else min(opens, expires_at(order))
    return order.put_off_until(look)


def _spread(order_id: str) -> timedelta:
    """Jitter below five minutes. It follows from the order id, so a repetition has the same."""
    return RESTING_LOOKS_SPREAD * (hashlib.sha256(order_id.encode()).digest()[1] / 256)
