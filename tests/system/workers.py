"""The processes in which the local AWS runs a function: children of its process (Linux)."""

import os
import signal
from pathlib import Path

from local.place import STAGE, Place


def of(place: Place, function: str) -> list[int]:
    """Process ids of the workers of a function, e.g. `execution`."""
    parent = int(place.pid_file.read_text())
    wanted = f"AWS_LAMBDA_FUNCTION_NAME=trading-{STAGE}-{function}".encode()
    return [child for child in _children(parent) if wanted in _environment(child)]


def kill(place: Place, function: str) -> int:
    """SIGKILL every worker of a function, whatever it is doing. Returns how many there were."""
    killed = 0
    for worker in of(place, function):
        try:
            os.kill(worker, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed += 1
    return killed


def _children(parent: int) -> list[int]:
    return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _parent(pid) == parent]


def _parent(pid: int) -> int | None:
    try:
        # The command, in parentheses, may hold anything; the parent's id is the second field after it.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []
