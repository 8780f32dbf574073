"""What goes wrong, how often. Rates are probabilities a call, an answer, an order or an
instruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from random import Random


class CallFault(StrEnum):
    """What may happen to one attempt of a call that leaves a function."""

    ERROR = "error"
    LOST = "answer lost"
    THROTTLED = "throttled"
    CONFLICT = "conflict"
    FROZEN_BEFORE = "frozen before"
    FROZEN_AFTER = "frozen after"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


@dataclass(frozen=True)
class Rates:
    """A profile of faults."""

    error: float = 0
    lost: float = 0
    throttled: float = 0
    conflict: float = 0
    frozen_before: float = 0
    frozen_after: float = 0
    killed_before: float = 0
    killed_after: float = 0
    again: float = 0
    """That the next attempt of a call fails as well."""
    cold: float = 0.02
    stale: float = 0
    unprocessed: float = 0
    small_page: float = 0
    skew: float = 0
    """Seconds that a worker's clock may be off, either way."""
    redelivered: float = 0
    """That a message which was handled and deleted comes again, because the deletion was lost."""
    schedule_twice: float = 0
    outage: float = 0
    """That an AWS service fails nearly every call for a while, once a run and service."""
    contention: float = 0
    """That nearly every transaction finds its items held by another for a while, or that a table is
    throttled; once a run.
    """
    request_lost: float = 0
    response_lost: float = 0
    venue_down: float = 0
    """A venue out of reach for a while, once a run and venue."""
    venue_hangs: float = 0
    """A venue that takes requests for a while, some of them with effect, and answers none; once a
    run and venue.
    """
    venue_no_answer: float = 0
    venue_late_arrival: float = 0
    """That a request which seemed lost arrives when its sender has given up."""
    venue_sender_dies: float = 0
    """That a function dies while an order or an instruction of it is on its way, which arrives or
    not; what made it slow then keeps the venue busy.
    """
    venue_ill: float = 0
    """That a venue which did something wrong then hangs for a while."""
    venue_busy: float = 0
    """A venue out of reach for one request."""
    venue_reject: float = 0
    venue_silent: float = 0
    venue_report_twice: float = 0
    venue_report_late: float = 0
    venue_overfill: float = 0
    venue_wrong_report: float = 0
    venue_false_report: float = 0
    """That an exchange reports the whole of an order as executed, at a price that it may not have,
    before it has executed anything.
    """
    depository_fails: float = 0
    depository_wrong: float = 0
    depository_twice: float = 0

    def without(self, name: str) -> Rates:
        """The same, with one kind of fault left out."""
        return replace(self, **{name: 0})

    def active(self) -> list[str]:
        """The kinds of fault that may happen."""
        return [field.name for field in fields(self) if getattr(self, field.name)]


CALM = Rates(
    cold=0.02,
    stale=0.3,
    small_page=0.2,
    skew=0.5,
    redelivered=0.03,
    schedule_twice=0.1,
    venue_report_twice=0.1,
    depository_twice=0.1,
)
"""No faults: what the services' contracts allow at any time."""
STORM = Rates(
    error=0.006,
    lost=0.006,
    throttled=0.004,
    conflict=0.004,
    frozen_before=0.001,
    frozen_after=0.001,
    killed_before=0.003,
    killed_after=0.003,
    again=0.3,
    cold=0.05,
    stale=0.3,
    unprocessed=0.02,
    small_page=0.2,
    skew=0.5,
    redelivered=0.03,
    schedule_twice=0.1,
    outage=0.15,
    contention=0.2,
    request_lost=0.02,
    response_lost=0.03,
    venue_down=0.3,
    venue_hangs=0.3,
    venue_no_answer=0.02,
    venue_late_arrival=0.5,
    venue_sender_dies=0.06,
    venue_ill=0.3,
    venue_busy=0.02,
    venue_reject=0.05,
    venue_silent=0.05,
    venue_report_twice=0.1,
    venue_report_late=0.08,
    venue_overfill=0.03,
    venue_wrong_report=0.05,
    venue_false_report=0.02,
    depository_fails=0.02,
    depository_wrong=0.02,
    depository_twice=0.1,
)
_CALL_FAULTS = tuple((fault, fault.name.lower()) for fault in CallFault)


def never_injected(counts: Mapping[str, int], rates: Rates) -> list[str]:
    """The kinds of fault of a profile that did not occur."""
    names = {name: name for name in rates.active() if name not in ("again", "skew")}
    names |= {name: fault.value for fault, name in _CALL_FAULTS}
    return [name for name, counted in names.items() if not counts.get(counted)]


class Faults:
    """Draws faults. `rates` may change in the course of a run."""

    def __init__(self, rates: Rates) -> None:
        self.injected: dict[str, int] = {}
        self.rates = rates

    @property
    def rates(self) -> Rates:
        """What may happen now."""
        return self._rates

    @rates.setter
    def rates(self, rates: Rates) -> None:
        self._rates = rates
        self._thresholds: list[tuple[float, CallFault]] = []
        total = 0.0
        for fault, name in _CALL_FAULTS:
            total += getattr(rates, name)
            self._thresholds.append((total, fault))
        self._total = total

    def at_call(self, random: Random, failed_before: bool) -> CallFault | None:
        """What happens to an attempt of a call."""
        drawn = random.random()
        if failed_before and self._total and drawn < self._rates.again:
            drawn = random.random() * self._total
        if drawn >= self._total:
            return None
        fault = next(fault for threshold, fault in self._thresholds if drawn < threshold)
        self.count(fault.value)
        return fault

    def happens(self, name: str, random: Random) -> bool:
        """Whether a fault of that rate happens now."""
        rate: float = getattr(self._rates, name)
        if not rate or random.random() >= rate:
            return False
        self.count(name)
        return True

    def count(self, name: str) -> None:
        """Count a fault that was injected."""
        self.injected[name] = self.injected.get(name, 0) + 1
