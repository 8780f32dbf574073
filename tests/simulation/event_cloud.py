"""The part of the cloud that carries events: streams, bus, queue, log and its readers.

It has a chance of its own, so that it changes nothing in the rest of a run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from infra.catalog.functions import SERVICES
from infra.catalog.routes import STREAM_STAGE
from infra.catalog.tables import STREAMED, TABLES
from tests.simulation.engine import Engine, Outcome
from tests.simulation.event_sources import EventSources
from tests.simulation.faults import Faults
from tests.simulation.lambdas import Lambda
from tests.simulation.names import STAGE
from tests.simulation.services.dynamodb import DynamoDB
from tests.simulation.services.errors import ServiceError
from tests.simulation.services.eventbridge import EventBridge
from tests.simulation.services.sockets import Sockets
from tests.simulation.services.sqs import Sqs
from tests.simulation.streams import Streams

LOG_TABLE, CONNECTIONS_TABLE = f"{STAGE}-events", f"{STAGE}-connections"
PUSH_FUNCTION = f"{STAGE}-push"
BUS = f"{STAGE}-events"
QUEUE, DEAD_LETTERS = f"{STAGE}-events", f"{STAGE}-events-dlq"
VISIBILITY_FACTOR, MAX_RECEIVES = 6, 10
FAILS_WHOLLY = 0.5
SLOWEST_DELIVERY = 2.0
"""Events pass one another on the way from the bus to the queue."""


OWN_TABLES = ("events", "connections")
SOCKETS = "apigatewaymanagementapi"


class EventCloud:
    """`throttled`: whether the account's concurrency is used up."""

    def __init__(
        self,
        engine: Engine,
        seed: str,
        faults: Faults,
        log: Callable[..., None],
        throttled: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._faults = faults
        self._random = random = Random(f"{seed}/events")
        self._begins = self._ends = 0.0
        self.heard: Callable[[dict[str, Any]], None] = lambda _: None
        """A consumer of all events, which tolerates repetition and disorder."""
        self.lambdas = Lambda(engine, f"{seed}/events", random, faults, log)
        self.lambdas.is_throttled = throttled
        self.streams = Streams(
            engine, random, faults, (f"{STAGE}-{name}" for name in STREAMED), self._publish
        )
        self.bus = EventBridge(BUS)
        self.bus.refuses = lambda: self._is_out() or faults.happens("unprocessed", random)
        self.bus.deliver = self._deliver
        self.sqs = Sqs(lambda: engine.now, random)
        self.dead_letters = self.sqs.create_queue(DEAD_LETTERS)
        hidden_for = VISIBILITY_FACTOR * SERVICES["event_log"].timeout
        self.queue = self.sqs.create_queue(
            QUEUE,
            visibility_timeout=hidden_for,
            dead_letter_queue=DEAD_LETTERS,
            max_receive_count=MAX_RECEIVES,
        )
        self.store = DynamoDB(lambda: engine.now, random)
        for name in OWN_TABLES:
            spec = TABLES[name]
            self.store.create_table(f"{STAGE}-{name}", spec.key, spec.indexes, spec.expires)
        self.sockets = Sockets(engine, random)
        self.sockets.refuses = lambda: faults.happens("unprocessed", random)
        happens = faults.happens
        self.store.stale = lambda: random.uniform(0, 1.0) if happens("stale", random) else 0.0
        self.store.unprocessed = lambda: happens("unprocessed", random)
        self.store.page_size = lambda: (
            random.randint(1, 3) if happens("small_page", random) else None
        )
        self._sources = EventSources(
            engine,
            random,
            faults,
            self.sqs,
            self.lambdas,
            {self.queue: "event_log"},
            {self.queue: float(hidden_for)},
            delays_retries=False,
        )

    def plan_outage(self, start: float, end: float) -> None:
        """Decide whether the bus fails in the course of the run, and for how long."""
        if self._faults.happens("outage", self._random):
            self._begins = self._random.uniform(start, end)
            self._ends = self._begins + self._random.choice((30, 300, 900))

    def _is_out(self) -> bool:
        """Whether the bus fails now: a request as a whole, or each of its events."""
        return self._begins <= self._engine.now < self._ends

    def environment(self) -> dict[str, str]:
        """The environment variables of the functions of events."""
        return {
            "EVENTS_TABLE": LOG_TABLE,
            "PUSH_FUNCTION": PUSH_FUNCTION,
            "STREAM_API_ID": "stream",
            "STREAM_API_STAGE": STREAM_STAGE,
            "EVENT_BUS": BUS,
            "EVENTS_QUEUE_URL": self.queue,
            "EVENTS_DLQ_URL": self.dead_letters,
        }

    def takes(self, service: str, params: dict[str, Any]) -> bool:
        """Whether a call is to a resource of this part."""
        return (
            service in ("events", SOCKETS)
            or str(params.get("FunctionName")).endswith(PUSH_FUNCTION)
            or params.get("QueueUrl") in (self.queue, self.dead_letters)
            or params.get("TableName") in (LOG_TABLE, CONNECTIONS_TABLE)
            or not {LOG_TABLE, CONNECTIONS_TABLE}.isdisjoint(params.get("RequestItems", ()))
        )

    def perform(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        """Perform a call that has arrived, and trigger what follows from it."""
        match service:
            case "events":
                if self._is_out() and self._random.random() < FAILS_WHOLLY:
                    raise ServiceError("InternalFailure", "an internal failure")
                return self.bus.call(operation, params)
            case "lambda":
                return self.lambdas.call(operation, params)
            case str() if service == SOCKETS:
                return self.sockets.call(operation, params)
            case "sqs":
                answer = self.sqs.call(operation, params)
                self._sources.poll_soon(params["QueueUrl"])
                return answer
        return self.store.call(operation, params)

    def _publish(self, event: Any, key: str, done: Callable[[Outcome], None]) -> None:
        self.lambdas.invoke("event_publisher", event, key, done)

    def _deliver(self, event: dict[str, Any]) -> None:
        """What the rules do, at least once and in no order: all events go to a consumer, and those
        of accounts into the queue.
        """
        for _ in range(1 + self._faults.happens("redelivered", self._random)):
            late = self._random.uniform(0.005, SLOWEST_DELIVERY)
            self._engine.after(late, lambda: self.heard(event))
        if event["detail"]["aggregate"]["kind"] != "account":
            return
        copies = 2 if self._faults.happens("redelivered", self._random) else 1
        for _ in range(copies):
            self._engine.after(
                self._random.uniform(0.005, SLOWEST_DELIVERY),
                lambda: self.perform(
                    "sqs",
                    "SendMessage",
                    {"QueueUrl": self.queue, "MessageBody": json.dumps(event)},
                ),
            )
