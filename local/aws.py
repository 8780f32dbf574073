"""The local AWS: MiniStack in this process. Started by `local.server` with the path of the file to
hold locked.
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
    layer_mounts,
    worker_logs,
    worker_pool,
)


def hold_pid_file(path: str) -> int:
    """Write our process id and keep the file locked for as long as we live. BlockingIOError:
    another holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


async def end_once_saved(scope: Any, receive: Any, send: Any) -> None:
    """MiniStack's lifespan, which ends with the state saved; and then the process, whatever still
    runs in its threads.

    Python would wait for them at exit, and one that runs a Map waits for its task tokens, for
    minutes.
    """
    await _lifespan(scope, receive, send)
    os._exit(0)


_lifespan = app._handle_lifespan

if __name__ == "__main__":
    hold_pid_file(sys.argv.pop())
    gateway_responses.apply()
    worker_pool.apply()
    event_sources.apply()
    layer_mounts.apply()
    worker_logs.apply()
    crash_points.apply()
    app._handle_lifespan = end_once_saved
    app.main()
