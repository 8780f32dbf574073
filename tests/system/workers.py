"""The processes in which the local AWS runs a function: children of its process (Linux)."""

import os
import signal
import time
from pathlib import Path

from local.place import STAGE, Place

LOOK_SECONDS = 0.05


def of(place: Place, function: str) -> list[int]:
    """Process ids of the workers of a function, e.g. `execution`."""
    parent = int(place.pid_file.read_text())
    wanted = f"AWS_LAMBDA_FUNCTION_NAME=trading-{STAGE}-{function}".encode()
    return [child for child in _children(parent) if wanted in _environment(child)]


def kill_busy(place: Place, function: str) -> int:
    """SIGKILL every worker of a function that is at work (it uses the processor). Returns how many died."""
    before = {worker: _ticks(worker) for worker in of(place, function)}
    time.sleep(LOOK_SECONDS)
    killed = 0
    for worker in [worker for worker, ticks in before.items() if _ticks(worker) != ticks]:
        try:
            os.kill(worker, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed += 1
    return killed


def _ticks(pid: int) -> int | None:
    """Processor time used so far, in clock ticks; None if the process is gone."""
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else None


def _children(parent: int) -> list[int]:
    return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _parent(pid) == parent]


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def _stat(pid: int) -> list[str]:
    """The fields of proc(5) after the command, which stands in parentheses and may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []
