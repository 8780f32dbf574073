"""What was counted: the calls, the billed quantities and the invocations of functions."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil
from typing import TypeVar

from infra.catalog.functions import FUNCTIONS, OF_EVENTS, OF_THE_STREAM, SIMULATORS
from tests.benchmarks.prices import Billed


@dataclass(frozen=True)
class Units:
    """The units that a call consumes in one partition of a table or an index.

    `index` is empty for the table itself, `key` is the value of the partition key.
    """

    table: str
    index: str
    key: str
    write_units: float = 0
    read_units: float = 0


class Party(StrEnum):
    """Whose usage it is. `EVENTS`: what follows the commits of an order, and no order waits for.
    `STREAM`: what a connected client costs beyond that.
    """

    OURS = "ours"
    EVENTS = "events"
    STREAM = "stream"
    SIMULATORS = "simulators"


def party_of(function: str) -> Party:
    """Whose usage a function's is."""
    if function in SIMULATORS:
        return Party.SIMULATORS
    if function in OF_THE_STREAM:
        return Party.STREAM
    return Party.EVENTS if function in OF_EVENTS else Party.OURS


@dataclass(frozen=True)
class Call:
    """A call that a function makes to an AWS API. `units` says where DynamoDB's units are consumed.
    `reported` holds the units that the service says it consumed.
    """

    stage: str
    function: str
    service: str
    operation: str
    detail: str = ""
    units: tuple[Units, ...] = ()
    reported: float | None = None
    share: float = 1

    @property
    def write_units(self) -> float:
        """All write units of the call."""
        return sum(each.write_units for each in self.units)

    @property
    def read_units(self) -> float:
        """All read units of the call."""
        return sum(each.read_units for each in self.units)

    @property
    def party(self) -> Party:
        """Whose call it is."""
        return party_of(self.function)


@dataclass(frozen=True)
class Charge:
    """A billed quantity. `units` says where DynamoDB's units are consumed if no call says it."""

    stage: str
    payer: str
    billed: Billed
    quantity: float
    units: tuple[Units, ...] = ()
    share: float = 1

    @property
    def party(self) -> Party:
        """Who pays."""
        return party_of(self.payer)


@dataclass(frozen=True)
class Invocation:
    """One run of a function: the CPU time used here, and an estimate of the duration that AWS would
    bill.
    """

    stage: str
    function: str
    cpu_ms: float
    duration_ms: float
    share: float = 1

    @property
    def party(self) -> Party:
        """Who pays."""
        return party_of(self.function)

    @property
    def gb_seconds(self) -> float:
        """GB-seconds, rounded up to a millisecond, as AWS bills them."""
        return FUNCTIONS[self.function].memory / 1024 * ceil(self.duration_ms) / 1000


@dataclass(frozen=True)
class ItemSize:
    """The size of an item at a write."""

    stage: str
    table: str
    kind: str
    size: int


Record = TypeVar("Record", Call, Charge, Invocation)


@dataclass
class Usage:
    """Everything that was counted."""

    calls: list[Call] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    items: list[ItemSize] = field(default_factory=list)
    metrics: set[str] = field(default_factory=set)

    def divided(self, by: float) -> "Usage":
        """The share of one order if `count` orders caused this together."""

        def part(record: Record) -> Record:
            return replace(record, share=record.share / by)

        return Usage(
            list(map(part, self.calls)),
            list(map(part, self.charges)),
            list(map(part, self.invocations)),
            self.items,
            self.metrics,
        )

    def plus(self, other: "Usage") -> "Usage":
        """The sum of both."""
        return Usage(
            self.calls + other.calls,
            self.charges + other.charges,
            self.invocations + other.invocations,
            self.items + other.items,
            self.metrics | other.metrics,
        )
