"""The figures as tables: Rich for people, Markdown for docs/reference/costs.md."""

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain

from infra.catalog.names import EXCHANGES
from tests.benchmarks.grid import Grid
from tests.benchmarks.lifecycle import Stage
from tests.benchmarks.measure import Measured, bill, quantities_of
from tests.benchmarks.monthly import Fixed
from tests.benchmarks.prices import CONNECTION_MINUTE, Billed
from tests.benchmarks.seeding import SYMBOL
from tests.benchmarks.usage import Party, Usage

MILLION = 1_000_000
NOTHING = 1e-6
STAGES: tuple[Stage, ...] = tuple(stage for stage in Stage if stage not in (Stage.PLAN, Stage.TICK))
OWN_KEY = re.compile(r"client-\d|ord_|trd_|stl_|[0-9a-f]{64}|\d+[.]\d+[.]\d+[.]\d+")
SHARED_KEYS = (
    (r"\d{4}-\d\d-\d\d", "{date}"),
    (r"(^|CCP#|DUE#)\d+$", r"\1{shard}"),
    (rf"\b({'|'.join(EXCHANGES)})\b", "{exchange_id}"),
    (rf"\b{SYMBOL}\b", "{symbol}"),
)
BUDGET_OF_EVENTS = 12
"""USD for the events of a million orders."""


def by_stage(usage: Usage) -> Grid:
    """The billed quantities by step."""
    quantities = quantities_of(usage)
    columns = [
        billed
        for billed in Billed
        if billed
        not in (
            Billed.TRANSITIONS,
            Billed.LOGS,
            Billed.TRACES,
            Billed.SECRETS,
            Billed.MACS,
        )
    ]
    calls: dict[tuple[Party, str], float] = defaultdict(float)
    for call in usage.calls:
        calls[call.party, call.stage] += call.share
    rows = []
    for party in Party:
        stages = [
            s
            for s in STAGES
            if calls[party, s] or any(quantities.get((party, s, b)) for b in columns)
        ]
        for stage in stages:
            row = [quantities.get((party, stage, billed), 0.0) for billed in columns]
            rows.append([str(party), str(stage), *map(_number, (calls[party, stage], *row))])
        if not stages:
            continue
        sums = [
            sum(quantities.get((party, stage, billed), 0.0) for stage in stages)
            for billed in columns
        ]
        rows.append(
            [str(party), "all", *map(_number, (sum(calls[party, s] for s in stages), *sums))]
        )
    header = ["", "step", "AWS calls", *(_short(billed) for billed in columns)]
    return Grid("A plain order by step", header, rows, numbers_from=2)


def by_call(usage: Usage) -> Grid:
    """The calls of AWS APIs by step, function and operation."""
    found: dict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0, 0, 0])
    for call in usage.calls:
        cell = found[call.stage, call.function, f"{call.service} {call.operation}"]
        for index, value in enumerate((1, call.write_units, call.read_units)):
            cell[index] += value * call.share
    order: dict[Stage, int] = {stage: index for index, stage in enumerate(STAGES)}
    keys = sorted(
        (key for key in found if any(abs(value) > NOTHING for value in found[key])),
        key=lambda key: (order[Stage(key[0])], key[1:]),
    )
    rows = [[*key, *map(_number, found[key])] for key in keys]
    return Grid(
        "Calls of AWS APIs",
        ["step", "function", "operation", "calls", "write units", "read units"],
        rows,
        3,
    )


def by_table(usage: Usage) -> Grid:
    """DynamoDB's units by step, function, table or index, and partition key, if orders share it."""
    found: dict[tuple[str, str, str, str], list[float]] = defaultdict(lambda: [0, 0])
    keys: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    consumers = [(each.stage, each.function, each.share, each.units) for each in usage.calls]
    consumers += [(each.stage, each.payer, each.share, each.units) for each in usage.charges]
    for stage, consumer, share, units in consumers:
        for consumed in units:
            table = consumed.table.split("-", 2)[2]
            place = f"{table}/{consumed.index}" if consumed.index else table
            row = stage, consumer, place, shared_key(consumed.key)
            keys[row].add(consumed.key)
            found[row][0] += consumed.write_units * share
            found[row][1] += consumed.read_units * share
    order: dict[Stage, int] = {stage: index for index, stage in enumerate(STAGES)}
    rows = [
        [*row, str(len(keys[row])) if row[3] else "", *map(_number, found[row])]
        for row in sorted(found, key=lambda row: (order[Stage(row[0])], row[1:]))
        if any(abs(value) > NOTHING for value in found[row])
    ]
    header = [
        "step",
        "function",
        "table or index",
        "shared key",
        "keys",
        "write units",
        "read units",
    ]
    return Grid("DynamoDB units by table and index", header, rows, numbers_from=4)


def shared_key(key: str) -> str:
    """What a partition key is called that many orders use. Empty for one that belongs to a client,
    an order, a trade, an address or a request.
    """
    if OWN_KEY.search(key):
        return ""
    for pattern, name in SHARED_KEYS:
        key = re.sub(pattern, name, key)
    return key


def sizes(usage: Usage) -> Grid:
    """The items that a plain order writes, and the distance of each from the next kilobyte."""
    rows = [
        [item.stage, item.table.split("-", 2)[2], _kind(item.kind), str(item.size)]
        for item in usage.items
        if item.table.endswith(("orders", "ledger", "accounts"))
    ]
    return Grid(
        "Items written, in bytes (a write unit is 1,024)",
        ["step", "table", "item", "bytes"],
        rows,
        3,
    )


def invocations(usage: Usage) -> Grid:
    """The invocations of functions."""
    rows = [
        [
            str(run.stage),
            run.function,
            _number(run.share),
            f"{run.cpu_ms:.1f}",
            f"{run.duration_ms:.0f}",
        ]
        for run in usage.invocations
    ]
    return Grid(
        "Lambda invocations (CPU measured here, duration on arm64 estimated)",
        ["step", "function", "runs", "CPU ms", "billed ms"],
        rows,
        2,
    )


def costs(orders: dict[str, Usage]) -> Grid:
    """USD for a million orders of each kind."""
    bills = [bill(usage) for usage in orders.values()]
    rows = []
    for party in Party:
        lines = [billed for billed in Billed if any(each.get((party, billed)) for each in bills)]
        if not lines:
            continue
        rows += [
            [str(party), billed.value, *(_usd(each.get((party, billed), 0)) for each in bills)]
            for billed in lines
        ]
        totals = [sum(usd for (payer, _), usd in each.items() if payer is party) for each in bills]
        rows.append([str(party), "total", *map(_usd, totals)])
    rows.append(["", "all", *(_usd(sum(each.values())) for each in bills)])
    return Grid("USD for a million orders", ["", "", *orders], rows, numbers_from=2)


def events(ways: dict[str, Usage]) -> Grid:
    """USD for the events of a million plain orders, by how many come in a batch."""
    bills = [bill(usage) for usage in ways.values()]
    of_events = [
        {billed: usd for (party, billed), usd in each.items() if party is Party.EVENTS}
        for each in bills
    ]
    lines = [billed for billed in Billed if any(each.get(billed) for each in of_events)]
    rows = [[billed.value, *(_usd(each.get(billed, 0)) for each in of_events)] for billed in lines]
    rows.append(["total", *(_usd(sum(each.values())) for each in of_events)])
    rows.append(["budget", *[f"{BUDGET_OF_EVENTS:.2f}"] * len(ways)])
    return Grid("USD for the events of a million plain orders", ["", *ways], rows, 1)


def stream(connected: Usage) -> Grid:
    """USD for the pushes to a connected client, for a million plain orders."""
    found = {
        billed: usd for (party, billed), usd in bill(connected).items() if party is Party.STREAM
    }
    rows = [[billed.value, _usd(found[billed])] for billed in Billed if found.get(billed)]
    rows.append(["total", _usd(sum(found.values()))])
    minute = f"{CONNECTION_MINUTE * MILLION:.2f}"
    rows.append(["besides: a million minutes of connection", minute])
    title = "USD for the pushes to connected clients, if they place a million plain orders"
    return Grid(title, ["", "one connection each"], rows, 1)


def fixed(lines: Iterable[Fixed]) -> Grid:
    """USD a month without a single order."""
    lines = list(lines)
    rows = [
        [
            "simulators" if line.simulated else "ours",
            line.what,
            f"{line.count:,.0f}",
            f"{line.usd:.2f}",
        ]
        for line in lines
    ]
    rows.append(["", "total", "", f"{sum(line.usd for line in lines):.2f}"])
    return Grid("USD a month, whatever is traded", ["", "", "number", "USD"], rows, 2)


def counts(kinds: dict[str, Measured]) -> Grid:
    """A comparison of the kinds of orders."""
    rows = []
    for name, measured in kinds.items():
        for worker, usage in (("busy", measured.busy), ("idle", measured.idle)):
            calls = sum(call.share for call in usage.calls if call.party is Party.OURS)
            writes, reads = (
                sum(
                    each.quantity * each.share
                    for each in usage.charges
                    if each.billed is billed and each.party is Party.OURS
                )
                for billed in (Billed.WRITES, Billed.READS)
            )
            rows.append([name, worker, _number(calls), _number(writes), _number(reads)])
    return Grid(
        "Orders compared, without events and simulators",
        ["", "worker", "AWS calls", "write units", "read units"],
        rows,
        2,
    )


def plain(grids: Iterable[Grid]) -> str:
    """All tables as Markdown."""
    return "\n\n".join(chain.from_iterable([grid.markdown()] for grid in grids))


def _number(value: float) -> str:
    return "" if abs(value) < NOTHING else f"{value:.4f}".rstrip("0").rstrip(".")


def _usd(an_order: float) -> str:
    return f"{an_order * MILLION:.2f}"


def _short(billed: Billed) -> str:
    return (
        billed.value.replace(" (estimate)", "")
        .removeprefix("DynamoDB ")
        .replace("Step Functions ", "")
    )


def _kind(key: str) -> str:
    """The kind of an item: its sort key without ids and dates."""
    return key.split(" ", 1)[1].split("#", 1)[0]
