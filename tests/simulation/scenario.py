"""What happens in a run, as plain data: who trades with what, and who does what when.

A scenario can be cut down and printed.
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
    """A client, and what it starts with. signs: its profile wants all its orders signed."""

    client_id: str
    cash: Decimal
    shares: dict[str, int]
    margin_percent: int = 100
    credit_limit: Decimal = Decimal(0)
    daily_limit: Decimal = Decimal(5_000_000)
    signs: bool = False


@dataclass(frozen=True)
class Action:
    """Something that a person does, that many seconds after the opening.

    `fields` depend on the kind of action.
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
    """The input of a run. The same scenario always gives the same run.

    exhausted: a service of AWS, or "lambda", that throttles everything for ten minutes of trading.
    """

    seed: str
    day: date
    traders: tuple[Trader, ...]
    actions: tuple[Action, ...]
    rates: Rates
    exhausted: str = ""

    @property
    def opening(self) -> datetime:
        """When the first day's session opens."""
        return opening_time(self.day)

    @property
    def orders(self) -> int:
        """The number of orders that clients send, without copies."""
        return sum(action.what == "place" for action in self.actions)

    def with_actions(self, actions: tuple[Action, ...]) -> Scenario:
        """The same scenario with fewer actions."""
        return replace(self, actions=actions)

    def with_rates(self, rates: Rates) -> Scenario:
        """The same scenario with other faults."""
        return replace(self, rates=rates)
