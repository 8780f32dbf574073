"""Lets the local AWS empty a FIFO queue as AWS does: message groups in parallel, each in its order.

MiniStack hands one batch of a FIFO queue after another to a function, so that there all clients
would wait for one another. Its queue keeps a group closed while a message of it is out, so a second
batch holds none of the first one's groups.
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
    """How many batches of a mapping may be out: of a FIFO queue as many as there are processes."""
    if (queue or {}).get("is_fifo"):
        return PROCESSES_A_FUNCTION
    return int(_concurrency(mapping, function, config, queue))
