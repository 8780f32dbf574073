"""Files with secrets, which only their owner may read."""

import os
import stat
from pathlib import Path


class FileError(Exception):
    """A file cannot be used. `code` names the reason for programs, the text tells it to people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def read_private(path: Path) -> bytes | None:
    """Return the contents, or None if the file is missing.

    Raises FileError if the file cannot be read, or if others may read it.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise FileError(
                    "FILE_NOT_PRIVATE",
                    f"{path} holds secrets and others may read it (mode {mode:04o}). "
                    f"Run: chmod 600 {path}",
                )
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError("FILE_NOT_READABLE", f"{path}: {error.strerror}") from error


def write_private(path: Path, content: bytes) -> None:
    """Replace the file in one step. Its mode is 0600 from the first byte on. Raises FileError."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        partial.replace(path)
    except OSError as error:
        raise FileError("FILE_NOT_WRITABLE", f"{path}: {error.strerror}") from error
