"""Builds the dependencies layer without Docker: `python -m local.layers aws|local`.

`aws`: Linux on arm64, Python 3.13, wheels only. `local`: this machine and this Python. A layer is
built again only when the lock file, the target or this recipe has changed.
"""

import argparse
import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

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
        "3.13",
        "--only-binary",
        ":all:",
    ],
    "local": ["--python", sys.executable],
}
NEEDLESS = ("**/__pycache__", "**/tests", "**/examples", "bin", ".lock")


def build(target: str) -> Path:
    """Return the directory of the layer, which holds `python/`. Build it if it is out of date."""
    directory = BUILD / target / "dependencies"
    stamp = directory.with_suffix(".stamp")
    recipe = _recipe(target)
    if directory.is_dir() and stamp.is_file() and stamp.read_text() == recipe:
        return directory
    stamp.unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)
    python = directory / "python"
    python.mkdir(parents=True)
    _install(target, python)
    for pattern in NEEDLESS:
        for path in sorted(python.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if size(directory) > MAX_BYTES:
        raise LocalError(
            f"the layer is {size(directory) / 1e6:.0f} MB, Lambda allows {MAX_BYTES / 1e6:.0f}",
            "Remove a dependency from pyproject.toml and lock again.",
        )
    stamp.write_text(recipe)
    return directory


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
            f"the layer could not be built:\n{installed.stderr}", "Is the package index reachable?"
        )


def _recipe(target: str) -> str:
    """Return a digest of everything that decides the contents of the layer."""
    host = f"{platform.machine()} {platform.system()} {sys.version}" if target == "local" else ""
    text = f"{LOCK.read_text()}\n{PLATFORM_OF_TARGET[target]}\n{NEEDLESS}\n{host}"
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m local.layers", description=__doc__.splitlines()[0]
    )
    parser.add_argument("target", choices=PLATFORM_OF_TARGET)
    try:
        directory = build(parser.parse_args().target)
    except LocalError as error:
        sys.exit(f"{error}\n{error.remedy}")
    print(f"{directory.relative_to(ROOT)}: {size(directory) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
