"""`python -m ops`: every command of the operator."""

import sys
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from typer.core import TyperGroup

from ops import (
    audit_commands,
    circuits,
    dlq,
    jobs,
    operators,
    orders,
    reconciliation,
    reference,
    restore,
    smoke,
    writers,
)
from ops.exit_status import Exit
from ops.target import Target
from trading.adapters.dynamodb.transactions import OverloadedError
from trading.usecases.ports import StaleError
from workstation.local_system import LocalError
from workstation.screen import Screen

# A paragraph is one line: the terminal wraps it.
HELP = (
    "Find orders, messages and jobs that are stuck or have failed, and repair them.\n\n"
    "Commands act on the local AWS if it runs, else on AWS. --local and --aws choose explicitly. "
    "On AWS, commands use your own credentials (AWS_PROFILE, AWS_REGION). Before a command changes "
    "anything, it writes an entry into the audit log.\n\n"
    "Examples: ops orders stuck --older-than 10m; ops --aws --stage prod dlq list\n\n"
    "Exit status: 0 nothing needs attention. 1 something needs attention, or was not found. 2 the "
    "command line is wrong. 3 AWS refused the request, or could not be reached."
)


class Commands(TyperGroup):
    """Turns errors of AWS into an exit status instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (ClientError, BotoCoreError, OverloadedError) as error:
            Screen().note(f"AWS: {error}", "red")
            raise typer.Exit(Exit.UNREACHABLE) from error
        except LocalError as error:
            Screen().note(f"{error}. {error.remedy}", "red")
            raise typer.Exit(Exit.UNREACHABLE) from error
        except StaleError as error:
            Screen().note(
                "Somebody else changed it at the same moment. Look at it and try again.", "yellow"
            )
            raise typer.Exit(Exit.ATTENTION) from error


app = typer.Typer(
    cls=Commands,
    name="ops",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def choose(
    ctx: typer.Context,
    stage: Annotated[
        str, typer.Option(envvar="TRADING_STAGE", help="Stage of the deployment: dev or prod.")
    ] = "dev",
    local: Annotated[
        bool | None,
        typer.Option(
            "--local/--aws",
            help="Act on the local AWS (TRADING_PORT, TRADING_LOCAL_DIR), or on AWS.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Choose the deployment that the command acts on."""
    ctx.obj = Target.choose(stage, local)


app.add_typer(orders.app, name="orders")
app.add_typer(dlq.app, name="dlq")
app.add_typer(reconciliation.app, name="reconciliation")
app.add_typer(restore.app, name="backups")
app.add_typer(writers.app, name="writers")
app.add_typer(reference.app, name="reference")
app.add_typer(operators.app, name="operators")
app.command()(restore.restore)
app.command()(smoke.smoke)
app.command()(circuits.circuits)
app.command()(jobs.sweep)
app.command()(jobs.settle)
app.command("close-day")(jobs.close_day)
app.command()(audit_commands.audit)

if __name__ == "__main__":
    sys.exit(app())
