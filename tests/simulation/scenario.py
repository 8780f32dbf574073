"""What happens in a run, as plain data: who trades with what, and what is done when. It can be cut
down and printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.simulation.faults import Rates
from tests.simulation.market import opening_time


@dataclass(frozen=True)
class Trader:
    """A client and what he starts with."""

    client_id: str
    cash: Decimal
    shares: dict[str, int]
    margin_percent: int = 100
    credit_limit: Decimal = Decimal(0)
    daily_limit: Decimal = Decimal(5_000_000)


@dataclass(frozen=True)
class Action:
    """Something that somebody does, so many seconds after the opening. `fields` depend on what it
    is.
    """

    at: float
    who: str
    what: str
    fields: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = " ".join(f"{name}={value}" for name, value in self.fields.items())
        return f"{self.at:8.1f}s {self.who}: {self.what} {told}"


@dataclass(frozen=True)
class Scenario:
    """A run. With the same scenario everything happens the same."""

    seed: str
    day: date
    traders: tuple[Trader, ...]
    actions: tuple[Action, ...]
    rates: Rates

    @property
    def opening(self) -> datetime:
        """When the first day's session opens."""
        return opening_time(self.day)

    @property
    def orders(self) -> int:
        """How many orders clients send, copies not counted."""
        return sum(action.what == "place" for action in self.actions)

    def with_actions(self, actions: tuple[Action, ...]) -> Scenario:
        """The same with fewer actions."""
        return replace(self, actions=actions)

    def with_rates(self, rates: Rates) -> Scenario:
        """The same with other faults."""
        return replace(self, rates=rates)
