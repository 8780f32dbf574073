"""Play many seeds of the simulation, replay one of them, or search for deliberate bugs."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

import workstation  # noqa: F401  (makes the layers importable)
from tests.simulation import catalogue
from tests.simulation.campaign import (
    TRADING_DAYS,
    Report,
    campaign,
    pool,
    printed,
    readable,
    shrink,
)
from tests.simulation.faults import STORM, never_injected

ENOUGH_SEEDS = 100
"""A campaign of this many seeds must have injected every kind of fault."""
console = Console(width=None if sys.stdout.isatty() else 140, soft_wrap=not sys.stdout.isatty())


def run(options: argparse.Namespace) -> int:
    """Play many seeds. Shrink the first failure and show it."""
    reports: list[Report] = []
    seeds = range(options.first, options.first + options.seeds)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("seeds", total=len(seeds))

        def seen(report: Report) -> None:
            reports.append(report)
            failed = sum(r.rule is not None for r in reports)
            progress.update(
                task, advance=1, description=f"seeds, {failed} failed" if failed else "seeds"
            )
            if report.rule:
                progress.console.print(
                    f"[red]seed {report.seed}[/]: {report.rule}", highlight=False
                )
            elif not console.is_terminal and len(reports) % 50 == 0:
                console.print(
                    f"{len(reports)} of {len(seeds)} seeds, {failed} failed", highlight=False
                )

        campaign(seeds, options.orders, options.jobs, options.resume, seen)
    idle = _summary(reports)
    failed = sorted((r for r in reports if r.rule), key=lambda r: r.seed)
    if failed and options.shrink:
        replay(argparse.Namespace(seed=failed[0].seed, orders=options.orders, log=False, bug=None))
    return 1 if failed or (idle and len(reports) >= ENOUGH_SEEDS) else 0


def replay(options: argparse.Namespace) -> int:
    """Play one seed again. Show its violation, a scenario cut down to what matters, and its log."""
    with pool(1) as processes:
        if options.log:
            result = processes.submit(printed, options.seed, options.orders, options.bug).result()
            for line in readable(result.events):
                sys.stdout.write(line + "\n")
            console.print(f"digest {result.digest}", highlight=False)
            console.print(result.violation or "Every invariant held.", highlight=False)
            return 0 if result.passed else 1
        scenario, result = processes.submit(
            shrink, options.seed, options.orders, options.bug
        ).result()
    if result.passed:
        console.print(
            f"seed {options.seed}: every invariant held; digest {result.digest}", highlight=False
        )
        return 0
    for line in readable(result.events):
        sys.stdout.write(line + "\n")
    console.rule(f"seed {options.seed} with {options.orders} orders", style="red")
    console.print(f"broken: {result.violation}", highlight=False, markup=False)
    console.print(
        f"\nshrunk to {len(scenario.actions)} actions on {scenario.day}, faults: "
        f"{', '.join(scenario.rates.active())}"
    )
    for action in scenario.actions:
        console.print(f"  {action}", highlight=False, markup=False)
    console.print(
        f"\nTo replay it: make replay SEED={options.seed} ORDERS={options.orders}", highlight=False
    )
    return 1


def _summary(reports: list[Report]) -> list[str]:
    """Print what was simulated, and return the kinds of fault that did not occur."""
    orders = sum(report.orders for report in reports)
    faults: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for report in reports:
        faults.update(report.faults)
        statuses.update(report.statuses)
    table = Table(title="What was simulated", show_header=False)
    seconds = sum(report.seconds for report in reports)
    rows = {
        "seeds": len(reports),
        "trading days": len(reports) * TRADING_DAYS,
        "orders sent": orders,
        "invocations": sum(report.invocations for report in reports),
        "events": sum(report.steps for report in reports),
        "faults injected": sum(faults.values()),
        "seeds with a broken invariant": sum(report.rule is not None for report in reports),
        "seconds of one core": round(seconds),
    }
    for name, value in rows.items():
        table.add_row(name, f"{value:,}")
    console.print(table)
    console.print(
        "orders: " + ", ".join(f"{n:,} {s}" for s, n in statuses.most_common()), highlight=False
    )
    console.print(
        "faults: " + ", ".join(f"{n:,} {f}" for f, n in faults.most_common()), highlight=False
    )
    idle = never_injected(faults, STORM)
    if idle:
        console.print(f"[yellow]never injected: {', '.join(idle)}[/]", highlight=False)
    return idle


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    commands = parser.add_subparsers(required=True)
    runs = commands.add_parser("run", help="Play many seeds. Shrink the first failure and show it.")
    runs.add_argument("--seeds", type=int, default=200, help="The number of seeds.")
    runs.add_argument("--first", type=int, default=1, help="The first seed.")
    runs.add_argument("--orders", type=int, default=50, help="The orders of each run.")
    runs.add_argument("--jobs", type=int, default=1, help="The number of processes.")
    runs.add_argument(
        "--resume", type=Path, help="Keep the reports in this file and continue where it ends."
    )
    runs.add_argument(
        "--no-shrink", dest="shrink", action="store_false", help="Do not shrink the first failure."
    )
    runs.set_defaults(command=run)
    again = commands.add_parser("replay", help="Play one seed again. Shrink it if it fails.")
    again.add_argument("seed", type=int)
    again.add_argument("--orders", type=int, default=50, help="The orders of the run.")
    again.add_argument(
        "--log",
        action="store_true",
        help="Show the log of the whole run, with what the functions print.",
    )
    again.add_argument("--bug", metavar="NAME", help="Put this deliberate bug into the code.")
    again.set_defaults(command=replay)
    catalogue.add_parser(commands)
    options = parser.parse_args()
    code: int = options.command(options)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
