"""The bill of materials, in the format CycloneDX 1.6 (ECMA-424)."""

import subprocess
import sys
from pathlib import Path

from supply_chain.locks import LAMBDA_LOCK, ROOT, TOOLS_LOCK

DIRECTORY = ROOT / "build" / "sbom"


def write(directory: Path = DIRECTORY) -> list[Path]:
    """Write one document about the layer and one about the tools. They are reproducible."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, lock in (("lambda", LAMBDA_LOCK), ("tools", TOOLS_LOCK)):
        path = directory / f"{name}.cdx.json"
        subprocess.run(  # noqa: S603
            [
                *(sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(lock)),
                *("--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"),
                *("--spec-version", "1.6", "--output-file", str(path)),
            ],
            check=True,
        )
        written.append(path)
    return written
