"""`python -m documentation` builds the site and checks it; `serve` shows it while it is written."""

import argparse
import sys

from documentation.checks import findings
from documentation.places import SITE
from documentation.site import build, serve

ADDRESS = "127.0.0.1:8000"


def main(arguments: list[str]) -> int:
    """Do what is asked for; 1 if the site is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m documentation", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("build", "serve"), default="build")
    parser.add_argument("--address", default=ADDRESS, help="where `serve` answers")
    options = parser.parse_args(arguments)
    if options.command == "serve":
        serve(options.address)
        return 0
    if not build():
        return 1
    found = findings(SITE)
    print(
        "\n".join(found) or f"built and checked: {SITE}", file=sys.stderr if found else sys.stdout
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
