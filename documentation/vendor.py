"""Mermaid's script: fetched once from npm, checked against its published digest, served by the
site itself.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from documentation.places import BIN, BUILD

MERMAID = "mermaid@11.16.0"
"""The theme is made for major version 11."""
INTEGRITY = (
    "sha512-Zvm3kbstgdpvIJPPItlL7fppIZ3kibvc1oZIGxdvk9t6"
    "UFz6flv+Jw7FtRGKwfcI8OckmH04LqG6LlS6X4B1pA=="
)
"""The package's `dist.integrity` at npm."""
SCRIPT = "package/dist/mermaid.min.js"


class VendorError(Exception):
    """npm did not deliver the pinned package."""


def mermaid_script() -> Path:
    """The script's file, below build/.

    It is fetched if it is not there yet. Raises VendorError.
    """
    target = BUILD / "vendor" / f"{MERMAID}.min.js"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as directory:
            script = _extract(_fetch(Path(directory)), Path(directory))
            shutil.move(script, target)
    return target


def _fetch(directory: Path) -> Path:
    """The package's archive, with the digest that was expected."""
    finished = subprocess.run(
        [BIN / "npm", "pack", MERMAID, "--silent"],
        cwd=directory,
        check=False,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
    )
    if finished.returncode:
        raise VendorError(f"npm could not fetch {MERMAID}. Is its registry reachable? Try again.")
    archive = next(directory.glob("*.tgz"))
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise VendorError(f"{MERMAID}: sha512-{digest} is not the digest that was pinned")
    return archive


def _extract(archive: Path, directory: Path) -> Path:
    with tarfile.open(archive) as files:
        files.extract(SCRIPT, directory, filter="data")
    return directory / SCRIPT
