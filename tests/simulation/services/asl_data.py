"""Payloads of Step Functions: JSON with a limit of its size."""

import json
from typing import Any

from tests.simulation.services.asl_expressions import DATA_LIMIT, StatesError

MAX_DATA_BYTES = 262_144


def as_json(data: Any) -> Any:
    """A copy of the data as JSON would return it.

    Raises StatesError if the data is too large for Step Functions.
    """
    text = dumped(data)
    if len(text.encode()) > MAX_DATA_BYTES:
        raise StatesError(DATA_LIMIT, "A payload exceeds the maximum number of bytes")
    return json.loads(text)


def dumped(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)
