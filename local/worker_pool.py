"""Changes how the local AWS keeps the processes that run a function.

A limit: Lambda starts another execution environment whenever all are busy. MiniStack does the same
on one machine, where a start takes a second of processor time. A burst of invocations starts dozens
of processes, and functions time out. Here an invocation waits for a free process instead. A
function that invokes itself and waits for the answer would wait for ever; there is none.

One death: when a process dies, Lambda loses one execution environment. MiniStack kills all
processes of the function, even those that work for others. Their deaths do the same again, so under
load a function may never start. Here only the process that failed is dropped.
"""

import os
import threading
import time
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-untyped]
from ministack.services import lambda_svc  # type: ignore[import-untyped]

PROCESSES_A_FUNCTION = max(2, os.cpu_count() or 1)
POLL_SECONDS = 0.01

_acquire_worker = lambda_svc.acquire_worker
_release_worker = lambda_svc.release_worker
_invalidate_worker = lambda_svc.invalidate_worker
_this_thread = threading.local()


def apply() -> None:
    """Wrap MiniStack's pools. Once a process, before it serves."""
    lambda_runtime._LOCAL_MAX_WORKERS = PROCESSES_A_FUNCTION
    lambda_svc.acquire_worker = acquire_worker
    lambda_svc.release_worker = release_worker
    lambda_svc.invalidate_worker = invalidate_worker


def acquire_worker(*args: Any, **kwargs: Any) -> Any:
    """Return a worker and how it was obtained, as MiniStack does. Wait while all are busy."""
    while True:
        worker, reason = _acquire_worker(*args, **kwargs)
        if worker is not None or reason != "func_cap":
            _this_thread.worker = worker
            return worker, reason
        time.sleep(POLL_SECONDS)


def release_worker(worker: Any) -> None:
    """End the invocation of this thread."""
    _this_thread.worker = None
    _release_worker(worker)


def invalidate_worker(*args: Any, **kwargs: Any) -> None:
    """Drop the failed worker of this invocation; outside of one, all workers of the function.

    Outside of an invocation it means new code or another configuration.
    """
    failed = getattr(_this_thread, "worker", None)
    if failed is None:
        _invalidate_worker(*args, **kwargs)
        return
    with lambda_runtime._lock:
        for pool in lambda_runtime._workers.values():
            if failed in pool:
                pool.remove(failed)
    failed.kill()
