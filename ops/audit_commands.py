"""`ops audit`: show what operators did."""

from typing import Annotated

import typer

from ops.audit import AuditLog
from ops.options import AsJson
from trading.domain.values import iso
from workstation.screen import Screen, table

Subject = Annotated[
    str | None,
    typer.Option(
        help="Only this subject: `{queue}/{message id}`, `order/{id}`, `run/{job}`, "
        "`client/{id}`, `operator/{name}` or `instrument/{symbol}`."
    ),
]


def audit(
    ctx: typer.Context,
    subject: Subject = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="NAME",
            help="Only what this operator did or tried. Reads the whole log.",
            show_default=False,
        ),
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="This many entries, newest first.")] = 20,
    looks: Annotated[
        bool, typer.Option("--looks", help="The latest looks at clients, in place of the changes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what operators did and why, newest first.

    An entry is written before the action. For most actions another follows after it, for example
    `redriven`. A look at a client has one entry. Message bodies are shown with --subject or --json.
    """
    log = AuditLog(ctx.obj)
    if by:
        found = log.by(by, looks=looks)
        entries = [each for each in found if subject in (None, each.subject)][::-1][:last]
    else:
        entries = log.of(subject)[::-1][:last] if subject else log.latest(last, looks=looks)
    hidden = () if subject else ("body",)
    rows = (
        (iso(e.at), e.who, e.action, e.subject, e.reason, _details(e.details, hidden))
        for e in entries
    )
    columns = ("at", "who", "did", "to", "because", "details")
    Screen(as_json).show(
        [e.model_dump(mode="json") for e in entries], table("Audit log", columns, rows)
    )


def _details(details: dict[str, str], hidden: tuple[str, ...]) -> str:
    return "\n".join(
        f"{name}: {value}" for name, value in details.items() if value and name not in hidden
    )
