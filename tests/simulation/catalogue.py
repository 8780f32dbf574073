"""`python -m tests.simulation bugs`: play seeds with each deliberate bug until one breaks an
invariant.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.simulation.bugs import AREAS, BUGS
from tests.simulation.bugs.patching import Bug
from tests.simulation.campaign import pool, run_seed

RECORDED = Path(__file__).parent / "bugs" / "seeds.json"
SMALLER, SMALLER_SEEDS = (10, 20), 15
"""The numbers of orders, and the number of seeds, to try when a short run is recorded."""
TOLERATED_SEEDS = 10
HEADER = """# The bugs that the simulation finds

`python -m tests.simulation bugs --write docs/reference/simulation-bugs.md` writes this page. Do not
edit it.

A simulation that cannot fail proves nothing. Here are {found} mistakes that a developer could make.
Each is put into the code in memory, one at a time. Then the seeds 1, 2, 3 … are played, with
{orders} orders each, until an invariant is broken. A seed counts only if the code without the bug
passes it.

The bugs are in `tests/simulation/bugs/`, each as an edit of the source. To replay one with a
minimal scenario, run `python -m tests.simulation replay SEED --bug "NAME"`. `make test` looks
again for the bugs that almost every run finds.
"""
TOLERATED = """
## Tolerated

Mistakes that break nothing, because a safeguard holds. They are played as well. If one is found,
its safeguard is gone.

| mistake | why it does no harm |
|---|---|
"""
PENDING = """
## Not found yet

Harmful mistakes that {seeds} seeds do not find, and what the simulation lacks.

| bug | the mistake | what it would cost | lacking |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Found:
    """The first run that a bug breaks, and the rule that it breaks."""

    seed: int
    orders: int
    rule: str


def search(name: str, orders: int, seeds: Iterable[int]) -> Found | None:
    """Find the first seed that fails with the bug and passes without it.

    Call it in a child process of `pool`.
    """
    for seed in seeds:
        rule = run_seed(seed, orders, name).rule
        if rule is not None and _passes(seed, orders, BUGS[name].exhausted):
            return Found(seed, orders, rule)
    return None


def smallest(name: str, found: Found) -> Found:
    """A shorter run that the bug breaks, if there is one."""
    for orders in SMALLER:
        if orders < found.orders:
            shorter = search(name, orders, range(1, SMALLER_SEEDS + 1))
            if shorter is not None:
                return shorter
    return found


@cache
def _passes(seed: int, orders: int, exhausted: str) -> bool:
    return run_seed(seed, orders, exhausted=exhausted).rule is None


def recorded() -> dict[str, Found]:
    """For each bug, a short run that it broke when the runs were recorded."""
    return {name: Found(**found) for name, found in json.loads(RECORDED.read_text()).items()}


def bugs(options: argparse.Namespace) -> int:
    """Search for the bugs.

    Return 0 if every harmful bug is found and no tolerated bug is.
    """
    unknown = [name for name in options.names if name not in BUGS]
    if unknown:
        raise SystemExit(f"Unknown bugs: {', '.join(unknown)}. Known bugs: {', '.join(BUGS)}.")
    console = Console(soft_wrap=True)
    found: dict[str, Found | None] = {}
    with pool(options.jobs) as processes:
        names = _altered(processes, console) if options.refresh else options.names or list(BUGS)
        searches = {
            processes.submit(search, name, options.orders, _seeds(BUGS[name], options.seeds)): name
            for name in names
        }
        for future in track(as_completed(searches), "bugs", len(names), console=console):
            name, hit = searches[future], future.result()
            found[name] = hit
            console.print(
                f"{name}: {f'seed {hit.seed}, {hit.rule}' if hit else 'not found'}", highlight=False
            )
        hits = {name: hit for name, hit in found.items() if hit}
        if options.refresh:
            _record(hits)
        elif options.record:
            _record(_shorter(processes, hits))
    _print(console, found)
    if options.write:
        options.write.write_text(_document(found, options.orders, options.seeds))
    return (
        0
        if all(
            (hit is None) == bool(BUGS[name].tolerated)
            for name, hit in found.items()
            if not BUGS[name].pending
        )
        else 1
    )


def _altered(processes: ProcessPoolExecutor, console: Console) -> list[str]:
    """The bugs that no longer break their recorded run."""
    plays = {
        name: processes.submit(search, name, run.orders, [run.seed])
        for name, run in recorded().items()
    }
    altered = [
        name
        for name, play in track(plays.items(), "recorded runs", console=console)
        if play.result() is None
    ]
    console.print(f"{len(altered)} of {len(plays)} recorded runs no longer break.")
    return altered


def _seeds(bug: Bug, most: int) -> range:
    """The seeds to play. A tolerated bug is found in no seed, so it gets only a few."""
    return range(1, (min(most, TOLERATED_SEEDS) if bug.tolerated else most) + 1)


def _shorter(processes: ProcessPoolExecutor, found: dict[str, Found]) -> dict[str, Found]:
    searches = {name: processes.submit(smallest, name, hit) for name, hit in found.items()}
    return {name: search.result() for name, search in searches.items()}


def _record(found: dict[str, Found]) -> None:
    runs = {name: run for name, run in recorded().items() if name in BUGS} | found
    RECORDED.write_text(
        json.dumps({name: asdict(runs[name]) for name in sorted(runs)}, indent=2) + "\n"
    )


def _print(console: Console, found: dict[str, Found | None]) -> None:
    table = Table("bug", "rule broken", "seeds needed", title="Deliberate bugs")
    for name, bug in BUGS.items():
        if name not in found:
            continue
        hit = found[name]
        if bug.tolerated:
            table.add_row(
                name,
                f"[red]not tolerated: {hit.rule}" if hit else "tolerated",
                str(hit.seed) if hit else "",
            )
        else:
            table.add_row(name, hit.rule if hit else "[red]not found", str(hit.seed) if hit else "")
    console.print(table)


def _document(found: dict[str, Found | None], orders: int, seeds: int) -> str:
    text = HEADER.format(found=sum(hit is not None for hit in found.values()), orders=orders)
    for area, of_area in AREAS.items():
        rows = [
            f"| {bug.name} | {bug.mistake} | {bug.cost} | {hit.rule} | {hit.seed} |\n"
            for bug in of_area
            if (hit := found.get(bug.name))
        ]
        text += (
            f"\n## {area}\n\n| bug | the mistake | what it would cost | broken rule | seeds "
            "needed |\n|---|---|---|---|---|\n"
        )
        text += "".join(rows)
    pending = [
        f"| {bug.name} | {bug.mistake} | {bug.cost} | {bug.pending} |\n"
        for bug in BUGS.values()
        if bug.pending and not found.get(bug.name)
    ]
    if pending:
        text += PENDING.format(seeds=seeds) + "".join(pending)
    tolerated = [
        f"| {bug.name}: {bug.mistake} | {bug.tolerated} |\n"
        for bug in BUGS.values()
        if bug.tolerated
    ]
    return text + TOLERATED + "".join(tolerated)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "bugs", help="Play seeds with each deliberate bug until one breaks an invariant."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="Search only for these bugs.")
    parser.add_argument("--seeds", type=int, default=60, help="The most seeds to try for a bug.")
    parser.add_argument("--orders", type=int, default=50, help="The orders of each run.")
    parser.add_argument("--jobs", type=int, default=1, help="The number of processes.")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="Write the reference page with the results."
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="Record for the tests a short run that each bug breaks.",
    )
    parser.add_argument(
        "--refresh",
        action="store_true",
        help="Search for the bugs that no longer break their recorded run, and record them anew.",
    )
    parser.set_defaults(command=bugs)
