"""Drives an order from its acceptance to its settlement, as API Gateway, SQS and Step Functions
would.
"""

import json
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from math import ceil
from typing import Any
from uuid import uuid4

from infra.catalog.names import ORDER_LIFECYCLE
from tests.benchmarks import seeding
from tests.benchmarks.prices import Billed
from tests.benchmarks.units import Item, read_units
from tests.benchmarks.usage import Units
from tests.benchmarks.world import REGION, World
from tests.simulation.contracts.timeline import Timeline
from tests.simulation.services.stepfunctions import StepFunctions
from tests.simulation.services.stepfunctions_execution import TRANSITION_SECONDS
from tests.simulation.workflows import definition
from trading.adapters.dynamodb.names import EVENT_ATTRIBUTE
from trading.adapters.messaging.mailboxes import BATCH_SIZE
from trading.domain.events import AggregateKind

EXPRESS_GB = 64 / 1024
"""The memory of a run with small data: the least that Express bills."""
BILLED_A_SECOND = 10
"""Express rounds the duration of a run up to a tenth of a second."""
QUEUE_REQUESTS_OF_SENDING = 1
"""A rule sends each event by itself."""
STATE_SECONDS = 0.01
"""The assumed duration of a state besides its wait: Step Functions' own time and the call's."""
QUEUE_REQUESTS_OF_DELIVERY = 2
"""The event source receives and deletes each message in a batch of one, which is the most that a
message can cost.
"""


class Stage(StrEnum):
    LOGIN = "log in"
    AUTHORIZE = "authorize"
    ACCEPT = "accept"
    EXECUTE = "execute"
    REPORT = "report"
    BOOK = "book fill"
    CLEAR = "clear"
    SETTLE = "settle"
    RECONCILE = "reconcile"
    PUBLISH = "publish"
    LOG = "log"
    PUSH = "push"
    PLAN = "plan"
    TICK = "scheduled"


STAGE_OF_MESSAGE = {
    "execute": Stage.EXECUTE,
    "report": Stage.BOOK,
    "clear": Stage.CLEAR,
    "settle": Stage.SETTLE,
}


@dataclass
class Lifecycle:
    """Drives a world, and counts each step under its stage."""

    world: World
    events_together: bool = False
    is_connected: bool = False
    _time: Timeline = field(default_factory=Timeline)
    _sent: deque[tuple[str, str]] = field(default_factory=deque)
    _billed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._steps = StepFunctions(
            lambda: self._time.now,
            self._time.schedule,
            _Steady(),
            self._send,
            lambda *_: None,
            self._read,
        )
        workflow = definition("order_lifecycle", self.world.queues, f"{self.world.prefix}orders")
        self._steps.create_state_machine(ORDER_LIFECYCLE, workflow, express=True)

    def log_in(self) -> str:
        """Log in and return the token."""
        self.world.meter.stage = Stage.LOGIN
        body = {"api_key": seeding.API_KEY, "api_secret": seeding.API_SECRET}
        status, answer = self.world.request(
            "POST",
            "/api/v1/auth/token",
            json.dumps(body).encode(),
            {"Idempotency-Key": str(uuid4())},
        )
        _expect(status == 200, answer)
        return str(json.loads(answer)["jwt_token"])

    def authorize(self, token: str) -> dict[str, str]:
        """What the authorizer tells API Gateway."""
        self.world.meter.stage = Stage.AUTHORIZE
        method = f"arn:aws:execute-api:{REGION}:000000000000:public/bench/POST/api/v1/orders"
        event = {
            "type": "REQUEST",
            "methodArn": method,
            "headers": {"Authorization": f"Bearer {token}"},
        }
        claims: dict[str, str] = self.world.invoke("authorizer", event)["context"]
        return claims

    def place(self, claims: dict[str, str], order: dict[str, Any]) -> str:
        """Place an order and drive it until nothing is under way. Returns the order id."""
        self.world.meter.stage = Stage.ACCEPT
        body = json.dumps(
            {"client_id": seeding.CLIENT, "stock_symbol": seeding.SYMBOL, **order}
        ).encode()
        status, answer = self.world.request(
            "POST",
            "/api/v1/orders",
            body,
            {"Idempotency-Key": str(uuid4()), "X-Correlation-Id": str(uuid4())},
            claims,
        )
        _expect(status == 201, answer)
        self._carry_on()
        order_id = str(json.loads(answer)["order_id"])
        placed = seeding.books(self.world).order(order_id)
        _expect(placed is not None and placed.status == "CLEARED", placed)
        return order_id

    def settle(self, order_id: str) -> date:
        """Run the client's part of the settlement cycle. Returns the settlement date."""
        books = seeding.books(self.world)
        order = books.order(order_id)
        fill = books.fill(order.trades[0]) if order else None
        if fill is None:
            raise RuntimeError(f"order {order_id} has no fill")
        message = {
            "kind": "settle",
            "client_id": seeding.CLIENT,
            "correlation_id": f"cycle-{fill.settlement_date}",
            "settlement_date": fill.settlement_date.isoformat(),
        }
        self.world.meter.stage = Stage.SETTLE
        self.world.meter.charge("settlement_plan", Billed.QUEUE_REQUESTS, 1 / BATCH_SIZE)
        self._deliver("settlement", json.dumps(message), Stage.SETTLE)
        self._carry_on()
        settled = books.order(order_id)
        _expect(settled is not None and settled.status == "SETTLED", settled)
        return fill.settlement_date

    def publish(self) -> None:
        """Carry the events of what was written from the streams to their log, one a batch unless
        they come together.
        """
        records = [
            _stream_record(table, before, after)
            for table, before, after in self.world.meter.written
            if self.world.is_streamed(table) and EVENT_ATTRIBUTE in after
        ]
        self.world.meter.written.clear()
        self.world.meter.stage = Stage.PUBLISH
        for batch in self._batches(records):
            self.world.invoke("event_publisher", {"Records": batch})
        messages = [
            {"detail": json.loads(entry["Detail"])}
            for entry in self.world.published
            if json.loads(entry["Detail"])["aggregate"]["kind"] == AggregateKind.ACCOUNT
        ]
        _expect(len(self.world.published) == len(records) > 0, records)
        self.world.published.clear()
        self.world.meter.stage = Stage.LOG
        for batch in self._batches(messages):
            requests = len(batch) * QUEUE_REQUESTS_OF_SENDING + QUEUE_REQUESTS_OF_DELIVERY
            self.world.meter.charge("event_log", Billed.STANDARD_QUEUE_REQUESTS, requests)
            event = {"Records": [_message("event_log", json.dumps(each)) for each in batch]}
            answer = self.world.invoke("event_log", event)
            _expect(not answer["batchItemFailures"], self.world.last_output)
            self._push()

    def _push(self) -> None:
        """Do what the log has asked for: push to the connected client."""
        log = self.world.meter.stage
        self.world.meter.stage = Stage.PUSH
        while self.world.asynchronous:
            operation, request = self.world.asynchronous.popleft()
            _expect(operation == "Push", operation)
            self.world.invoke("push", request)
        self.world.meter.stage = log

    def _batches(self, items: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        return [items] if self.events_together else [[item] for item in items]

    def plan(self, settlement_date: date) -> None:
        """Run the first state of the settlement cycle."""
        self.world.meter.stage = Stage.PLAN
        request = {"settlement_date": settlement_date.isoformat()}
        self.world.invoke(
            "settlement_plan", {"step": "plan", "correlation_id": "bench", "request": request}
        )

    def reconcile(self, settlement_date: date) -> None:
        """Run the last state of the settlement cycle."""
        self.world.meter.stage = Stage.RECONCILE
        agreed = self.world.invoke(
            "settlement_reconcile", {"settlement_date": settlement_date.isoformat()}
        )
        _expect(agreed["breaks"] == 0 and agreed["matched"] > 0, agreed)

    def tick(self, function: str, event: dict[str, Any]) -> None:
        """Run a scheduled invocation that finds nothing to do."""
        self.world.meter.stage = Stage.TICK
        self.world.invoke(function, event)

    def _carry_on(self) -> None:
        """Deliver messages and run workflows until nothing is under way."""
        while self._asynchronous() or self._from_workflows() or self._mailboxes() or self._runs():
            continue

    def _asynchronous(self) -> bool:
        if not self.world.asynchronous:
            return False
        operation, request = self.world.asynchronous.popleft()
        match operation:
            case "StartExecution":
                self._steps.call("StartExecution", request)
            case "Invoke":
                self.world.meter.stage = Stage.REPORT
                self.world.invoke("exchange_matching", request)
        return True

    def _runs(self) -> bool:
        """Let the runs of OrderLifecycle go on, and bill those that have ended."""
        for run in self._steps.executions():
            if run.status != "RUNNING" and run.arn not in self._billed:
                _expect(run.status == "SUCCEEDED", run)
                self._billed.add(run.arn)
                seconds = ceil((run.stopped_at - run.started_at) * BILLED_A_SECOND)
                self.world.meter.charge(ORDER_LIFECYCLE, Billed.RUNS)
                self.world.meter.charge(
                    ORDER_LIFECYCLE, Billed.RUNNING, EXPRESS_GB * seconds / BILLED_A_SECOND
                )
        if len(self._billed) == len(self._steps.executions()):
            return False
        self._time.pass_by(STATE_SECONDS)
        return True

    def _send(self, params: dict[str, Any]) -> dict[str, Any]:
        """A run sends a message."""
        body = json.loads(params["MessageBody"])
        queues = {url: name for name, url in self.world.queues.items()}
        self.world.meter.stage = STAGE_OF_MESSAGE[body["kind"]]
        self.world.meter.charge(ORDER_LIFECYCLE, Billed.QUEUE_REQUESTS)
        self._sent.append((queues[params["QueueUrl"]], params["MessageBody"]))
        return {"MessageId": str(uuid4())}

    def _read(self, params: dict[str, Any]) -> dict[str, Any]:
        """A run looks at its order. DynamoDB bills the whole item, not the attributes read."""
        item = self.world.peek(params["TableName"], params["Key"])
        assert item is not None
        units = read_units([item], consistent=params["ConsistentRead"])
        table, order_id = params["TableName"], params["Key"]["order_id"]["S"]
        self.world.meter.charge_read(ORDER_LIFECYCLE, Units(table, "", order_id, read_units=units))
        return {"Item": item}

    def _from_workflows(self) -> bool:
        """Deliver one message that a run sent, if there is any."""
        if not self._sent:
            return False
        function, body = self._sent.popleft()
        self._deliver(function, body, STAGE_OF_MESSAGE[json.loads(body)["kind"]])
        return True

    def _mailboxes(self) -> bool:
        """Deliver one message that a function sent, if there is any."""
        for function, url in self.world.queues.items():
            received = self.world.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get(
                "Messages", []
            )
            for message in received:
                self.world.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                self._deliver(
                    function, message["Body"], STAGE_OF_MESSAGE[json.loads(message["Body"])["kind"]]
                )
                return True
        return False

    def _deliver(self, function: str, body: str, stage: Stage) -> None:
        self.world.meter.stage = stage
        self.world.meter.charge(function, Billed.QUEUE_REQUESTS, QUEUE_REQUESTS_OF_DELIVERY)
        answer = self.world.invoke(function, {"Records": [_message(function, body)]})
        _expect(not answer["batchItemFailures"], self.world.last_output)


def _message(function: str, body: str) -> dict[str, Any]:
    """A message as an event source passes it on."""
    return {
        "messageId": str(uuid4()),
        "receiptHandle": "handle",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": seeding.CLIENT},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:{function}.fifo",
        "awsRegion": REGION,
    }


def _stream_record(table: str, before: Item | None, after: Item) -> dict[str, Any]:
    """A write as the stream of its table tells of it."""
    images = {"NewImage": after} | ({"OldImage": before} if before else {})
    return {
        "eventName": "MODIFY" if before else "INSERT",
        "eventSourceARN": f"arn:aws:dynamodb:{REGION}:000000000000:table/{table}/stream/1",
        "dynamodb": images,
    }


class _Steady(random.Random):
    """Each state takes its assumed time."""

    def random(self) -> float:
        return STATE_SECONDS / TRANSITION_SECONDS


def _expect(holds: bool, evidence: object) -> None:
    """Stop if an order went wrong: its figures would be false."""
    if not holds:
        raise RuntimeError(f"the order did not go as it must: {evidence!r}")
