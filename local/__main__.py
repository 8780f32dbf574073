"""`python -m local`: the commands behind the Makefile's targets."""

import argparse
import sys
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape

from local import run, seed, server
from workstation.local_system import LocalError, LocalSystem, default_system


def main() -> int:
    """Run the command. Return 0, or 1 after telling the user what is wrong and what to do."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run_command = commands.add_parser(
        "run", help="start a clean system, deploy, seed and play a session; the system stays up"
    )
    run_command.add_argument(
        "--keep", action="store_true", help="start from the state that `stop` has kept"
    )
    commands.add_parser("deploy", help="deploy the code of this directory to the running system")
    commands.add_parser(
        "seed", help="write the reference data and the demo clients; it may be repeated"
    )
    commands.add_parser("session", help="play a trading session on the running system")
    commands.add_parser("stop", help="stop the local AWS and keep its state")
    commands.add_parser("status", help="show the addresses of the running system")
    arguments = parser.parse_args()
    console = Console()
    try:
        system = default_system()
        if arguments.command == "run":
            return 0 if run.run(system, console, keep_state=arguments.keep) else 1
        return 0 if COMMANDS[arguments.command](system, console) else 1
    except LocalError as error:
        console.print(f"[bold red]Failed:[/] {escape(str(error))}", highlight=False)
        console.print(f"[bold]What to do:[/] {escape(error.remedy)}", highlight=False)
        return 1


def _deploy(system: LocalSystem, console: Console) -> bool:
    run.up(system, console)
    return True


def _seed(system: LocalSystem, _: Console) -> bool:
    run.require_running(system)
    seed.seed(system)
    return True


def _stop(system: LocalSystem, console: Console) -> bool:
    stopped = server.stop(system)
    console.print(
        "Stopped. `make run KEEP=1` continues from here." if stopped else "It was not running."
    )
    return True


def _status(system: LocalSystem, console: Console) -> bool:
    if not system.is_running:
        console.print("The local system is not running. Start it: make run")
        return False
    run.guide(system, console)
    return True


COMMANDS: dict[str, Callable[[LocalSystem, Console], bool]] = {
    "deploy": _deploy,
    "seed": _seed,
    "session": run.play,
    "stop": _stop,
    "status": _status,
}

if __name__ == "__main__":
    sys.exit(main())
