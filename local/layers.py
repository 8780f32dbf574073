"""Builds the layers of locked packages without Docker: `python -m local.layers aws|local`.

Most functions have the layer `dependencies` only. The layer `signatures` has the packages that
check signatures. PyJWT imports cryptography where it finds it, which would delay each start of a
log-in or an authorizer by more than all other imports of theirs.

`aws`: Linux on arm64, Python 3.13, wheels only. `local`: this machine and this Python. The layers
are built again only when the lock file, the target or this recipe has changed. They have bytecode
of the Python that runs them, if this machine has that Python.
"""

import argparse
import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from infra.bytecode import PYTHON, compile_sources, compiler
from workstation.local_system import ROOT, LocalError

LOCK = ROOT / "layers" / "dependencies" / "requirements.lock"
BUILD = ROOT / "build" / "layers"
MAX_BYTES = 250_000_000
"""Lambda's limit for the code and layers of a function together, unzipped."""

PLATFORM_OF_TARGET = {
    "aws": [
        "--python-platform",
        "aarch64-manylinux2014",
        "--python-version",
        PYTHON,
        "--only-binary",
        ":all:",
    ],
    "local": ["--python", sys.executable],
}
SIGNATURES = (
    "cryptography",
    "cryptography-*",
    "cffi",
    "cffi-*",
    "_cffi_backend.*",
    "pycparser",
    "pycparser-*",
    "http_sf",
    "http_sf-*",
    "http_message_signatures",
    "http_message_signatures-*",
)
"""What belongs into the layer `signatures`, by the names in `site-packages`."""
NEEDLESS = ("**/__pycache__", "**/tests", "**/examples", "bin", ".lock")


def build(target: str) -> tuple[Path, Path]:
    """Return the directories of the layers `dependencies` and `signatures`, which hold `python/`.
    Build them if they are out of date.
    """
    directory, signatures = BUILD / target / "dependencies", BUILD / target / "signatures"
    stamp = directory.with_suffix(".stamp")
    recipe = _recipe(target)
    if directory.is_dir() and stamp.is_file() and stamp.read_text() == recipe:
        return directory, signatures
    stamp.unlink(missing_ok=True)
    for each in (directory, signatures):
        shutil.rmtree(each, ignore_errors=True)
        (each / "python").mkdir(parents=True)
    python = directory / "python"
    _install(target, python)
    for pattern in NEEDLESS:
        for path in sorted(python.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for pattern in SIGNATURES:
        (path,) = python.glob(pattern)
        path.rename(signatures / "python" / path.name)
    if compiling := _compiler(target):
        for each in (directory, signatures):
            compile_sources(each, compiling, "/opt")
    together = size(directory) + size(signatures)
    if together > MAX_BYTES:
        raise LocalError(
            f"the layers are {together / 1e6:.0f} MB, Lambda allows {MAX_BYTES / 1e6:.0f}",
            "Remove a dependency from pyproject.toml and lock again.",
        )
    stamp.write_text(recipe)
    return directory, signatures


def size(directory: Path) -> int:
    """Return the number of bytes in a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _install(target: str, python: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    command = [
        str(uv),
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--requirement",
        str(LOCK),
    ]
    command += ["--link-mode", "copy", "--target", str(python), *PLATFORM_OF_TARGET[target]]
    installed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if installed.returncode:
        raise LocalError(
            f"the layers could not be built:\n{installed.stderr}", "Is the package index reachable?"
        )


def _compiler(target: str) -> Path | None:
    return compiler(PYTHON) if target == "aws" else Path(sys.executable)


def _recipe(target: str) -> str:
    """Return a digest of everything that decides the contents of the layers."""
    host = f"{platform.machine()} {platform.system()} {sys.version}" if target == "local" else ""
    compiles = _compiler(target) is not None
    parts = (PLATFORM_OF_TARGET[target], SIGNATURES, NEEDLESS, host, compiles)
    text = "\n".join([LOCK.read_text(), *map(str, parts)])
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m local.layers", description=__doc__.splitlines()[0]
    )
    parser.add_argument("target", choices=PLATFORM_OF_TARGET)
    target: str = parser.parse_args().target
    try:
        directories = build(target)
    except LocalError as error:
        sys.exit(f"{error}\n{error.remedy}")
    if _compiler(target) is None:
        print(
            f"This machine has no Python {PYTHON}: functions will compile all sources at each cold "
            f"start. Install one, for instance `pyenv install {PYTHON}`, and deploy again.",
            file=sys.stderr,
        )
    for directory in directories:
        print(f"{directory.relative_to(ROOT)}: {size(directory) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
