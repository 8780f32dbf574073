"""The local AWS: MiniStack in this process, with our patches.

`local.server` starts it with the path of the file that it keeps locked.
"""

import fcntl
import os
import sys
from typing import Any

from ministack import app  # type: ignore[import-untyped]

from local import (
    crash_points,
    event_sources,
    gateway_responses,
    http_apis,
    layer_mounts,
    recursive_loops,
    stream_records,
    websocket_apis,
    worker_logs,
    worker_pool,
)


def hold_pid_file(path: str) -> int:
    """Write the process id into the file, and lock it until this process ends.

    Raises BlockingIOError if another process holds the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


async def end_once_saved(scope: Any, receive: Any, send: Any) -> None:
    """Run MiniStack's lifespan, which saves the state at its end; then end the process.

    Python would wait for all threads. A thread that runs a settlement cycle waits for minutes.
    """
    await _lifespan(scope, receive, send)
    os._exit(0)


_lifespan = app._handle_lifespan
PATCHES = (
    gateway_responses,
    http_apis,
    worker_pool,
    event_sources,
    layer_mounts,
    recursive_loops,
    stream_records,
    websocket_apis,
    worker_logs,
    crash_points,
)


def apply_patches() -> None:
    """Patch MiniStack. Two patches may wrap one function, so each wraps what is there."""
    for patch in PATCHES:
        patch.apply()


if __name__ == "__main__":
    hold_pid_file(sys.argv.pop())
    apply_patches()
    app._handle_lifespan = end_once_saved
    app.main()
