"""`python -m tests.benchmarks`: measure the cost of an order and the times of its steps. It asserts
nothing.
"""

import argparse
import re
import sys
from pathlib import Path

from rich.console import Console

import workstation  # noqa: F401  (makes the layers importable)

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"
BEGIN, END = "<!-- generated: make bench WRITE=1 -->", "<!-- end of the generated part -->"
RUNS = 5


def main() -> int:
    """Print the requested parts. With `--write`, update docs/reference/costs.md and
    docs/reference/market-open.md.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all unless told")
    parser.add_argument(
        "--write",
        action="store_true",
        help="update the generated parts of docs/reference/costs.md and market-open.md",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    console = Console() if sys.stdout.isatty() else Console(width=160, color_system=None)
    for name in arguments.parts or PARTS:
        PARTS[name](console, arguments.write)
    return 0


def costs(console: Console, write: bool) -> None:
    """Print the cost of an order."""
    from tests.benchmarks import measure, monthly, report

    with console.status("orders of three kinds, in this process"):
        login = measure.measure_login()
        kinds = {
            "market buy": measure.measure(measure.MARKET_BUY, RUNS),
            "limit sell": measure.measure(measure.LIMIT_SELL, RUNS),
            "split in two": measure.measure(measure.MARKET_BUY, RUNS, split=True),
        }
        together = measure.measure(measure.MARKET_BUY, RUNS, together=True)
        connected = measure.measure(measure.MARKET_BUY, RUNS, connected=True)
    plain = kinds["market buy"]
    usage = plain.busy.plus(login)
    with console.status("the templates, and the schedules at rest"):
        lines = monthly.monthly(len(usage.metrics))
    orders = {name: measured.busy.plus(login) for name, measured in kinds.items()}
    orders["market buy, idle worker"] = plain.idle.plus(login)
    grids = [
        report.costs(orders),
        report.events({"one a batch": plain.busy, "an order's in one batch": together.busy}),
        report.stream(connected.busy),
        report.by_stage(usage),
        report.counts(kinds),
        report.by_call(usage),
        report.by_table(usage),
        report.sizes(plain.busy),
        report.fixed(lines),
    ]
    for grid in grids:
        grid.show(console)
    report.invocations(usage).show(console)
    stored = (
        f"A settled order leaves {plain.stored_bytes:,} bytes behind in the accounts, orders and "
        "ledger tables."
    )
    console.print(stored)
    if write:
        _write(console, "costs.md", f"{report.plain(grids)}\n\n{stored}")


def _write(console: Console, name: str, generated: str) -> None:
    document = DOCS / name
    block = f"{BEGIN}\n\n{generated}\n\n{END}"
    parts = f"{re.escape(BEGIN)}.*{re.escape(END)}"
    document.write_text(re.sub(parts, lambda _: block, document.read_text(), flags=re.DOTALL))
    console.print(f"{name} is up to date.")


def imports(console: Console, _: bool) -> None:
    """Print the times of cold imports."""
    from tests.benchmarks import grid, imports

    with console.status("importing every handler"):
        found = imports.measure()
    floor = next(iter(found.values()))
    rows = [
        [
            name,
            f"{each.compiled:.2f}",
            f"{each.compiled / floor.compiled:.2f}",
            f"{each.sources:.2f}",
            f"{each.sources / floor.sources:.2f}",
        ]
        for name, each in found.items()
    ]
    header = ["function", "s with bytecode", "ratio", "s without", "ratio"]
    grid.Grid("Cold import of each handler, CPU time", header, rows).show(console)


def latency(console: Console, _: bool) -> None:
    """Print the time to place an order on the local AWS."""
    from tests.benchmarks import grid, latency

    with console.status("") as status:
        order, floor, (compared, differing) = latency.measure(
            lambda line: status.update(line[-100:])
        )
    rows = [
        ["placing an order", f"{order.median:.1f}", f"{order.p95:.1f}"],
        ["an empty function", f"{floor.median:.1f}", f"{floor.p95:.1f}"],
        ["ratio", f"{order.median / floor.median:.2f}", f"{order.p95 / floor.p95:.2f}"],
    ]
    title = (
        f"Milliseconds on the local AWS, behind the same API and authorizer ({latency.REQUESTS} "
        "each, in turn)"
    )
    grid.Grid(title, ["", "median", "p95"], rows).show(console)
    console.print(
        f"Units of {compared - len(differing)} of {compared} DynamoDB calls are as the local AWS "
        "reports them."
    )
    for call in differing:
        console.print(f"differs: {call}")


def stream(console: Console, _: bool) -> None:
    """Print the time from a booking to a connected client on the local AWS."""
    from tests.benchmarks import grid, stream_latency

    with console.status("") as status:
        ours, floor = stream_latency.measure(lambda line: status.update(line[-100:]))
    rows = [
        ["an event of a booking", f"{ours.median:.1f}", f"{ours.p95:.1f}"],
        ["a message over the same hops", f"{floor.median:.1f}", f"{floor.p95:.1f}"],
        ["beyond the floor", f"{ours.median - floor.median:.1f}", f"{ours.p95 - floor.p95:.1f}"],
        ["ratio", f"{ours.median / floor.median:.2f}", f"{ours.p95 / floor.p95:.2f}"],
    ]
    title = (
        f"Milliseconds from the write to the socket on the local AWS ({stream_latency.BOOKINGS} "
        "each, in turn)"
    )
    grid.Grid(title, ["", "median", "p95"], rows).show(console)


def opening(console: Console, write: bool) -> None:
    """Print the times of a flood at the open, on a virtual clock."""
    from tests.benchmarks import grid, opening

    rows = []
    for clients, orders in opening.CASES:
        for answers_within in opening.EXCHANGE_SECONDS:
            with console.status(f"{orders} orders of each of {clients} clients"):
                floods = opening.measure(clients, orders, answers_within)
            ratio = f"{floods[0].seconds / floods[1].seconds:.2f}"
            for name, flood in zip(("waited for the open", "market open"), floods, strict=True):
                figures = [flood.seconds, flood.invocations, flood.killed, flood.requests]
                case = [f"{clients} x {orders}", f"{1000 * sum(answers_within) / 2:.0f} ms", name]
                rows.append([*case, *(f"{figure:,.0f}" for figure in figures), ratio])
    header = [
        "orders",
        "exchanges",
        "",
        "seconds",
        "invocations",
        "killed",
        "requests",
        "ratio of seconds",
    ]
    found = grid.Grid(
        "Until the last order is routed, on a virtual clock", header, rows, numbers_from=3
    )
    found.show(console)
    if write:
        _write(console, "market-open.md", found.markdown())


PARTS = {
    "costs": costs,
    "imports": imports,
    "latency": latency,
    "stream": stream,
    "opening": opening,
}

if __name__ == "__main__":
    sys.exit(main())
