"""AWS services and tables that fail for a while."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from tests.simulation.engine import Engine
from tests.simulation.faults import CallFault, Faults
from tests.simulation.names import STAGE

BUILT_UPON = {"kms": "secretsmanager"}
"""Services that are out together: Secrets Manager decrypts with KMS."""
FAILING = 0.9
"""The share of calls that fail during an outage."""
EXHAUSTED = "quota exhausted"
READS = ("GetItem", "BatchGetItem", "Query")


class Outages:
    """What is out, and when, in a run. `chance` is used for contention."""

    def __init__(self, engine: Engine, faults: Faults, random: Random, chance: Random) -> None:
        self._engine = engine
        self._faults = faults
        self._random = random
        self._chance = chance
        self._services: dict[str, tuple[float, float]] = {}
        self._contention, self._contended = (0.0, 0.0), ""
        self._exhausted: dict[str, tuple[float, float]] = {}

    def exhaust(self, service: str, begins: float, ends: float) -> None:
        """Throttle every call of a service for a while, as when a quota of the account is used up.

        The service "lambda" invokes no function then.
        """
        self._exhausted[service] = (begins, ends)

    def is_exhausted(self, service: str) -> bool:
        """Whether a quota of the service is used up now. A hit is counted."""
        begins, ends = self._exhausted.get(service, (0.0, 0.0))
        if not begins <= self._engine.now < ends:
            return False
        self._faults.count(EXHAUSTED)
        return True

    def plan(self, services: Iterable[str], start: float, end: float) -> None:
        """Decide which services fail in the course of the run, and for how long."""
        for service in services:
            if service in BUILT_UPON:
                continue
            if self._faults.happens("outage", self._random):
                begins = self._random.uniform(start, end)
                self._services[service] = (begins, begins + self._random.choice((30, 300, 900)))
        if self._faults.happens("contention", self._chance):
            begins = self._chance.uniform(start, end)
            self._contention = (begins, begins + self._chance.choice((60, 300, 900)))
            self._contended = self._chance.choice(
                ("TransactWriteItems", "TransactWriteItems", "ledger", "reference")
            )

    @property
    def are_planned(self) -> bool:
        """Whether a service or a table fails for so long that our functions give up."""
        return bool(self._services or self._contended or self._exhausted)

    def hit(self, service: str, random: Random) -> bool:
        """Whether a call fails because its service is out, or throttles everything."""
        if self.is_exhausted(service):
            return True
        begins, ends = self._services.get(BUILT_UPON.get(service, service), (0.0, 0.0))
        return begins <= self._engine.now < ends and random.random() < FAILING

    def fault(
        self, service: str, operation: str, params: dict[str, Any], random: Random
    ) -> CallFault | None:
        """The fault of a call, if there is one.

        Under contention a transaction meets a conflict, or the reads of a table are throttled.
        """
        if self.is_exhausted(service):
            return CallFault.THROTTLED
        if self.hit(service, random):
            return CallFault.ERROR
        begins, ends = self._contention
        if not begins <= self._engine.now < ends:
            return None
        if operation == self._contended == "TransactWriteItems":
            return CallFault.CONFLICT if random.random() < FAILING else None
        tables = params.get("RequestItems", {}).keys() | {params.get("TableName")}
        is_read = operation in READS and f"{STAGE}-{self._contended}" in tables
        return CallFault.THROTTLED if is_read and random.random() < FAILING else None
