"""The local AWS: MiniStack in this process. Started by `local.server` with the path of the file to hold locked."""

import fcntl
import os
import sys

from ministack.app import main  # type: ignore[import-untyped]

from local import gateway_responses, worker_pool


def hold_pid_file(path: str) -> int:
    """Write our process id and keep the file locked for as long as we live. BlockingIOError: another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


if __name__ == "__main__":
    hold_pid_file(sys.argv.pop())
    gateway_responses.apply()
    worker_pool.apply()
    main()
