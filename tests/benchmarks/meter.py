"""Counts, with hooks of botocore's events, what AWS would bill for functions that run in this
process.
"""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeVar

from botocore.hooks import BaseEventHooks

from infra.catalog.functions import FUNCTIONS
from infra.catalog.tables import TableSpec
from tests.benchmarks import units
from tests.benchmarks.prices import Billed
from tests.benchmarks.units import Item
from tests.benchmarks.usage import Call, Charge, Invocation, ItemSize, Units, Usage

Result = TypeVar("Result")

FULL_CPU_MB = 1769
"""Lambda gives a whole vCPU to this much memory, and a proportional part to less."""
LATENCY_MS = {
    "TransactWriteItems": 12.0,
    "StartExecution": 25.0,
    "Invoke": 15.0,
}
DEFAULT_LATENCY_MS = 6.0
HTTP_LATENCY_MS = 8.0
"""Assumed round trips, warm and in the same region. Nothing here can measure them."""
EVENT_BYTES = 64 * 1024
"""EventBridge bills each begun part of an event of this size."""
ACCESS_LOG_BYTES = 450
LOG_EVENT_BYTES = 26
SAMPLED_TRACES = 0.05


@dataclass
class _Frame:
    """A running function."""

    function: str
    not_ours: float = 0
    waited_ms: float = 0


class Meter:
    """Counts usage. Attach it to the events of a session before clients are made. `stage` names the
    present stage. `written`: the items that were put, with their tables and what was there before.
    """

    def __init__(
        self, tables: dict[str, TableSpec], peek: Callable[[str, Item], Item | None]
    ) -> None:
        """`tables` maps physical names to tables. `peek` reads an item without being counted."""
        self.usage = Usage()
        self.stage = ""
        self.written: deque[tuple[str, Item | None, Item]] = deque()
        self._tables = tables
        self._peek = peek
        self._frames: list[_Frame] = []
        self._sent_at = 0.0

    def attach(self, events: BaseEventHooks) -> None:
        """Count every call of the clients that a session makes from now on."""
        events.register("before-call", self._before_call)
        events.register("after-call", self._after_call)
        events.register_first("before-send", self._before_send)
        events.register("response-received", self._received)

    def take(self) -> Usage:
        """Return the counts since the last call."""
        taken, self.usage = self.usage, Usage()
        return taken

    def charge(self, payer: str, billed: Billed, quantity: float = 1) -> None:
        """Count something that no call of a function shows."""
        self.usage.charges.append(Charge(self.stage, payer, billed, quantity))

    def charge_read(self, payer: str, read: Units) -> None:
        """Count the read units of a call that no function makes."""
        charge = Charge(self.stage, payer, Billed.READS, read.read_units, units=(read,))
        self.usage.charges.append(charge)

    def invoke(self, function: str, run: Callable[[], Result]) -> Result:
        """Run a function. A function that calls another one waits for it."""
        frame = _Frame(function)
        self._frames.append(frame)
        began = time.process_time()
        try:
            return run()
        finally:
            cpu = time.process_time() - began
            self._frames.pop()
            cpu_ms = max(0.0, cpu - frame.not_ours) * 1000
            share = min(1.0, FUNCTIONS[function].memory / FULL_CPU_MB)
            duration_ms = cpu_ms / share + frame.waited_ms
            self.usage.invocations.append(Invocation(self.stage, function, cpu_ms, duration_ms))
            self.charge(function, Billed.INVOCATIONS)
            if self._frames:
                self._frames[-1].not_ours += cpu
                self._frames[-1].waited_ms += duration_ms + HTTP_LATENCY_MS

    def log(self, function: str, text: str) -> None:
        """Count what a function printed, and the metrics embedded in it."""
        lines = text.splitlines()
        size = len(text.encode()) + LOG_EVENT_BYTES * len(lines)
        self.charge(function, Billed.LOGS, size / 1e9)
        for line in lines:
            for metric in json.loads(line).get("_aws", {}).get("CloudWatchMetrics", []):
                self.usage.metrics |= {f"{function} {named['Name']}" for named in metric["Metrics"]}

    def _before_call(
        self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> None:
        with self._not_ours():
            body = params["body"]
            context["metered"] = request = (
                json.loads(body) if isinstance(body, bytes | str) and body else {}
            )
            if model.service_model.service_name == "dynamodb":
                params["body"] = json.dumps(
                    {**request, "ReturnConsumedCapacity": "INDEXES"}
                ).encode()
                writes = _writes(model.name, request)
                context["before"] = [
                    self._peek(write["TableName"], self._key(write)) for write in writes
                ]

    def _after_call(
        self, http_response: Any, model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        with self._not_ours():
            function = self._frames[-1].function
            service, operation, request = (
                model.service_model.service_name,
                model.name,
                context["metered"],
            )
            self._frames[-1].waited_ms += LATENCY_MS.get(operation, DEFAULT_LATENCY_MS)
            if service == "dynamodb":
                answer = json.loads(http_response.content)
                succeeded = http_response.status_code < 300
                consumed = (
                    *self._written(operation, request, context["before"], succeeded),
                    *self._read(operation, request, answer),
                )
                call = Call(
                    self.stage,
                    function,
                    service,
                    operation,
                    _detail(request),
                    consumed,
                    _reported(answer),
                )
                self.charge(function, Billed.WRITES, call.write_units)
                self.charge(function, Billed.READS, call.read_units)
            else:
                billed = {
                    "sqs": queue_requests(request.get("QueueUrl", "")),
                    "secretsmanager": Billed.SECRETS,
                    "kms": Billed.MACS,
                }.get(service)
                if billed:
                    self.charge(function, billed)
                for entry in request.get("Entries", ()):
                    size = len(entry["Detail"].encode())
                    self.charge(function, Billed.EVENTS, ceil(size / EVENT_BYTES))
                call = Call(self.stage, function, service, operation)
            self.usage.calls.append(call)

    def _written(
        self, operation: str, request: dict[str, Any], before: list[Item | None], succeeded: bool
    ) -> Iterator[Units]:
        factor = units.TRANSACTION_FACTOR if operation == "TransactWriteItems" else 1
        for write, old in zip(_writes(operation, request), before, strict=True):
            table, key = write["TableName"], self._key(write)
            new = self._peek(table, key) if succeeded else old
            spec = self._tables[table]
            written = factor * units.write_units(old, new)
            yield Units(table, "", key[spec.key[0]]["S"], write_units=written)
            for index, entry, written in units.index_writes(spec, old, new):
                yield Units(table, index, entry, write_units=written)
            if new and new != old:
                self.written.append((table, old, new))
            if new:
                kind = " ".join(value.get("S", "") for value in key.values())
                self.usage.items.append(ItemSize(self.stage, table, kind, units.item_bytes(new)))

    def _read(
        self, operation: str, request: dict[str, Any], answer: dict[str, Any]
    ) -> Iterator[Units]:
        consistent = bool(request.get("ConsistentRead"))
        match operation:
            case "GetItem":
                table = request["TableName"]
                found = [answer["Item"]] if "Item" in answer else []
                key = request["Key"][self._tables[table].key[0]]["S"]
                read = units.read_units(found, consistent=consistent)
                yield Units(table, "", key, read_units=read)
            case "Query":
                (value,) = re.findall(r" =\s*(:\w+)", request["KeyConditionExpression"])[:1]
                key = request["ExpressionAttributeValues"][value]["S"]
                index = request.get("IndexName", "")
                read = units.read_units(answer["Items"], consistent=consistent)
                yield Units(request["TableName"], index, key, read_units=read)
            case "BatchGetItem":
                for table, asked in request["RequestItems"].items():
                    found = answer["Responses"].get(table, [])
                    for key in asked["Keys"]:
                        read = units.batch_read_units(
                            [item for item in found if key.items() <= item.items()],
                            1,
                            consistent=asked.get("ConsistentRead", False),
                        )
                        partition = key[self._tables[table].key[0]]["S"]
                        yield Units(table, "", partition, read_units=read)

    def _key(self, write: dict[str, Any]) -> Item:
        whole = write.get("Key") or write["Item"]
        return {name: whole[name] for name in self._tables[write["TableName"]].key}

    def _before_send(self, **_: Any) -> None:
        self._sent_at = time.process_time()

    def _received(self, **_: Any) -> None:
        if self._frames:
            self._frames[-1].not_ours += time.process_time() - self._sent_at

    @contextmanager
    def _not_ours(self) -> Iterator[None]:
        began = time.process_time()
        yield
        self._frames[-1].not_ours += time.process_time() - began


def _writes(operation: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    """The single writes of a request. A condition check counts as one write."""
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        return [request]
    if operation == "BatchWriteItem":
        return [
            {"TableName": table, **action}
            for table, requests in request["RequestItems"].items()
            for each in requests
            for action in each.values()
        ]
    return [write for action in request.get("TransactItems", ()) for write in action.values()]


def queue_requests(url: str) -> Billed:
    """What a request to a queue is billed as."""
    return Billed.QUEUE_REQUESTS if url.endswith(".fifo") else Billed.STANDARD_QUEUE_REQUESTS


def _detail(request: dict[str, Any]) -> str:
    """The tables of a request, with the number of items for each if there are several tables."""
    named = [request["TableName"]] if "TableName" in request else []
    named += [write["TableName"] for write in _writes("", request)]
    counted = [
        f"{table} ×{len(asked.get('Keys', asked) if isinstance(asked, dict) else asked)}"
        for table, asked in request.get("RequestItems", {}).items()
    ]
    return ", ".join(
        [
            *counted,
            *(f"{t} ×{named.count(t)}" if named.count(t) > 1 else t for t in dict.fromkeys(named)),
        ]
    )


def _reported(answer: dict[str, Any]) -> float | None:
    consumed = answer.get("ConsumedCapacity")
    if consumed is None:
        return None
    return float(
        sum(
            each["CapacityUnits"]
            for each in (consumed if isinstance(consumed, list) else [consumed])
        )
    )
