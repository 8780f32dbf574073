"""Unpacks a layer once for all processes of all functions, as Lambda mounts it once.

MiniStack unpacks a layer for every process that it starts. This takes a second of processor time
and the layer's size on the disk. No process finds the byte code that another has compiled.
"""

import hashlib
import os
import tempfile
import threading
import zipfile
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-untyped]

LAYER_PREFIX = "layer_"

_unpacking = threading.Lock()


def apply() -> None:
    """Replace the archive class of MiniStack's workers. Once a process, before it serves."""
    lambda_runtime.zipfile = SimpleNamespace(**(vars(zipfile) | {"ZipFile": Archive}))


class Archive(zipfile.ZipFile):
    """Unpacks code. For a layer, makes a link to where it was unpacked first."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Extract into `path`, an empty directory."""
        if not os.path.basename(path).startswith(LAYER_PREFIX):
            super().extractall(path, members, pwd)
            return
        with open(str(self.filename), "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        mounted = os.path.join(tempfile.gettempdir(), f"layer-{digest}")
        with _unpacking:
            if not os.path.isdir(mounted):
                partial = tempfile.mkdtemp()
                super().extractall(partial)
                os.rename(partial, mounted)
        os.rmdir(path)
        os.symlink(mounted, path)
