"""The faults and their rates. A rate is a probability per call, answer, order or instruction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from random import Random


class CallFault(StrEnum):
    """A fault of one attempt of a call that leaves a function."""

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
    """The next attempt of a failed call fails as well."""
    cold: float = 0.02
    stale: float = 0
    unprocessed: float = 0
    small_page: float = 0
    skew: float = 0
    """The largest error of a worker's clock in seconds, either way."""
    redelivered: float = 0
    """The deletion of a handled message is lost, so the message comes again."""
    schedule_twice: float = 0
    run_twice: float = 0
    """Step Functions runs one start of an Express workflow twice."""
    run_killed: float = 0
    """An Express execution dies in its first seconds."""
    outage: float = 0
    """An AWS service fails nearly every call for a while, once per run and service."""
    contention: float = 0
    """For a while, nearly every transaction conflicts with another one, or a table is throttled.
    Once per run.
    """
    request_lost: float = 0
    response_lost: float = 0
    venue_down: float = 0
    """A venue is out of reach for a while, once per run and venue."""
    venue_hangs: float = 0
    """For a while, a venue accepts requests and answers none. Some take effect. Once per run and
    venue.
    """
    venue_no_answer: float = 0
    venue_late_arrival: float = 0
    """A request that seemed lost arrives after its sender has given up."""
    venue_sender_dies: float = 0
    """A function dies while its order or instruction is on its way, and the venue stays busy. The
    request arrives or gets lost.
    """
    venue_ill: float = 0
    """A venue that did something wrong hangs for a while afterwards."""
    venue_busy: float = 0
    """A venue is out of reach for one request."""
    venue_reject: float = 0
    venue_silent: float = 0
    venue_report_twice: float = 0
    venue_report_late: float = 0
    venue_overfill: float = 0
    venue_wrong_report: float = 0
    venue_false_report: float = 0
    venue_says_more: float = 0
    """An exchange reports an order as fully executed, at a forbidden price, before it has executed
    anything.
    """
    venue_correct: float = 0
    """An exchange corrects an execution, at once or up to a day and a half later."""
    venue_bust: float = 0
    """An exchange busts an execution, at once or up to a day and a half later."""
    venue_wrong_bust: float = 0
    """An exchange busts an execution that there never was."""
    depository_fails: float = 0
    depository_wrong: float = 0
    depository_twice: float = 0

    def without(self, name: str) -> Rates:
        """The same profile without one kind of fault."""
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
    run_twice=0.1,
    venue_report_twice=0.1,
    depository_twice=0.1,
)
"""Not faults: behavior that the services' contracts allow at any time."""
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
    run_twice=0.1,
    run_killed=0.03,
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
    venue_correct=0.08,
    venue_bust=0.06,
    venue_wrong_bust=0.02,
    venue_says_more=0.1,
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
        """The rates that apply now."""
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
        """The fault of one attempt of a call, if any."""
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
        """Count an injected fault."""
        self.injected[name] = self.injected.get(name, 0) + 1
