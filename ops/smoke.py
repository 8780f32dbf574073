"""`ops smoke`: trade with a synthetic client."""

from contextlib import closing
from typing import Annotated

import httpx
import typer

from ops.exit_status import Exit
from ops.options import AsJson
from ops.synthetic import SmokeError, Step, SyntheticClient
from ops.target import Target
from workstation.private_files import FileError
from workstation.profile_files import known
from workstation.screen import Screen, table


def smoke(
    ctx: typer.Context,
    profile: Annotated[
        str | None,
        typer.Option(help="Profile of the synthetic client, with its secret.", show_default=False),
    ] = None,
    symbol: Annotated[str, typer.Option(help="What it trades, one share at a time.")] = "KO",
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds to wait for each order's next status.")
    ] = 180,
    as_json: AsJson = False,
) -> None:
    """Log in as a synthetic client, trade a share, cancel another order, and check its books.

    It buys a share, or sells the one that it has. Without --profile: `local-smoke`, or
    `aws-STAGE-smoke`. Run it after each deployment. Exit status 1 if a step fails, or because the
    market is closed. 3 if the API cannot be reached.
    """
    target: Target = ctx.obj
    screen = Screen(as_json)
    name = profile or ("local-smoke" if target.system else f"aws-{target.stage}-smoke")
    steps: list[Step] = []
    failure: Exception | None = None
    try:
        profiles = known()
        if name not in profiles:
            raise SmokeError(
                f"there is no profile {name}: docs/how-to/deploy.md says how to add it"
            )
        client = SyntheticClient(profiles[name][0], symbol.upper(), patience)
        with closing(client.http):
            for step in client.trade():
                screen.note(f"{step.name}: {step.result}")
                steps.append(step)
    except (SmokeError, FileError, httpx.TransportError) as error:
        failure = error
    screen.show(
        {
            "passed": failure is None,
            "profile": name,
            "steps": [{"step": step.name, "result": step.result} for step in steps],
            "failure": str(failure) if failure else None,
        },
        table("Smoke test", ("step", "result"), ((step.name, step.result) for step in steps)),
    )
    if failure:
        screen.note(f"Failed: {failure}", "red")
        target.warn_if_stopped()
        unreachable = isinstance(failure, httpx.TransportError)
        raise typer.Exit(Exit.UNREACHABLE if unreachable else Exit.ATTENTION)
