"""Runs schemathesis on our APIs, with all checks that its configuration does not exclude."""

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
DOCUMENTS = {
    "docs/reference/openapi.json": "public",
    "docs/reference/openapi-internal.json": "internal",
    "docs/reference/openapi-callbacks.json": "callbacks",
}
"""The API that each document describes."""


def conform(
    world: World, document: str, options: Sequence[str]
) -> subprocess.CompletedProcess[bytes]:
    """Run schemathesis with these options, and print its output. Exit status 0 means that it found
    nothing.
    """
    api = DOCUMENTS[document]
    with TemporaryDirectory() as scratch:
        known = Path(scratch) / "world.json"
        world.write(known)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *(ROOT / layer for layer in LAYERS)))),
            "CONFORMANCE_WORLD": str(known),
            "CONFORMANCE_API": api,
        }
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            "--config-file",
            str(CONFIGURATION),
            "run",
        ]
        return subprocess.run(  # noqa: S603  (our own tool)
            [*command, str(ROOT / document), "--url", world.urls[api], *options],
            cwd=scratch,
            env=environment,
            check=False,
        )
