"""`python -m tests.conformance`: check on the local system that the APIs answer as their documents
say.
"""

import argparse
import sys

from rich.console import Console
from rich.markup import escape

import workstation  # noqa: F401  (puts the layers on the path)
from tests.conformance.run import DOCUMENTS, conform
from tests.conformance.world import create
from tests.load.__main__ import running_or_own
from workstation.local_system import LocalError, default_system


def main() -> int:
    """Exit status 0: nothing was found. Exit status 1: the output shows what was found and how to
    reproduce it.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument(
        "--cases",
        type=int,
        default=50,
        help="generated cases an operation, and sequences of operations",
    )
    parser.add_argument("options", nargs="*", help="more options of `schemathesis run`, after --")
    arguments = parser.parse_args()
    console = Console()
    try:
        with running_or_own(default_system(), console, "conformance") as system:
            world = create(system)
            options = ["--max-examples", str(arguments.cases), *arguments.options]
            found = [
                document for document in DOCUMENTS if conform(world, document, options).returncode
            ]
    except LocalError as error:
        console.print(
            f"[bold red]Failed:[/] {escape(str(error))}\n[bold]What to do:[/] "
            f"{escape(error.remedy)}"
        )
        return 1
    console.print(
        f"Not as documented: {', '.join(found)}"
        if found
        else "Both APIs answer as their documents say."
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
