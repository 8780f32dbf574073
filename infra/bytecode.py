"""Compiles Python sources before they are deployed, so that a cold start only loads them.

Lambda mounts code in a directory that Python cannot write to. So without bytecode, each cold start
compiles all sources. The bytecode has an unchecked hash: Python does not compare it with
the source.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

PYTHON = "3.13"
"""The version of Lambda's runtime."""
COMPILE = "import compileall, py_compile, sys; sys.exit(not compileall.compile_dir({}))".format(
    "sys.argv[1], quiet=1, stripdir=sys.argv[1], prependdir=sys.argv[2], force=True, "
    "invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH"
)
WHICH = "import sys; print(*sys.version_info[:2], sys.version_info.releaselevel)"


@cache
def compiler(version: str) -> Path | None:
    """A Python of this version, for instance 3.13, on this machine. None if there is none.

    All releases of a version share one format of bytecode. The order of the search: the running
    Python, the path, pyenv's versions.
    """
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [Path(sys.executable), *sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"))]
    if on_path := shutil.which(name):
        found.insert(1, Path(on_path))
    expected = f"{version.replace('.', ' ')} final"
    return next((python for python in found if _answers(python, expected)), None)


def _answers(python: Path, expected: str) -> bool:
    """Whether it starts and has the version. A shim of pyenv may not start."""
    asked = subprocess.run([str(python), "-c", WHICH], capture_output=True, text=True)  # noqa: S603
    return asked.returncode == 0 and asked.stdout.strip() == expected


def compile_sources(directory: Path, python: Path, mounted_at: str) -> None:
    """Put bytecode beside the sources in a directory. `mounted_at` is its path in Lambda, for
    tracebacks.

    The same sources give the same bytes. Raises CalledProcessError if a source cannot be compiled.
    """
    command = [str(python), "-I", "-c", COMPILE, str(directory), mounted_at]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": "0"})  # noqa: S603


def compiled(sources: Path, under: str, version: str, mounted_at: str, staging: Path) -> Path:
    """A copy of a directory of sources with bytecode, at the path `under` of the directory that is
    returned.

    The copy is named after its content, so it is never out of date, and it is made once. Without a
    Python of this version, the copy has the sources alone.
    """
    python = compiler(version)
    digest = _digest(sources, f"{under} {mounted_at} {python and version}")
    copy = staging / f"{sources.name}-{digest[:16]}"
    if not copy.is_dir():
        staging.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=staging))
        shutil.copytree(
            sources,
            partial / under,
            ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
            dirs_exist_ok=True,
        )
        if python:
            compile_sources(partial, python, mounted_at)
        _publish(partial, copy)
    return copy


def _publish(partial: Path, copy: Path) -> None:
    """Give a finished copy its name, unless another process was faster."""
    partial.chmod(0o755)
    try:
        partial.rename(copy)
    except OSError:
        shutil.rmtree(partial)


def _digest(sources: Path, recipe: str) -> str:
    found = hashlib.sha256(recipe.encode())
    for path in sorted(sources.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            found.update(str(path.relative_to(sources)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()
