"""`trading`: every command of clients and operators."""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from cli import accounts, admin, events, orders, profile_commands, second_factor, stream
from cli.failures import Exit, Failure
from cli.options import Patience, UsedProfile
from cli.session import Session
from workstation.local_system import LocalError

# A paragraph is one line: the terminal wraps it.
HELP = (
    "Place orders and see what you own. With `admin`: administer clients and instruments.\n\n"
    "A profile names the API and your credentials. `make run` creates the profile `local` of the "
    "first demo client. A command that changes something first prints its idempotency key. If you "
    "repeat the command with --key KEY, the API makes the change only once.\n\n"
    "Examples: trading place buy 10 KO; trading orders --state open; trading -p local-bob balance"
)


class Commands(TyperGroup):
    """Turns failures into an exit status and a line that says why."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except LocalError as error:
            return _end(
                ctx, Failure.here(Exit.CONFIGURATION, "NOT_CONFIGURED", f"{error}. {error.remedy}")
            )
        except Failure as failure:
            return _end(ctx, failure)


def _end(ctx: Any, failure: Failure) -> None:
    session: Session = ctx.obj
    session.fail(failure)
    raise typer.Exit(failure.status) from failure


app = typer.Typer(
    cls=Commands, name="trading", help=HELP, no_args_is_help=True, pretty_exceptions_enable=False
)


@app.callback()
def choose(ctx: typer.Context, profile: UsedProfile = None, patience: Patience = 30) -> None:
    """Choose the profile."""
    ctx.obj = Session(profile, patience)


app.command()(orders.place)
app.command()(orders.cancel)
app.command()(orders.replace)
app.command("orders")(orders.list_orders)
app.command("order")(orders.show)
app.command()(accounts.balance)
app.command()(accounts.positions)
app.command()(accounts.position)
app.command()(accounts.portfolio)
app.command()(accounts.trades)
app.command()(accounts.history)
app.command()(events.events)
app.command()(stream.stream)
app.command()(profile_commands.login)
app.command()(profile_commands.logout)
app.add_typer(profile_commands.app, name="profile")
app.add_typer(second_factor.app, name="second-factor")
app.add_typer(admin.app, name="admin")

if __name__ == "__main__":
    sys.exit(app(prog_name="trading"))
