"""The whole system in one process: every function over a mocked AWS, the APIs as HTTP on 127.0.0.1,
and mailboxes that are emptied on demand. The mock runs the real OrderLifecycle. This module does
the work of Lambda and API Gateway: it invokes functions, forms batches, and deletes handled
messages.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import urllib3
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)

from infra.catalog.names import MAILBOXES, ORDER_LIFECYCLE, WORKFLOW_LOGS
from infra.catalog.routes import (
    CALLBACK_ROUTES,
    INTERNAL_ROUTES,
    PUBLIC_ROUTES,
    VENUE_ROUTES,
    Route,
)
from simulators import reference
from simulators.adapters import callbacks
from tests.fakes.api_gateway import proxy_event, route_of
from tests.integration.backing import (
    ENVIRONMENT,
    PREFIX,
    cold_start,
    create_code_key,
    create_event_bus,
    create_queues,
    create_signing_keys,
    create_tables,
)
from tests.integration.local_http import HttpAnswer, HttpRequest, LocalServer
from tests.integration.signing import signed_as_needed
from tests.integration.simulators.world import FakeContext, running_world
from tests.integration.simulators.world import World as Venues
from tests.integration.trading.books import NAMES, add_reference_data, all_findings, table_books
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.runtime import clock
from trading.adapters.venues.http import pool
from trading.bootstrap import venues as bootstrap
from trading.domain.reconciliation.findings import Finding

ROOT = Path(__file__).resolve().parents[2]
APIS: dict[str, tuple[Route, ...]] = {
    "public": PUBLIC_ROUTES,
    "internal": INTERNAL_ROUTES,
    "callbacks": CALLBACK_ROUTES,
    "venues": VENUE_ROUTES,
}
LIFECYCLE_LOG = f"{WORKFLOW_LOGS}{PREFIX}{ORDER_LIFECYCLE}"
PATIENCE_SECONDS = 60
"""An answer comes from this process. On a busy machine it takes longer than a real venue may take,
and a test would see an exchange that is down.
"""
ADDRESS = re.compile(
    r"/(?:restapis|_aws/execute-api)/(?P<api>\w+)/(?:test/_user_request_|\$default)(?P<path>/.*)"
)
"""A REST API's address, or an HTTP API's."""


@dataclass
class System:
    """Everything that a test acts on. `running_system` builds it."""

    venues: Venues
    queues: dict[str, str]
    lifecycle_arn: str
    dynamodb: Any
    books: TableBooks
    _warm: dict[str, ModuleType] = field(default_factory=dict)
    _starting: RLock = field(default_factory=RLock)
    """Reports of several exchanges come in threads, and a function starts once."""

    def __post_init__(self) -> None:
        self.sqs: Any = boto3.client("sqs")
        self.stepfunctions: Any = boto3.client("stepfunctions")

    def now(self) -> datetime:
        """The time, which the venues' world and the system share."""
        return self.venues.now

    def invoke(self, name: str, event: dict[str, Any], remaining_ms: int = 60_000) -> Any:
        """The function's answer to an event. It starts cold at its first use."""
        return self.function(name).handler(event, FakeContext(remaining_ms=remaining_ms))

    def function(self, name: str) -> Any:
        """The module of a function, warm."""
        with self._starting:
            if name not in self._warm:
                self._warm[name] = cold_start(name)
            return self._warm[name]

    def cool(self, name: str) -> None:
        """Make a function start cold at its next use."""
        self._warm.pop(name, None)

    def call(self, name: str, event: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, Any]]:
        """Status, body and the whole answer to an API Gateway event. It is signed if it must be."""
        answer = self.invoke(name, signed_as_needed(self.dynamodb, self.now, event))
        return answer["statusCode"], json.loads(answer["body"]), answer

    def send(self, mailbox: str, client_id: str, body: str) -> None:
        """Put a message into a client's mailbox."""
        self.sqs.send_message(
            QueueUrl=self.queues[f"{mailbox.upper()}_QUEUE_URL"],
            MessageBody=body,
            MessageGroupId=client_id,
        )

    def messages(self, variable: str) -> list[dict[str, Any]]:
        """Receive the messages of a queue, up to ten."""
        answer = self.sqs.receive_message(
            QueueUrl=self.queues[variable],
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        received: list[dict[str, Any]] = answer.get("Messages", [])
        return received

    def deliver(self, mailbox: str) -> list[str]:
        """Do what the event source mapping does with one batch. Answers the bodies that failed."""
        batch = self.messages(f"{mailbox.upper()}_QUEUE_URL")
        if not batch:
            return []
        answer = self.invoke(mailbox, {"Records": [sqs_record(message) for message in batch]})
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in batch:
            handle = {
                "QueueUrl": self.queues[f"{mailbox.upper()}_QUEUE_URL"],
                "ReceiptHandle": message["ReceiptHandle"],
            }
            if message["MessageId"] in failed:
                self.sqs.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                self.sqs.delete_message(**handle)
        return [message["Body"] for message in batch if message["MessageId"] in failed]

    def log_events(self) -> list[str]:
        """Do what the event source of the log of events does, until its queue is empty. Answers
        the bodies that failed.
        """
        left = []
        while batch := self.messages("EVENTS_QUEUE_URL"):
            answer = self.invoke("event_log", {"Records": [sqs_record(each) for each in batch]})
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            left += [message["Body"] for message in batch if message["MessageId"] in failed]
            for message in batch:
                self.sqs.delete_message(
                    QueueUrl=self.queues["EVENTS_QUEUE_URL"],
                    ReceiptHandle=message["ReceiptHandle"],
                )
        return left

    def run_until(self, condition: Callable[[], bool], cpu_seconds: float = 30) -> None:
        """Let everything happen that is due, until the condition holds. The limit counts the
        processor time of this process, in which everything happens. So a busy machine cannot
        exhaust it.
        """
        deadline = time.thread_time() + cpu_seconds
        while not condition():
            assert time.thread_time() < deadline, "the condition was never met"
            self.venues.match()
            for mailbox in MAILBOXES:
                self.deliver(mailbox)
            time.sleep(0.01)

    def status(self, order_id: str) -> str:
        """An order's status in the books."""
        order = self.books.order(order_id)
        assert order
        return order.status

    def workflow_status(self, order_id: str) -> str:
        """RUNNING while a run of the order is running, else the status of the last that ended."""
        runs = self.stepfunctions.list_executions(stateMachineArn=self.lifecycle_arn)["executions"]
        own = [run for run in runs if run["name"].startswith(f"{order_id}-")]
        if any(run["status"] == "RUNNING" for run in own):
            return "RUNNING"
        status: str = max(own, key=lambda run: run["stopDate"])["status"]
        return status

    def findings(self) -> list[Finding]:
        """The violations of the books' invariants."""
        return all_findings(self.dynamodb)

    def serve(self, http: HttpRequest) -> HttpAnswer:
        """Do what API Gateway does: call the function of the route."""
        parts = urlsplit(http.path)
        address = ADDRESS.fullmatch(parts.path)
        assert address, http.path
        path = address["path"]
        route = route_of(APIS[address["api"]], http.method, path)
        assert route, http.path
        event = proxy_event(route, http.method, path, parts.query, http.sent, http.body)
        simulated = {
            "exchange_api": self.venues.exchange_api,
            "depository_api": self.venues.depository_api,
        }
        if route.function in simulated:
            return HttpAnswer.of(simulated[route.function].handler(event, FakeContext()))
        return HttpAnswer.of(self.invoke(route.function, event))


def sqs_record(message: dict[str, Any]) -> dict[str, Any]:
    """A received message as Lambda passes it to a function."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue.fifo",
        "awsRegion": "us-east-1",
    }


def create_lifecycle(queues: dict[str, str]) -> str:
    """Create OrderLifecycle. Answers its ARN.

    Unlike the deployed one, it looks until the order is over, because the mock's clock is not that
    of the tests. With `_wait_briefly` it looks often.
    """
    definition = (ROOT / "infra" / "workflows" / "order_lifecycle.asl.json").read_text()
    definition = definition.replace('"wait_seconds": 2', '"wait_seconds": 1')
    definition = definition.replace("${OrdersTable}", NAMES.orders)
    for name in ("Execution", "Clearing"):
        definition = definition.replace(f"${{{name}QueueUrl}}", queues[f"{name.upper()}_QUEUE_URL"])
    machine = boto3.client("stepfunctions").create_state_machine(
        name=f"{PREFIX}order-lifecycle",
        definition=definition,
        roleArn="arn:aws:iam::123456789012:role/order-lifecycle",
    )
    return machine["stateMachineArn"]


def stop_workflows(system: System) -> None:
    """Stop the executions once they have sent their message. They run in threads that outlive the
    mock, and would send it to the queue of the next test, which has the same address.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    client = system.stepfunctions
    running = client.list_executions(stateMachineArn=system.lifecycle_arn, statusFilter="RUNNING")
    for arn in (execution["executionArn"] for execution in running["executions"]):
        while not _has_sent(client, arn):
            assert time.monotonic() < deadline, f"{arn} has sent nothing"
            time.sleep(0.01)
        client.stop_execution(executionArn=arn)


def _has_sent(client: Any, arn: str) -> bool:
    """Whether the first task of an execution is done."""
    events = client.get_execution_history(executionArn=arn)["events"]
    return any(event["type"] == "TaskSucceeded" for event in events)


def _wait_briefly(_: Any, env: Any, wait_seconds: int) -> None:
    """Wait as a Wait state of the mock does, but only for a moment."""
    env.program_state_event.wait(0.05)


@contextmanager
def running_system() -> Iterator[System]:
    """The system from cold start to the end of the test, with reference data and the demo's
    clients, funded.
    """
    config: Any = {"stepfunctions": {"execute_state_machine": True}}
    with mock_aws(config=config), running_world() as venues, pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"
        )  # AWS_ENDPOINT_URL names the APIs, not the mock
        queues = create_queues()
        arn = create_lifecycle(queues)
        boto3.client("logs").create_log_group(logGroupName=LIFECYCLE_LOG)
        dynamodb = create_tables()
        system = System(venues, queues, arn, dynamodb, table_books(dynamodb, lambda: venues.now))
        server = LocalServer(system.serve)
        variables = {
            **ENVIRONMENT,
            **queues,
            "SIGNING_KEYS": json.dumps(create_signing_keys()),
            "SECOND_FACTOR_KEY": create_code_key(),
            "EVENT_BUS": create_event_bus(),
            "ORDER_LIFECYCLE_ARN": arn,
            "ORDER_LIFECYCLE_LOG": LIFECYCLE_LOG,
            "CALLBACKS_API_ID": "callbacks",
            "VENUES_API_ID": "venues",
            "VENUES_API_STAGE": "test",
            "AWS_ENDPOINT_URL": server.url,
        }
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setattr(WaitFunction, "_wait_interval", _wait_briefly)
        patch.setattr(clock, "now", system.now)
        patch.setattr(bootstrap, "pool", lambda _: pool(PATIENCE_SECONDS))
        patch.setattr(callbacks, "TIMEOUT", urllib3.Timeout(1, PATIENCE_SECONDS))
        add_reference_data(
            dynamodb, system.books, reference.INSTRUMENTS, reference.EXCHANGES, venues.now
        )
        try:
            yield system
        finally:
            stop_workflows(system)
            server.close()
