"""EventBridge in memory: one bus. What a rule does with an event is up to `deliver`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.simulation.services.errors import ServiceError

MAX_ENTRIES = 10
MAX_BYTES = 262_144
_ENTRY = frozenset({"EventBusName", "Source", "DetailType", "Time", "Detail"})


class EventBridge:
    """`refuses` is called for each entry: whether the service fails to take it. `deliver` gets the
    events that it took, as its targets do.
    """

    def __init__(self, bus: str) -> None:
        self.refuses: Callable[[], bool] = lambda: False
        self.deliver: Callable[[dict[str, Any]], None] = lambda _: None
        self._bus = bus
        self._taken = 0

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Perform PutEvents with boto3's parameters and answer. Raises ServiceError."""
        if operation != "PutEvents":
            raise NotImplementedError(f"events {operation}")
        entries = params["Entries"]
        size = sum(len(entry["Detail"].encode()) + len(entry["DetailType"]) for entry in entries)
        if not 0 < len(entries) <= MAX_ENTRIES or size > MAX_BYTES:
            raise ServiceError("ValidationException", f"{len(entries)} entries of {size} bytes")
        answers = [self._take(entry) for entry in entries]
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}

    def _take(self, entry: dict[str, Any]) -> dict[str, Any]:
        if unknown := entry.keys() - _ENTRY:
            raise NotImplementedError(f"PutEvents with {sorted(unknown)}")
        if entry["EventBusName"] != self._bus:
            raise ServiceError("ResourceNotFoundException", f"no bus {entry['EventBusName']}")
        if self.refuses():
            return {"ErrorCode": "InternalFailure", "ErrorMessage": "an internal failure"}
        self._taken += 1
        self.deliver(
            {
                "version": "0",
                "id": f"event-{self._taken}",
                "detail-type": entry["DetailType"],
                "source": entry["Source"],
                "detail": json.loads(entry["Detail"]),
            }
        )
        return {"EventId": f"event-{self._taken}"}
