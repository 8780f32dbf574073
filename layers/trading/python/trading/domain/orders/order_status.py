"""The statuses of an order, the table of legal transitions, and the history that records them.

The statuses up to FILLED and the early ends follow OrdStatus (tag 39) of FIX 4.4. The statuses from
CLEARING on are this system's own.
"""

from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from pydantic import model_serializer, model_validator

from trading.domain.errors import InvariantError
from trading.domain.values import Frozen, Timestamp, iso


class OrderStatus(StrEnum):
    """The step of its life that an order has reached.

    RECEIVED: kept, not yet accepted; a replacement stays here until the order that it replaces has
    ended. VALIDATED: accepted, nothing sent. ROUTING: sent to an exchange, nothing filled.
    """

    RECEIVED = "RECEIVED"
    VALIDATED = "VALIDATED"
    ROUTING = "ROUTING"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CLEARING = "CLEARING"
    CLEARED = "CLEARED"
    SETTLING = "SETTLING"
    SETTLED = "SETTLED"
    REJECTED = "REJECTED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


_S = OrderStatus
TRANSITIONS: dict[OrderStatus | None, frozenset[OrderStatus]] = {
    None: frozenset({_S.RECEIVED}),
    _S.RECEIVED: frozenset({_S.VALIDATED, _S.REJECTED, _S.CANCELED}),
    _S.VALIDATED: frozenset({_S.ROUTING, _S.REJECTED, _S.CANCELED, _S.EXPIRED}),
    _S.ROUTING: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.REJECTED, _S.CANCELED, _S.EXPIRED}),
    _S.PARTIALLY_FILLED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.FILLED: frozenset({_S.CLEARING}),
    _S.CLEARING: frozenset({_S.CLEARED}),
    _S.CLEARED: frozenset({_S.SETTLING}),
    _S.SETTLING: frozenset({_S.SETTLED}),
    _S.SETTLED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.EXPIRED: frozenset(),
}
"""The legal next statuses of each status. None stands for an order that does not exist yet."""

CORRECTIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.PARTIALLY_FILLED: frozenset({_S.ROUTING}),
    _S.FILLED: frozenset({_S.FILLED, _S.CANCELED}),
    _S.CLEARED: frozenset({_S.CLEARED, _S.CANCELED}),
    _S.SETTLING: frozenset({_S.SETTLING, _S.CANCELED}),
    _S.SETTLED: frozenset({_S.SETTLED, _S.SETTLING, _S.CANCELED}),
    _S.CANCELED: frozenset({_S.CANCELED}),
    _S.EXPIRED: frozenset({_S.EXPIRED}),
}
"""The further transitions that only a correction or a bust of an execution makes.

An order that loses executed shares was not executed in full after all: it becomes CANCELED. A
correction that changes no status is recorded in the history under the same status.
"""

FINAL = frozenset({_S.SETTLED, _S.REJECTED, _S.CANCELED, _S.EXPIRED})
FULLY_EXECUTED = frozenset({_S.FILLED, _S.CLEARING, _S.CLEARED, _S.SETTLING, _S.SETTLED})
OPEN = frozenset({_S.VALIDATED, _S.ROUTING, _S.PARTIALLY_FILLED})
"""The statuses in which an order may still execute, and therefore holds cash, credit or shares."""


CORRECTED = "execution "
"""How the reason of a transition that a correction or a bust makes begins."""


class IllegalTransitionError(InvariantError):
    """The code asked for a transition that the table does not have."""


class HistoryEntry(Frozen):
    """One transition of an order.

    It is stored as one line, `{time} {status} {reason}`: field names would be a tenth of an order's
    stored size.
    """

    status: OrderStatus
    time: Timestamp
    reason: str | None = None

    @model_serializer
    def _line(self) -> str:
        return " ".join(filter(None, (iso(self.time), self.status, self.reason)))

    @model_validator(mode="before")
    @classmethod
    def _of_line(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return dict(zip(("time", "status", "reason"), value.split(" ", 2), strict=False))


def check_transition(
    order_id: str, before: OrderStatus, after: OrderStatus, *, by_correction: bool = False
) -> None:
    """Raises IllegalTransitionError if the tables have no such transition."""
    legal = TRANSITIONS[before] | (CORRECTIONS.get(before, frozenset()) if by_correction else set())
    if after not in legal:
        raise IllegalTransitionError(f"{order_id}: {before} to {after}")


def time_of(status: OrderStatus, history: tuple[HistoryEntry, ...]) -> datetime | None:
    """When a history first reached a status."""
    return next((entry.time for entry in history if entry.status is status), None)


def is_legal_path(history: tuple[HistoryEntry, ...]) -> bool:
    """Whether every transition of a history is in the tables. An empty history is not legal.

    A transition of a correction must say so in its reason.
    """
    if not history or history[0].status not in TRANSITIONS[None]:
        return False
    return all(
        after.status in TRANSITIONS[before.status]
        or (
            after.status in CORRECTIONS.get(before.status, ())
            and (after.reason or "").startswith(CORRECTED)
        )
        for before, after in pairwise(history)
    )
