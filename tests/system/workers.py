"""The processes in which the local AWS runs functions. They are children of its process (Linux)."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from workstation.local_system import STAGE, LocalSystem

LOOK_SECONDS = 0.05
PREFIX = f"trading-{STAGE}-"


def running(system: LocalSystem) -> dict[int, str]:
    """Every worker: the name of its function (such as `execution`) by process id."""
    parent = int(system.pid_file.read_text())
    named = ((child, _function(child)) for child in _children(parent))
    return {child: name.removeprefix(PREFIX) for child, name in named if name.startswith(PREFIX)}


def busy(workers: Iterable[int]) -> list[int]:
    """The workers that use the processor while we look."""
    before = {worker: _ticks(worker) for worker in workers}
    time.sleep(LOOK_SECONDS)
    return [worker for worker, ticks in before.items() if _ticks(worker) != ticks]


def age(worker: int) -> float:
    """Seconds since the process was started; 0 if it is gone."""
    fields = _stat(worker)
    up = float(Path("/proc/uptime").read_text().split()[0])
    return up - int(fields[19]) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def kill(worker: int) -> bool:
    """Send SIGKILL. Returns whether the process still existed."""
    try:
        os.kill(worker, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _ticks(pid: int) -> int | None:
    """Processor time used so far, in clock ticks; None if the process is gone."""
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else None


def _children(parent: int) -> list[int]:
    return [
        pid
        for pid in map(int, filter(str.isdecimal, os.listdir("/proc")))
        if _parent(pid) == parent
    ]


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def _stat(pid: int) -> list[str]:
    """The fields of proc(5) after the command. The command stands in parentheses and may contain
    anything.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _function(pid: int) -> str:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    names = [
        each.partition(b"=")[2]
        for each in environment
        if each.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")
    ]
    return names[0].decode() if names else ""
