"""`python -m tests.capacity`: how many orders a second production takes, by a model. It asserts
nothing.
"""

import argparse
import sys

from rich.console import Console

import workstation  # noqa: F401  (makes the layers importable)


def main() -> int:
    """Print the tables. With `--write`, write docs/reference/capacity.md."""
    from tests.capacity import arrivals, measured, model, page, requests

    parser = argparse.ArgumentParser(prog="python -m tests.capacity", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {page.DOCUMENT.name}")
    arguments = parser.parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=200, color_system=None)
    order = measured.plain_order()
    runs = []
    for load in arrivals.LOADS:
        with console.status(load.name):
            runs.append(model.play(load, order))
    raised = requests.raised(runs[0])
    with console.status("with all requests granted"):
        afterwards = [model.play(load, order, raised) for load in arrivals.LOADS[1:]]
    chapters = page.chapters(runs, afterwards)
    for _, _, grids in chapters:
        for grid in grids:
            grid.show(console)
    if arguments.write:
        page.DOCUMENT.write_text(page.document(chapters))
        console.print(f"{page.DOCUMENT.name} is up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
