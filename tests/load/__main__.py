"""`python -m tests.load`: put the local system under the load of many clients while its workers are
killed at random.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from local import run as local_run
from local import server
from tests.load.run import Outcome, Settings, run
from workstation.local_system import LocalError, LocalSystem, default_system

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "load.md"
COMPLAINTS_SHOWN = 50


def main() -> int:
    """Exit status 0: everything is accounted for. Exit status 1: the output says what is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--orders", type=int, default=300, help="of all clients together")
    parser.add_argument("--seed", type=int, default=1, help="of the orders, the deaths, the pauses")
    parser.add_argument("--in-flight", type=int, default=16, help="requests on their way at a time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument(
        "--write", action="store_true", help="write the figures to docs/reference/load.md"
    )
    arguments = parser.parse_args()
    settings = Settings(
        clients=arguments.clients,
        orders=arguments.orders,
        seed=arguments.seed,
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}",
        in_flight=arguments.in_flight,
    )
    console = Console() if sys.stdout.isatty() else Console(width=160, color_system=None)
    try:
        with running_or_own(default_system(), console, "load") as system:
            outcome = run(system, settings, console)
    except LocalError as error:
        console.print(
            f"[bold red]Failed:[/] {escape(str(error))}\n[bold]What to do:[/] "
            f"{escape(error.remedy)}"
        )
        return 1
    _report(outcome, console)
    if arguments.json:
        arguments.json.write_text(
            json.dumps(outcome.figures.json() | {"complaints": outcome.complaints}, indent=2)
        )
    if arguments.write and not outcome.complaints:
        DOCUMENT.write_text(_document(outcome))
    return 1 if outcome.complaints else 0


@contextmanager
def running_or_own(system: LocalSystem, console: Console, name: str) -> Iterator[LocalSystem]:
    """The running system. Without one, a new system in a directory of this name, which ends with
    the block.
    """
    if system.is_running:
        console.print(f"Takes the system that runs on port {system.port}.")
        yield system
        return
    own = replace(system, directory=system.directory / name)
    server.start(own, keep_state=False)
    try:
        local_run.up(own, console)
        yield own
    finally:
        server.stop(own)
        console.print(f"Its log is {own.aws_log}", highlight=False)


def _report(outcome: Outcome, console: Console) -> None:
    for grid in outcome.figures.grids():
        grid.show(console)
    for complaint in outcome.complaints[:COMPLAINTS_SHOWN]:
        console.print(f"[bold red]wrong:[/] {escape(complaint)}", highlight=False)
    if outcome.complaints:
        console.print(f"{len(outcome.complaints)} things are not accounted for.")
    else:
        console.print(
            "Everything is accounted for: each answer has its order, each order its answer, each "
            "execution its booking."
        )


def _document(outcome: Outcome) -> str:
    figures = outcome.figures
    setting = (
        f"{figures.clients} clients, {figures.orders:,} planned requests, seed {figures.seed}, "
        f"{figures.in_flight} requests in flight at a time"
    )
    command = f"make load CLIENTS={figures.clients} ORDERS={figures.orders} WRITE=1"
    head = f"""# Load

`{command}` writes this page. Do not edit it.

Many clients at once send a seeded mix of requests through HTTP. The mix has orders of all kinds,
orders without sufficient funds, malformed requests, and repeated idempotency keys. A client repeats
each request under its key until it gets an answer, and it obeys `Retry-After`. Meanwhile the run
kills a worker process every one to three seconds.

Then the run checks that nothing is missing:

- Each accepted order has its answer, and each answer its order.
- Each execution in the exchanges' books is booked, and each booked fill has its execution.
- Every order has ended, no hold is left, and no message is left.
- The invariants hold over all books, and the API shows what the tables hold.

Measured {figures.taken} on {figures.machine}.
The local AWS, all workers, the exchanges and the clients share this machine:
{setting}.
The checks found nothing missing.

The clients' orders are accepted faster than this machine executes them. So thousands of orders are
open at once, and the local AWS keeps a thread for the workflow of each. Most of the time from
acceptance to fill is waiting in that backlog.
"""
    return "\n\n".join([head.rstrip(), *(grid.markdown() for grid in figures.grids())]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
