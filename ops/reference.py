"""`ops reference`: write and show the instruments and exchanges of a deployment."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from ops.audit import AuditLog
from ops.exit_status import Exit
from ops.options import AsJson, Reason
from ops.target import Target
from workstation.reference_data import (
    ReferenceDataError,
    ReferenceTables,
    of_file,
    of_the_simulated_market,
)
from workstation.screen import Screen, table

app = typer.Typer(no_args_is_help=True, help="Write and show what is traded, and where.")


@app.command()
def write(
    ctx: typer.Context,
    reason: Reason,
    file: Annotated[
        Path | None,
        typer.Option(
            help="JSON file of instruments and exchanges, in the form of `reference show --json`. "
            "Without it: what the simulated exchanges list.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add the instruments and exchanges that the deployment does not have. Change nothing else.

    With simulated exchanges it also adds their settings. It makes no clients. Exit status 1 if
    the deployment has an item with other values. Example: ops reference write --file
    reference.json --reason "first deployment"
    """
    target: Target = ctx.obj
    screen = Screen(as_json)
    tables = ReferenceTables(target.dynamodb, target.named)
    simulated = tables.are_of_simulated_venues
    if file is None and not simulated:
        screen.note(
            "This deployment has real venues. Name your instruments: --file FILE, with make: "
            "REFERENCE=FILE. docs/how-to/deploy.md says how.",
            "red",
        )
        raise typer.Exit(Exit.USAGE)
    try:
        data = of_file(file) if file else of_the_simulated_market()
    except ReferenceDataError as error:
        screen.note(str(error), "red")
        raise typer.Exit(Exit.USAGE) from error
    source = str(file or "the simulated market")
    AuditLog(target).record("run/reference", "write", reason, source=source)
    written = tables.write(data)
    if simulated:
        tables.open_the_simulated_market()
    screen.show(
        asdict(written),
        f"{len(written.added)} added, {len(written.unchanged)} unchanged.",
        *(
            [f"Not changed, although different: {', '.join(written.different)}"]
            * bool(written.different)
        ),
    )
    raise typer.Exit(Exit.ATTENTION if written.different else Exit.OK)


@app.command()
def show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the instruments and exchanges of the deployment.

    --json prints the form that `reference write` reads. Exit status 1 if there are none yet.
    """
    target: Target = ctx.obj
    screen = Screen(as_json)
    try:
        data = ReferenceTables(target.dynamodb, target.named).read()
    except ValidationError as error:
        screen.note(
            "The reference data is missing or incomplete: ops reference write --reason ...",
            "yellow",
        )
        raise typer.Exit(Exit.ATTENTION) from error
    instruments = sorted(data.instruments, key=lambda each: each.symbol)
    exchanges = sorted(data.exchanges, key=lambda each: each.exchange_id)
    screen.show(
        data.shown(),
        table(
            "Instruments",
            ("symbol", "name", ">reference price", ">tick", ">lot", "hours", "halted"),
            (
                (
                    each.symbol,
                    each.name,
                    each.reference_price,
                    each.tick_size,
                    each.lot_size,
                    each.trading_hours,
                    "" if each.tradable else "yes",
                )
                for each in instruments
            ),
        ),
        table(
            "Exchanges",
            ("exchange", "name", ">fee per share"),
            ((each.exchange_id, each.name, each.fee_per_share) for each in exchanges),
        ),
    )
