"""The templates of stage dev, synthesized from infra/. They are kept below build/ as long as infra/
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
from infra.synthesized import Synthesized

KEPT = BUILD / "documentation" / "templates"
STAGE = "dev"


@cache
def templates() -> Synthesized:
    """All stacks."""
    return Synthesized(kept())


def kept() -> Path:
    """The directory with the templates. They are synthesized if they are not there yet."""
    directory = KEPT / _fingerprint()
    if not directory.exists():
        shutil.rmtree(KEPT, ignore_errors=True)
        KEPT.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=KEPT.parent) as unfinished:
            _synthesize(Path(unfinished) / "layers", Path(unfinished) / "out")
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


def _synthesize(layers: Path, directory: Path) -> None:
    """Nothing in a template depends on what a layer holds, so an empty one will do."""
    (layers / "aws" / "dependencies").mkdir(parents=True)
    (layers / "aws" / "dependencies" / "empty").touch()
    # The jsii kernel is started with the first `node` on the path, at the import of aws_cdk.
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    from aws_cdk import App

    from infra.app import build

    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(context={**context, "stage": STAGE, "layers_dir": str(layers)}, outdir=str(directory))
    build(app)
    app.synth()
