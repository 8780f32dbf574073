"""The templates of a stage, synthesized from infra/. They are kept below build/ as long as infra/
and the versions of the tools are the same.
"""

import hashlib
import json
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from documentation.places import BIN, BUILD, ROOT
from infra.catalog.names import PACKAGE_LAYERS
from infra.synthesized import Synthesized

KEPT = BUILD / "documentation" / "templates"
STAGE = "dev"
"""The stage that pages describe, unless they say otherwise."""
PRODUCTION = "prod"
OPERATORS = "203.0.113.0/24"
"""A network for documents (RFC 5737). Production must name one."""


@cache
def templates(stage: str = STAGE) -> Synthesized:
    """All stacks of a stage."""
    return Synthesized(kept(stage))


def kept(stage: str) -> Path:
    """The directory with the templates. They are synthesized if they are not there yet."""
    current = KEPT / _fingerprint()
    directory = current / stage
    if not directory.exists():
        if not current.exists():
            shutil.rmtree(KEPT, ignore_errors=True)
        current.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT.parent) as unfinished:
            _synthesize(stage, Path(unfinished) / "layers", Path(unfinished) / "out")
            for asset in (Path(unfinished) / "out").glob("asset.*"):
                shutil.rmtree(asset, ignore_errors=True)
            (Path(unfinished) / "out").rename(directory)
    return directory


def _fingerprint() -> str:
    digest = hashlib.sha256((ROOT / "requirements" / "dev.lock").read_bytes())
    for path in sorted((ROOT / "infra").rglob("*")):
        if path.suffix in (".py", ".json"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _synthesize(stage: str, layers: Path, directory: Path) -> None:
    """Nothing in a template depends on what the layers hold, so empty ones will do."""
    for name in PACKAGE_LAYERS:
        (layers / "aws" / name).mkdir(parents=True)
        (layers / "aws" / name / "empty").touch()
    # The jsii kernel is started with the first `node` on the path, at the import of aws_cdk.
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    from aws_cdk import App

    from infra.app import build

    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    settings = {"stage": stage, "venues": "simulated", "layers_dir": str(layers)}
    if stage == PRODUCTION:
        settings["internal_access"] = OPERATORS
    app = App(context={**context, **settings}, outdir=str(directory))
    build(app)
    app.synth()
