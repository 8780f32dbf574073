"""A plain order as `make bench` measured it. The tables of docs/reference/costs.md are the source.

The model has no figures of its own about an order: a new measurement changes its results.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infra.catalog.functions import FUNCTIONS, SIMULATORS
from infra.catalog.names import ORDER_LIFECYCLE
from tests.benchmarks.prices import MILLION, PRICE, Billed

COSTS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "costs.md"
STEPS = "A plain order by step"
CALLS = "Calls of AWS APIs"
UNITS = "DynamoDB units by table and index"
PRICES = "USD for a million orders"
FIXED = "USD a month, whatever is traded"
EVENTS = "USD for the events of a million plain orders"
DAYS_A_MONTH = 365 / 12

Row = Mapping[str, str]


class UnreadableError(ValueError):
    """The page lacks a table, or a table lacks a row."""


@dataclass(frozen=True)
class Consumed:
    """DynamoDB's units of a step in a table, or in one of its indexes (`table/index`).

    `key` names the partition key if orders share it, and `keys` says how many such keys an order
    uses.
    """

    place: str
    key: str
    keys: int
    write_units: float
    read_units: float


@dataclass(frozen=True)
class Step:
    """A step of a plain order: what an order uses of it, with the reads of its workflow.

    `runs`: how often the function runs for an order. `seconds`: how long it runs. `calls`: how
    often it calls each operation.
    """

    name: str
    function: str
    runs: float
    seconds: float
    calls: Mapping[str, float]
    units: tuple[Consumed, ...]


OF_US = ("ours", "events")
"""The parties of the page that are the system itself."""
OF_THE_EVENTS = ("publish", "log")
IN_A_BATCH = "an order's in one batch"


@dataclass(frozen=True)
class PlainOrder:
    """The steps of our functions in their order, and the charges in USD.

    `secrets`: the secrets that a worker reads whose caches are out of date.
    """

    steps: Mapping[str, Step]
    usd: float
    usd_a_day: float
    secrets: float

    def calls(self, operation: str) -> float:
        """How often an order calls an operation, in all its steps."""
        return sum(step.calls.get(operation, 0) for step in self.steps.values())


def plain_order(page: Path = COSTS) -> PlainOrder:
    """Read the page. Raises UnreadableError."""
    tables = dict(_tables(page.read_text()))
    if missing := {STEPS, CALLS, UNITS, PRICES, FIXED, EVENTS} - tables.keys():
        raise UnreadableError(f"{page.name} has no table {sorted(missing)}")
    steps = {
        row["step"]: _step(row, tables)
        for row in tables[STEPS]
        if row[""] in OF_US and row["step"] != "all"
    }
    together = _together(tables[EVENTS])
    steps |= {name: _batched(steps[name], together) for name in steps if name in OF_THE_EVENTS}
    usd = {row["2"]: row for row in tables[PRICES] if row[""] == "ours"}
    events = {row[""]: row for row in tables[EVENTS]}["total"]
    month = {row["2"]: row for row in tables[FIXED]}
    secrets = _number(usd[Billed.SECRETS]["market buy, idle worker"]) / MILLION
    return PlainOrder(
        steps,
        usd=(_number(usd["total"]["market buy"]) + _number(events[IN_A_BATCH])) / MILLION,
        usd_a_day=_number(month["total"]["USD"]) / DAYS_A_MONTH,
        secrets=secrets / PRICE[Billed.SECRETS],
    )


def _step(row: Row, tables: Mapping[str, list[Row]]) -> Step:
    name = row["step"]
    mine = [
        each
        for each in tables[CALLS]
        if each["step"] == name and each["function"] not in SIMULATORS
    ]
    functions = {each["function"] for each in mine}
    if len(functions) != 1:
        raise UnreadableError(f"the step {name!r} has not one function, but {sorted(functions)}")
    (function,) = functions
    runs = _number(row["Lambda invocations"])
    gigabytes = FUNCTIONS[function].memory / 1024
    return Step(
        name=name,
        function=function,
        runs=runs,
        seconds=_number(row["Lambda GB-seconds"]) / gigabytes / runs if runs else 0,
        calls={each["operation"].split()[-1]: _number(each["calls"]) for each in mine},
        units=tuple(
            Consumed(
                place=each["table or index"],
                key=each["shared key"],
                keys=int(_number(each["keys"])),
                write_units=_number(each["write units"]),
                read_units=_number(each["read units"]),
            )
            for each in tables[UNITS]
            if each["step"] == name and each["function"] in (function, ORDER_LIFECYCLE)
        ),
    )


def _together(events: list[Row]) -> Mapping[str, float]:
    """What a batch with all events of an order takes, as a part of what they take one by one."""
    return {
        row[""]: _number(row[IN_A_BATCH]) / _number(row["one a batch"])
        for row in events
        if row[""] in (Billed.INVOCATIONS, Billed.COMPUTE)
    }


def _batched(step: Step, together: Mapping[str, float]) -> Step:
    """The step of a busy system: Lambda reads a stream four times a second, and finds many."""
    runs = step.runs * together[Billed.INVOCATIONS]
    seconds = step.seconds * together[Billed.COMPUTE] / together[Billed.INVOCATIONS]
    return replace(step, runs=runs, seconds=seconds)


def _tables(text: str) -> Iterator[tuple[str, list[Row]]]:
    """The tables of a page by their titles. A second column without a name is called `2`."""
    for found in re.finditer(r"^\*\*(.+)\*\*\n\n((?:\|.*\n)+)", text, re.MULTILINE):
        header, _, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in found[2].strip().splitlines()
        ]
        names = [name or ("2" if index else "") for index, name in enumerate(header)]
        yield found[1], [dict(zip(names, row, strict=True)) for row in rows]


def _number(text: str) -> float:
    return float(text.replace(",", "")) if text else 0.0
