"""The whole system in this process: the real handlers of all functions over tables, queues and
secrets, with everything counted.

AWS is moto, or the system at an endpoint: a local AWS whose accounting is compared with ours.
`tests.benchmarks.lifecycle` plays Step Functions. HTTP requests between functions go straight to
the other function's handler.
"""

import contextlib
import importlib
import io
import itertools
import json
import logging
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest
import urllib3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from infra.catalog.functions import FUNCTIONS
from infra.catalog.grants import token_audience
from infra.catalog.names import EXCHANGES, MAILBOXES, SIGNING_KEYS
from infra.catalog.routes import CALLBACK_ROUTES, PUBLIC_ROUTES, VENUE_ROUTES
from infra.catalog.tables import SIMULATOR_TABLES, TABLES, TableSpec
from simulators import exchange
from simulators.adapters import clock as simulators_clock
from tests.benchmarks import seeding
from tests.benchmarks.meter import ACCESS_LOG_BYTES, SAMPLED_TRACES, Meter
from tests.benchmarks.prices import Billed
from tests.benchmarks.units import Item, item_bytes
from trading.adapters.runtime import clock

REGION = "us-east-1"
STORED_OVERHEAD_BYTES = 100
CONSTANT_ENVIRONMENT = {
    "STAGE": "bench",
    "LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "trading",
    "POWERTOOLS_METRICS_NAMESPACE": "Trading",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "ORDER_LIFECYCLE_LOG": "order-lifecycle",
    "ORDER_LIFECYCLE_ARN": f"arn:aws:states:{REGION}:000000000000:stateMachine:order-lifecycle",
    "CALLBACKS_API_ID": "callbacks",
    "PUSH_FUNCTION": "push",
    "STREAM_API_ID": "stream",
    "STREAM_API_STAGE": "stream",
    "VENUES_API_ID": "venues",
    "VENUES_API_STAGE": "bench",
    "MATCHING_FUNCTION_NAME": "exchange-matching",
    "SIMULATION_SEED": "1",
}


@dataclass
class Context:
    """The parts of the Lambda context that functions read."""

    function_name: str
    memory_limit_in_mb: int
    aws_request_id: str
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:000000000000:function:bench"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


class Clock:
    """The clock of the functions. It moves only when it is told to, so that counts do not depend on
    the load of the machine.
    """

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        return self._start + self._ahead

    def forward(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    def forward_to_minute(self) -> None:
        """Move to the start of the next minute."""
        self.forward(60 - self().timestamp() % 60)


class World:
    """A world that `running_world` builds. `asynchronous` holds the calls that the system asked AWS
    to make later, `published` the entries that were put on the bus of events.
    """

    def __init__(self, clock: Clock, prefix: str, endpoint: str | None) -> None:
        self.clock = clock
        self.prefix = prefix
        self.tables: dict[str, TableSpec] = {
            prefix + name: spec for name, spec in (TABLES | SIMULATOR_TABLES).items()
        }
        uncounted = boto3.Session()
        self.dynamodb: Any = uncounted.client("dynamodb", endpoint_url=endpoint)
        self.sqs: Any = uncounted.client("sqs", endpoint_url=endpoint)
        self.secrets: Any = uncounted.client("secretsmanager", endpoint_url=endpoint)
        kms: Any = uncounted.client("kms", endpoint_url=endpoint)
        made = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        self.signing_key: str = made["KeyMetadata"]["KeyId"]
        self._kms = kms
        self.queues = {name: self._queue(name) for name in MAILBOXES}
        self.event_queue: str = self.sqs.create_queue(QueueName=f"{prefix}events")["QueueUrl"]
        self.published: list[dict[str, Any]] = []
        self.asynchronous: deque[tuple[str, dict[str, Any]]] = deque()
        self.meter = Meter(self.tables, self.peek)
        self.last_output = ""
        self._requests = itertools.count(1)
        self._handlers: dict[str, Callable[..., Any]] = {}
        for name, spec in self.tables.items():
            self._table(name, spec)
        seeding.seed(self)

    def environment(self) -> dict[str, str]:
        """The environment variables of all functions."""
        table_names = {name: self.prefix + name for name in TABLES}
        return {
            **CONSTANT_ENVIRONMENT,
            **{f"{name.upper()}_TABLE": table for name, table in table_names.items()},
            "EXCHANGE_TABLE": f"{self.prefix}exchange-books",
            "DEPOSITORY_TABLE": f"{self.prefix}depository-books",
            **{f"{name.upper()}_QUEUE_URL": url for name, url in self.queues.items()},
            **{f"{name.upper()}_DLQ_URL": url for name, url in self.queues.items()},
            "SIGNING_KEYS": json.dumps(
                {audience: [self.signing_key] for audience in SIGNING_KEYS.values()}
            ),
            "EVENT_BUS": f"{self.prefix}events",
            "EVENTS_QUEUE_URL": self.event_queue,
            "EVENTS_DLQ_URL": self.event_queue,
            "SECOND_FACTOR_KEY": self.signing_key,
            "VENUE_SECRET_PREFIX": f"{self.prefix}venue-",
            "EXCHANGE_IDS": " ".join(EXCHANGES),
        }

    def cold_start(self, environment: pytest.MonkeyPatch) -> None:
        """Import every function anew, count its clients and replace its clock."""
        environment.setattr(boto3, "DEFAULT_SESSION", None)
        boto3.setup_default_session()
        events: Any = boto3._get_default_session().events
        self.meter.attach(events)
        events.register_first("before-send.stepfunctions", self._workflow_called)
        events.register_first("before-send.lambda", self._function_called)
        events.register_first("before-send.events", self._events_put)
        events.register_first("before-send.apigatewaymanagementapi", self._message_sent)
        for reader in (clock, simulators_clock):
            environment.setattr(reader, "now", self.clock)
        for name in FUNCTIONS:
            for part in ("settings", "handler"):
                environment.delitem(sys.modules, f"functions.{name}.{part}", raising=False)
            environment.setenv("TOKEN_AUDIENCE", token_audience(name))
            module = importlib.import_module(f"functions.{name}.handler")
            self._handlers[name] = module.handler
        environment.setattr(urllib3.PoolManager, "request", self._http)
        environment.setattr(exchange, "MAX_FILLS_A_MATCH", 1)

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        context = Context(
            function, FUNCTIONS[function].memory, f"invocation-{next(self._requests)}"
        )
        printed = io.StringIO()
        with _output_to(printed):
            answer = self.meter.invoke(function, lambda: self._handlers[function](event, context))
        self.last_output = printed.getvalue()
        self.meter.log(function, self.last_output)
        return answer

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        claims: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Make a request through API Gateway. `claims` are those that the authorizer found."""
        path, _, query = path.partition("?")
        route = next(
            route
            for route in (*PUBLIC_ROUTES, *VENUE_ROUTES, *CALLBACK_ROUTES)
            if route.method == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", route.path), path)
        )
        function = route.function
        requests = Billed.HTTP_API_REQUESTS if route in CALLBACK_ROUTES else Billed.API_REQUESTS
        parameters = dict(pair.split("=", 1) for pair in query.split("&")) if query else None
        sent = {"Content-Type": "application/json", **(headers or {})}
        event = {
            "resource": path,
            "path": path,
            "httpMethod": method,
            "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": parameters,
            "multiValueQueryStringParameters": None,
            "pathParameters": None,
            "stageVariables": None,
            "requestContext": {
                "requestId": f"request-{next(self._requests)}",
                "stage": "bench",
                "path": path,
                "httpMethod": method,
                "apiId": "bench",
                "identity": {"sourceIp": "192.0.2.1"},
                **({"authorizer": claims} if claims else {}),
            },
            "body": body.decode() or None,
            "isBase64Encoded": False,
        }
        self.meter.charge(function, requests)
        self.meter.charge(function, Billed.LOGS, ACCESS_LOG_BYTES / 1e9)
        self.meter.charge(function, Billed.TRACES, SAMPLED_TRACES)
        answer = self.invoke(function, event)
        return answer["statusCode"], answer["body"].encode()

    def is_streamed(self, table: str) -> bool:
        """Whether a table has a stream."""
        return self.tables[table].streamed

    def stored_bytes(self) -> int:
        """The bytes that DynamoDB bills as stored: items with their overhead, in the tables whose
        items do not expire.
        """
        kept = [self.prefix + name for name in ("accounts", "orders", "ledger")]
        return sum(
            item_bytes(item) + STORED_OVERHEAD_BYTES
            for table in kept
            for item in self.dynamodb.scan(TableName=table)["Items"]
        )

    def close(self) -> None:
        """Remove what the world made at the endpoint."""
        for name in self.tables:
            self.dynamodb.delete_table(TableName=name)
        for url in (*self.queues.values(), self.event_queue):
            self.sqs.delete_queue(QueueUrl=url)
        for name in seeding.SECRETS:
            self.secrets.delete_secret(SecretId=self.prefix + name, ForceDeleteWithoutRecovery=True)
        self._kms.schedule_key_deletion(KeyId=self.signing_key, PendingWindowInDays=7)

    def _http(self, method: str, url: str, **options: Any) -> urllib3.HTTPResponse:
        """Replaces urllib3's pool manager: the other function is in this process."""
        path = re.sub(
            r"^(/restapis/[^/]+)?/bench(/_user_request_)?|^/_aws/execute-api/[^/]+/\$default",
            "",
            urlsplit(url).path,
        )
        query = urlsplit(url).query
        headers = options.get("headers") or {}
        status, body = self.request(
            method, f"{path}?{query}" if query else path, options.get("body") or b"", headers
        )
        preload = options.get("preload_content", True)
        return urllib3.HTTPResponse(body=io.BytesIO(body), status=status, preload_content=preload)

    def peek(self, table: str, key: Item) -> Item | None:
        found: Item | None = self.dynamodb.get_item(
            TableName=table, Key=key, ConsistentRead=True
        ).get("Item")
        return found

    def forget(self, table: str, key: Item) -> None:
        """Delete an item of a table, by the catalog's name of the table."""
        self.dynamodb.delete_item(TableName=self.prefix + table, Key=key)

    def _table(self, name: str, spec: TableSpec) -> None:
        attributes = {*spec.key, *itertools.chain(*spec.indexes.values())}
        indexes = [
            {
                "IndexName": index,
                "KeySchema": _schema(keys),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, keys in spec.indexes.items()
        ]
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": each, "AttributeType": "S"} for each in sorted(attributes)
            ],
            KeySchema=_schema(spec.key),
            **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        )

    def _queue(self, name: str) -> str:
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        url: str = self.sqs.create_queue(
            QueueName=f"{self.prefix}{name}.fifo", Attributes=attributes
        )["QueueUrl"]
        return url

    def _workflow_called(self, request: Any, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.asynchronous.append((operation, json.loads(request.body)))
        started = {"executionArn": "arn", "startDate": 0} if operation == "StartExecution" else {}
        return _answer(request.url, 200, json.dumps(started).encode())

    def _events_put(self, request: Any, **_: Any) -> AWSResponse:
        entries = json.loads(request.body)["Entries"]
        self.published += entries
        answer = {"FailedEntryCount": 0, "Entries": [{"EventId": "event"} for _ in entries]}
        return _answer(request.url, 200, json.dumps(answer).encode())

    def _function_called(self, request: Any, **_: Any) -> AWSResponse:
        name = re.findall(r"/functions/([^/]+)/", unquote(request.url))[0].rpartition(":")[2]
        operation = "Push" if name == CONSTANT_ENVIRONMENT["PUSH_FUNCTION"] else "Invoke"
        self.asynchronous.append((operation, json.loads(request.body)))
        return _answer(request.url, 202, b"")

    def _message_sent(self, request: Any, **_: Any) -> AWSResponse:
        self.meter.charge("push", Billed.SOCKET_MESSAGES)
        return _answer(request.url, 200, b"")


@contextlib.contextmanager
def running_world(endpoint: str | None = None) -> Iterator[World]:
    """A world from its cold start on. With an endpoint, it runs on the AWS there. Nothing fails in
    it.
    """
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in CONSTANT_ENVIRONMENT.items():
            environment.setenv(name, value)
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        if endpoint:
            environment.setenv("AWS_ENDPOINT_URL", endpoint)
        else:
            stack.enter_context(mock_aws())
        world = World(Clock(), f"bench-{datetime.now(UTC):%H%M%S}-", endpoint)
        stack.callback(world.close)
        for name, value in world.environment().items():
            environment.setenv(name, value)
        stack.callback(_forget_functions)
        world.cold_start(environment)
        yield world


def _forget_functions() -> None:
    """Forget the imported functions, so that the next import reads the new environment."""
    for name in [name for name in sys.modules if name.startswith("functions.")]:
        del sys.modules[name]


def _schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {"AttributeName": key, "KeyType": kind}
        for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
    ]


def _answer(url: str, status: int, body: bytes) -> AWSResponse:
    return AWSResponse(url, status, HTTPHeaders(), _Raw(body))


class _Raw(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        """Stream like a response of urllib3."""
        yield self.getvalue()


@contextlib.contextmanager
def _output_to(sink: io.StringIO) -> Iterator[None]:
    """Redirect printed and logged output to this stream."""
    handlers = [
        handler
        for logger in logging.root.manager.loggerDict.values()
        if isinstance(logger, logging.Logger)
        for handler in logger.handlers
        if type(handler) is logging.StreamHandler
    ]
    before = [handler.setStream(sink) for handler in handlers]
    try:
        with contextlib.redirect_stdout(sink):
            yield
    finally:
        for handler, stream in zip(handlers, before, strict=True):
            if stream is not None:
                handler.setStream(stream)
