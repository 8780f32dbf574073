"""Puts right how the local AWS keeps the processes that run a function.

Bounded: Lambda starts another execution environment whenever all are busy, on a fleet. MiniStack
does the same on this machine, where every start takes a second of a processor: a burst of
invocations starts dozens of processes, and nothing else gets done until functions time out. Here a
further invocation waits for a free process instead, as it would for one of Lambda's reserved
concurrency in a queue. (A function that invokes itself and waits for the answer would wait for
ever; there is none here.)

Apart: when a process dies, Lambda loses one execution environment. MiniStack then kills all
processes of the function, also those that are starting or at work for others, whose deaths do the
same again: under load a single death can keep a function from ever starting. Here only the process
that failed is given up.
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
    """A worker and how it was come by, as MiniStack returns them; waits while all are busy."""
    while True:
        worker, reason = _acquire_worker(*args, **kwargs)
        if worker is not None or reason != "func_cap":
            _this_thread.worker = worker
            return worker, reason
        time.sleep(POLL_SECONDS)


def release_worker(worker: Any) -> None:
    """The invocation that this thread made is over."""
    _this_thread.worker = None
    _release_worker(worker)


def invalidate_worker(*args: Any, **kwargs: Any) -> None:
    """In the middle of an invocation its worker, which has failed; else (new code, another
    configuration) all of the function.
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
