"""`ops backups` and `ops restore`: take the tables back to an earlier state."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ops.account_versions import advance_versions
from ops.audit import AuditLog
from ops.backups import RestoreError, TableBackups, Tables, wait_until
from ops.exit_status import Exit
from ops.options import AsJson, Reason
from ops.reconciliation import run_and_show
from ops.recovery_points import RecoveryPoints
from ops.target import EVENTS, Target
from ops.writers import Writers, kept_tables
from trading.adapters.dynamodb.compared_dates import TableComparedDates
from trading.adapters.runtime import clock
from trading.domain.values import iso
from trading.usecases.posttrade.reconcile_settlement import Compared
from workstation.screen import Screen, table

COPY = "-at"
"""Ends the name of a table's copy of an earlier time. It exists only during the restore."""

app = typer.Typer(
    no_args_is_help=True, help="Take and list backups of the tables that cannot be rebuilt."
)
Moment = Annotated[
    datetime | None,
    typer.Option(
        "--time",
        formats=["%Y-%m-%dT%H:%M:%SZ"],
        help="Restore the state of this second, in UTC, for example 2026-11-24T15:00:00Z.",
    ),
]
Backup = Annotated[str | None, typer.Option(help="Restore this backup. ops backups list has them.")]
Vault = Annotated[
    str | None,
    typer.Option(
        help="Restore from this vault of AWS Backup: `backups`, or `copies` in the other region. "
        "With --time: the latest recovery points before it."
    ),
]


@app.command()
def take(ctx: typer.Context, reason: Reason, as_json: AsJson = False) -> None:
    """Back up each table that cannot be rebuilt, now. The backups stay until they are deleted.

    Backups of several tables are of one moment only if nothing writes: first `ops writers stop`.
    """
    target: Target = ctx.obj
    name = _stamp()
    AuditLog(target).record(f"run/backup {name}", "take", reason)
    taken = TableBackups(target).take(name, kept_tables())
    Screen(as_json).show({"backup": name, "tables": sorted(taken)}, f"Backup {name}")


@app.command("list")
def list_backups(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the backups that `take` and `ops restore` have made, oldest first."""
    sets = TableBackups(ctx.obj).sets()
    answer: list[dict[str, Any]] = [
        {
            "backup": name,
            "taken": iso(max(at for _, at in backups.values())),
            "tables": sorted(backups),
            "complete": backups.keys() >= set(kept_tables()),
        }
        for name, backups in sets.items()
    ]
    rows = (
        (b["backup"], b["taken"], ", ".join(b["tables"]), "yes" if b["complete"] else "no")
        for b in answer
    )
    Screen(as_json).show(answer, table("Backups", ("backup", "taken", "tables", "complete"), rows))


def restore(
    ctx: typer.Context,
    reason: Reason,
    backup: Backup = None,
    time: Moment = None,
    vault: Vault = None,
    as_json: AsJson = False,
) -> None:
    """Replace all tables that cannot be rebuilt by an earlier state, and reconcile the books.

    Each table keeps its name, so functions, permissions and stacks stay as they are. What a table
    holds now is backed up first. The writers must be stopped: `ops writers stop`. A restore that
    dies can be repeated. Exit status 1 if the books do not agree afterwards.

    Examples: ops restore --time 2026-11-24T15:00:00Z --reason "a bad release"; ops restore --vault
    copies --reason "the region is lost"
    """
    target: Target = ctx.obj
    screen = Screen(as_json)
    if (backup is None) == (time is None and vault is None):
        raise typer.BadParameter("give --backup, --time or --vault; --time may go with --vault")
    moment = time.replace(tzinfo=UTC) if time else None
    source = backup or f"{vault or 'point in time'} {iso(moment) if moment else 'latest'}"
    audit = AuditLog(target)
    try:
        if not Writers(target).are_stopped():
            raise RestoreError("the writers are not stopped: ops writers stop --reason ...")
        audit.record_if_possible("run/restore", "restore", reason, source=source)
        _restore(target, screen, backup, moment, vault)
    except RestoreError as error:
        screen.note(str(error), "red")
        raise typer.Exit(Exit.ATTENTION) from error
    # The first entry is in the audit log that was replaced.
    audit.record_if_possible("run/restore", "restored", reason, source=source)
    screen.note("Restored. Next: ops writers start --reason ...")
    run_and_show(target, screen, reason)


def _restore(
    target: Target, screen: Screen, backup: str | None, moment: datetime | None, vault: str | None
) -> None:
    backups, tables = TableBackups(target), Tables(target, screen.note)
    names = kept_tables()
    if vault:
        points = RecoveryPoints(target, target.named(vault))
        latest = points.latest(names, moment)
        restores = {n: points.restore(point.arn) for n, point in latest.items()}
        state_of = min(point.made for point in latest.values())
    elif backup:
        restores = {n: tables.from_backup(arn) for n, arn in backups.of(backup).items()}
        state_of = min(made for _, made in backups.sets()[backup].values())
    elif moment:
        for name in names:
            tables.copy_of(name, moment, name + COPY)
        for name in names:
            tables.wait(name + COPY)
        copied = backups.take(f"{_stamp()}-of-copies", [name + COPY for name in names])
        restores = {n: tables.from_backup(copied[n + COPY]) for n in names}
        state_of = moment
    else:
        raise RestoreError("say what to restore: --backup, --time or --vault")
    backups.take(f"{_stamp()}-before-restore", [name for name in names if tables.exists(name)])
    # Undone events must not reach the log. SQS is done with it long before the tables are restored.
    wait_until(lambda: target.purge(EVENTS), f"the queue {EVENTS} to be emptied")
    for name in names:
        tables.delete(name)
    for name in names:
        tables.restore(name, restores[name])
    for name in names:
        tables.set_up(name)
    for name in names:
        tables.delete(name + COPY)
    # A record of an effect that the restore undid would keep clients from repeating it.
    tables.empty("idempotency")
    # New events of restored accounts reuse the sequences of events that the restore undid.
    tables.empty(EVENTS)
    advance_versions(target, clock.now())
    # What the depository confirmed since then may be missing in the restored ledger.
    compared = TableComparedDates(target.dynamodb, target.named("control"))
    compared.record(Compared.until(state_of))


def _stamp() -> str:
    """The time as a part of a name, such as 20261124T150000Z."""
    return re.sub(r"[-:]|\.\d+", "", iso(clock.now()))
