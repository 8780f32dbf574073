"""Bounds how many processes of one function the local AWS runs at a time.

Lambda starts another execution environment whenever all are busy, on a fleet. MiniStack does the same on this machine,
where every start takes a second of a processor: a burst of invocations starts dozens of processes, and nothing else
gets done until functions time out. Here a further invocation waits for a free process instead, as it would for one of
Lambda's reserved concurrency in a queue. (A function that invokes itself and waits for the answer would wait for ever;
there is none here.)
"""

import os
import time
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-untyped]
from ministack.services import lambda_svc  # type: ignore[import-untyped]

PROCESSES_A_FUNCTION = max(2, os.cpu_count() or 1)
POLL_SECONDS = 0.01

_acquire_worker = lambda_svc.acquire_worker


def apply() -> None:
    """Bound MiniStack's pools. Once a process, before it serves."""
    lambda_runtime._LOCAL_MAX_WORKERS = PROCESSES_A_FUNCTION
    lambda_svc.acquire_worker = acquire_worker


def acquire_worker(*args: Any, **kwargs: Any) -> Any:
    """A worker and how it was come by, as MiniStack returns them; waits while all are busy."""
    while True:
        worker, reason = _acquire_worker(*args, **kwargs)
        if worker is not None or reason != "func_cap":
            return worker, reason
        time.sleep(POLL_SECONDS)
