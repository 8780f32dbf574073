"""Lets the local AWS read a FIFO queue as AWS does: groups in parallel, each group in order.

MiniStack hands over one batch of a FIFO queue at a time, so all clients would wait for each other.
While a message is in flight, the queue blocks its group. So two batches never share a group.
"""

from typing import Any

from ministack.services import lambda_svc  # type: ignore[import-untyped]

from local.worker_pool import PROCESSES_A_FUNCTION

_concurrency = lambda_svc._sqs_esm_concurrency


def apply() -> None:
    """Wrap MiniStack's event source mappings. Once a process, before it serves."""
    lambda_svc._sqs_esm_concurrency = concurrency


def concurrency(
    mapping: dict[str, Any], function: Any, config: Any, queue: dict[str, Any] | None = None
) -> int:
    """Return how many batches may be in flight: for a FIFO queue, one for each process."""
    if (queue or {}).get("is_fifo"):
        return PROCESSES_A_FUNCTION
    return int(_concurrency(mapping, function, config, queue))
