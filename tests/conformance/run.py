"""Runs schemathesis on both APIs, with all checks that its configuration does not exclude."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conformance.world import World
from workstation.local_system import ROOT

CONFIGURATION = ROOT / "tests" / "conformance" / "schemathesis.toml"
LAYERS = ("layers/trading/python", "layers/simulators/python")
DOCUMENTS = {"docs/reference/openapi.json": False, "docs/reference/openapi-internal.json": True}
"""Whether each document is the one of the internal API."""


def conform(
    world: World, document: str, options: Sequence[str]
) -> subprocess.CompletedProcess[bytes]:
    """Run schemathesis with these options, and print its output. Exit status 0 means that it found
    nothing.
    """
    internal = DOCUMENTS[document]
    with TemporaryDirectory() as scratch:
        known = Path(scratch) / "world.json"
        world.write(known)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *(ROOT / layer for layer in LAYERS)))),
            "CONFORMANCE_WORLD": str(known),
            "CONFORMANCE_INTERNAL": "1" if internal else "",
        }
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            "--config-file",
            str(CONFIGURATION),
            "run",
        ]
        url = world.internal_url if internal else world.public_url
        return subprocess.run(  # noqa: S603  (our own tool)
            [*command, str(ROOT / document), "--url", url, *options],
            cwd=scratch,
            env=environment,
            check=False,
        )
