"""`ops reconciliation`: check the invariants of the books, and show the latest report."""

import typer
from rich.text import Text

from ops.exit_status import Exit
from ops.jobs import run_function
from ops.options import AsJson, Reason
from ops.target import Target
from trading.adapters.dynamodb.reconciliation_reports import latest
from trading.domain.reconciliation.findings import INVARIANTS
from trading.domain.values import iso
from workstation.screen import Screen, table

app = typer.Typer(no_args_is_help=True, help="Check the books against their invariants.")


@app.command()
def show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the report of the latest run.

    Exit status 1 if an invariant is broken, the run was not complete, or there is no report.
    """
    _show(ctx.obj, Screen(as_json))


@app.command()
def run(ctx: typer.Context, reason: Reason, as_json: AsJson = False) -> None:
    """Check now, wait for the end, and show the report. The check changes nothing in the books."""
    run_and_show(ctx.obj, Screen(as_json), reason)


def run_and_show(target: Target, screen: Screen, reason: str) -> None:
    """Check the books, wait for the end, and end the command with the report."""
    answer, failed = run_function(target, "reconciliation", {}, reason)
    if failed:
        screen.note(f"reconciliation failed: {answer}", "red")
        raise typer.Exit(Exit.ATTENTION)
    _show(target, screen)


def _show(target: Target, screen: Screen) -> None:
    report = latest(target.dynamodb, target.named("control"))
    if report is None:
        screen.note("There is no report yet: ops reconciliation run --reason ...", "yellow")
        raise typer.Exit(Exit.ATTENTION)
    read = ", ".join(f"{count} {name}" for name, count in report.items.items())
    about = {
        "started": iso(report.started_at),
        "finished": iso(report.finished_at),
        "read": read if report.complete else f"{read}: incomplete, the run ran out of time",
        "clients in motion, not judged": report.in_motion,
        "findings that a second look did not show": report.unconfirmed,
        "breaks in the ledger": report.breaks,
    }
    verdicts = (
        (number, text, _verdict(report.broken.get(str(number), 0)))
        for number, text in INVARIANTS.items()
    )
    parts = [
        table("Reconciliation", ("", ""), about.items()),
        table("Invariants", (">", "invariant", ""), verdicts),
    ]
    if report.findings:
        findings = ((f.invariant, f.subject, f.message, f.confirmed) for f in report.findings)
        parts.append(table("Findings", (">", "subject", "message", "confirmed"), findings))
    if report.recent_breaks:
        breaks = (
            (iso(b.booked_at), b.code, b.trade_id, b.order_id, b.reason)
            for b in report.recent_breaks
        )
        parts.append(table("Latest breaks", ("booked", "code", "trade", "order", "reason"), breaks))
    screen.show(report.model_dump(mode="json"), *parts)
    right = report.complete and not any(report.broken.values())
    raise typer.Exit(Exit.OK if right else Exit.ATTENTION)


def _verdict(findings: int) -> Text:
    return Text(f"broken: {findings}", style="bold red") if findings else Text("ok", style="green")
