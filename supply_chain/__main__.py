"""`python -m supply_chain`: audit the locked packages, and renew what the audit needs."""

import json
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import typer

from supply_chain import advisories, bill_of_materials, licenses
from supply_chain.locks import LAMBDA_LOCK, ROOT, TOOLS_LOCK, packages

OLD_DAYS = 90

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command()
def audit() -> None:
    """Check known vulnerabilities, licenses and NOTICE, and write the bill of materials."""
    locked = [*packages(LAMBDA_LOCK), *packages(TOOLS_LOCK)]
    failures = [
        f"{package.name} {package.version} has {advisory.id} ({', '.join(advisory.aliases)})"
        for package, advisory in advisories.findings(locked, advisories.known())
    ]
    failures += licenses.violations()
    if not licenses.NOTICE.is_file() or licenses.NOTICE.read_text() != licenses.notice():
        failures.append("NOTICE is out of date. Run: .venv/bin/python -m supply_chain notice")
    for failure in failures:
        typer.echo(failure, err=True)
    if failures:
        raise typer.Exit(1)
    for path in bill_of_materials.write():
        typer.echo(f"Wrote {path.relative_to(ROOT)}")
    as_of = date.fromisoformat(json.loads(advisories.EXTRACT.read_text())["date"])
    typer.echo(f"{len(set(locked))} packages, no known vulnerability as of {as_of}.")
    if (datetime.now(UTC).date() - as_of).days > OLD_DAYS:
        typer.echo("The advisories are old: run `make audit-online`, or renew them.")


@app.command()
def notice() -> None:
    """Write NOTICE."""
    licenses.NOTICE.write_text(licenses.notice())


@app.command()
def renew(database: Path) -> None:
    """Write requirements/advisories.json from a clone of the PyPA advisory database."""
    head = subprocess.run(  # noqa: S603
        ["git", "-C", str(database), "log", "-1", "--format=%H %cs"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    commit, day = head.stdout.split()
    names = {package.name for lock in (LAMBDA_LOCK, TOOLS_LOCK) for package in packages(lock)}
    document = {
        "source": advisories.SOURCE,
        "license": "CC-BY-4.0",
        "commit": commit,
        "date": day,
        "entries": advisories.extract(database, names),
    }
    advisories.EXTRACT.write_text(json.dumps(document, indent=1) + "\n")


app()
