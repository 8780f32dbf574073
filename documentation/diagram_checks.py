"""Checks the site's diagrams: Mermaid itself parses them."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from documentation.places import BIN
from documentation.vendor import MERMAID, vendored

PARSER = Path(__file__).with_name("parse_diagrams.cjs")


def errors_of(diagrams: Sequence[str]) -> list[str | None]:
    """The error of each diagram, none if it is well formed."""
    finished = subprocess.run(
        [BIN / "node", PARSER, vendored(MERMAID)],
        input=json.dumps(diagrams),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    errors: list[str | None] = json.loads(finished.stdout)
    return errors
