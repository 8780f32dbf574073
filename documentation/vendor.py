"""Files of npm packages: fetched once, and checked against the packages' published digests."""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from documentation.places import BIN, BUILD


@dataclass(frozen=True)
class Vendored:
    """A file of a package. `integrity`: the package's `dist.integrity` at npm."""

    package: str
    integrity: str
    file: str


MERMAID = Vendored(
    "mermaid@11.16.0",
    "sha512-Zvm3kbstgdpvIJPPItlL7fppIZ3kibvc1oZIGxdvk9t6"
    "UFz6flv+Jw7FtRGKwfcI8OckmH04LqG6LlS6X4B1pA==",
    "package/dist/mermaid.min.js",
)
"""The site itself serves the script. The theme is made for major version 11."""
ASYNCAPI = Vendored(
    "@asyncapi/specs@6.11.1",
    "sha512-A3WBLqAKGoJ2+6FWFtpjBlCQ1oFCcs4GxF7zsIGvNqp/"
    "klGUHjlA3aAcZ9XMMpLGE8zPeYDz2x9FmO6DSuKraQ==",
    "package/schemas/3.0.0.json",
)
"""The JSON Schema of AsyncAPI documents."""


class VendorError(Exception):
    """npm did not deliver the pinned package."""


def vendored(wanted: Vendored) -> Path:
    """The file, below build/.

    It is fetched if it is not there yet. Raises VendorError.
    """
    name = wanted.package.replace("/", "+")
    target = BUILD / "vendor" / name / Path(wanted.file).name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as directory:
            file = _extract(wanted, _fetch(wanted, Path(directory)), Path(directory))
            shutil.move(file, target)
    return target


def _fetch(wanted: Vendored, directory: Path) -> Path:
    """The package's archive, with the digest that was expected."""
    finished = subprocess.run(
        [BIN / "npm", "pack", wanted.package, "--silent"],
        cwd=directory,
        check=False,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
    )
    if finished.returncode:
        raise VendorError(
            f"npm could not fetch {wanted.package}. Is its registry reachable? Try again."
        )
    archive = next(directory.glob("*.tgz"))
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != wanted.integrity:
        raise VendorError(f"{wanted.package}: sha512-{digest} is not the digest that was pinned")
    return archive


def _extract(wanted: Vendored, archive: Path, directory: Path) -> Path:
    with tarfile.open(archive) as files:
        files.extract(wanted.file, directory, filter="data")
    return directory / wanted.file
