"""The functions of the simulated venues on a mocked AWS, their owner's HTTP server, and a clock
that the test moves.
"""

import importlib
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from simulators.adapters import clock
from simulators.reference import EXCHANGE_IDS, market_items
from tests.simulation.permissions import Use, allowing_grants, needed
from trading.adapters.venues.signatures import signed_headers
from trading.wire import CALLBACK_PATH

START = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
STAGE = "trading-test-"
PREFIX = f"{STAGE}venue-"
ENVIRONMENT = {
    "STAGE": "test",
    "POWERTOOLS_SERVICE_NAME": "simulators",
    "POWERTOOLS_METRICS_NAMESPACE": "Trading",
    "LOG_LEVEL": "INFO",
    "VENUE_SECRET_PREFIX": PREFIX,
    "SIMULATION_SEED": "7",
    "EXCHANGE_TABLE": "exchange-books",
    "DEPOSITORY_TABLE": "depository-books",
    "MATCHING_FUNCTION_NAME": "exchange-matching",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
FAULTLESS = {
    f"{fault}_rate": 0
    for fault in ("reject", "partial", "duplicate", "late", "out_of_order", "silence", "down")
} | {"latency_ms_min": 0, "latency_ms_max": 0, "displayed_size": 10_000}
SOUND = {f"{fault}_rate": 0 for fault in ("fail", "unavailable", "slow", "answer_lost")}


def secret_of(key_id: str) -> str:
    """The secret that a venue signs with until a test rotates it. The files in events/ are signed
    with it.
    """
    return f"secret-of-{key_id}"


@dataclass
class FakeContext:
    """The context that Lambda passes beside the event."""

    function_name: str = "simulator"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:simulator"
    aws_request_id: str = "request-1"
    remaining_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass
class Received:
    """A request that the orders' owner received."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Owner:
    """The owner of the orders. It records callbacks and answers 200, or what the test puts into
    `answers`.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                owner.received.append(Received(self.path, headers, body))
                self.send_response(owner.answers.pop(0) if owner.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Write no access log into the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/restapis/abc/v1/_user_request_{CALLBACK_PATH}"

    @property
    def reports(self) -> list[dict[str, Any]]:
        return [received.report for received in self.received]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.getvalue()


@dataclass
class Answer:
    """The response of an API."""

    status: int
    body: dict[str, Any]
    content_type: str


@dataclass
class World:
    """Everything that a test acts on. `running_world` builds it."""

    owner: Owner
    now: datetime = START
    invocations: list[dict[str, Any]] = field(default_factory=list)
    lambda_is_broken: bool = False
    permissions: set[Use] = field(default_factory=set)
    """What the calls of the functions needed."""
    _running: str | None = None

    def __post_init__(self) -> None:
        tables = boto3.resource("dynamodb")
        self.exchange_table, self.depository_table = (
            tables.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")
                ],
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            )
            for name in ("exchange-books", "depository-books")
        )
        with self.exchange_table.batch_writer() as batch:
            for item in market_items():
                batch.put_item(Item=item)
        self.secrets = boto3.client("secretsmanager")
        for key_id in (*EXCHANGE_IDS, "depository"):
            self.secrets.create_secret(Name=PREFIX + key_id, SecretString=secret_of(key_id))
        for exchange_id in EXCHANGE_IDS:
            self.configure(exchange_id)
        self.configure_depository()
        boto3.setup_default_session()
        events: Any = boto3._get_default_session().events
        events.register_first("before-send.lambda.Invoke", self._invoked)
        events.register_first("before-parameter-build", self._called)
        self.exchange_api = self._cold_start("exchange_api")
        self.matching = self._cold_start("exchange_matching")
        self.depository_api = self._cold_start("depository_api")
        boto3.setup_default_session()  # the clients of other functions are not watched

    def configure(self, exchange_id: str, **fields: Any) -> None:
        """Configure an exchange that has no faults except these fields. The change takes a second
        to be noticed.
        """
        self.exchange_table.put_item(
            Item={"pk": "CONFIG", "sk": exchange_id, **FAULTLESS, **fields}
        )
        self.pass_time(2)

    def configure_depository(self, **fields: Any) -> None:
        """Configure a depository that has no faults except these fields."""
        self.depository_table.put_item(Item={"pk": "CONFIG", "sk": "depository", **SOUND, **fields})
        self.pass_time(2)

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def request(
        self,
        function: ModuleType,
        method: str,
        path: str,
        body: dict[str, Any] | str | None = None,
        *,
        key_id: str,
        query: dict[str, str] | None = None,
        secret: str | None = None,
        age_seconds: int = 0,
        **changed_headers: str,
    ) -> Answer:
        """Send a request through API Gateway. The owner signs it unless the test changes
        a header.
        """
        text = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        signed_path = f"{path}?{urlencode(query)}" if query else path
        key = (secret or secret_of(key_id)).encode()
        headers = signed_headers(
            key_id,
            key,
            int(self.now.timestamp()) - age_seconds,
            method,
            signed_path,
            text.encode(),
            {"X-Correlation-Id": "corr-1"},
        )
        event = {
            "resource": "/{proxy+}",
            "path": path,
            "httpMethod": method,
            "headers": {**headers, **changed_headers},
            "multiValueHeaders": {},
            "queryStringParameters": query,
            "multiValueQueryStringParameters": None,
            "pathParameters": None,
            "requestContext": {
                "requestId": "request-1",
                "stage": "v1",
                "httpMethod": method,
                "path": path,
            },
            "body": text or None,
            "isBase64Encoded": False,
        }
        answer = function.handler(event, FakeContext())
        content_type = answer["multiValueHeaders"]["Content-Type"][0]
        return Answer(answer["statusCode"], json.loads(answer["body"]), content_type)

    def order(self, **changes: Any) -> dict[str, Any]:
        """An order as it is submitted: buy 100 AAPL for the day at a price that the market surely
        meets.
        """
        return {
            "client_order_id": "ord_1-1",
            "account": "client-1",
            "symbol": "AAPL",
            "side": "buy",
            "quantity": 100,
            "limit_price": "240.00",
            "time_in_force": "DAY",
            "callback_url": self.owner.url,
            "correlation_id": "corr-1",
            **changes,
        }

    def submit(self, exchange_id: str = "XNYS", **changes: Any) -> Answer:
        path = f"/exchanges/{exchange_id}/orders"
        return self.request(
            self.exchange_api, "POST", path, self.order(**changes), key_id=exchange_id
        )

    def post(self, body: dict[str, Any] | str, key_id: str = "XNYS", **changes: Any) -> Answer:
        """Send any body to the path where orders to XNYS are submitted."""
        return self.request(
            self.exchange_api, "POST", "/exchanges/XNYS/orders", body, key_id=key_id, **changes
        )

    def cancel(self, client_order_id: str = "ord_1-1", exchange_id: str = "XNYS") -> Answer:
        path = f"/exchanges/{exchange_id}/orders/{client_order_id}"
        return self.request(self.exchange_api, "DELETE", path, key_id=exchange_id)

    def status(self, client_order_id: str = "ord_1-1", exchange_id: str = "XNYS") -> Answer:
        path = f"/exchanges/{exchange_id}/orders/{client_order_id}"
        return self.request(self.exchange_api, "GET", path, key_id=exchange_id)

    def quote(self, symbol: str = "AAPL") -> dict[str, dict[str, Any]]:
        """The quotes of the symbol by exchange."""
        answer = self.request(self.exchange_api, "GET", f"/quotes/{symbol}", key_id="XNAS")
        assert answer.status == 200
        return {quote["exchange_id"]: quote for quote in answer.body["quotes"]}

    def match(self) -> list[dict[str, int]]:
        """Run the asynchronous invocations."""
        events, self.invocations = self.invocations, []
        return [self.matching.handler(event, FakeContext()) for event in events]

    def tick(self, seconds: float = 60, remaining_ms: int = 60_000) -> dict[str, int]:
        """The session's next tick, a minute later."""
        self.pass_time(seconds)
        return dict(
            self.matching.handler({"kind": "session"}, FakeContext(remaining_ms=remaining_ms))
        )

    def open_work(self) -> list[str]:
        """The client order ids on the work list."""
        items = self.exchange_table.scan()["Items"]
        return [str(item["sk"]) for item in items if str(item["pk"]).startswith("WORK#")]

    def _cold_start(self, name: str) -> ModuleType:
        module = f"functions.{name}.handler"
        sys.modules.pop(module, None)
        imported = importlib.import_module(module)
        handler = imported.handler

        def handle(event: dict[str, Any], context: FakeContext) -> Any:
            self._running = name
            try:
                return handler(event, context)
            finally:
                self._running = None

        imported.handler = handle  # type: ignore[attr-defined]
        return imported

    def _called(self, params: dict[str, Any], model: Any, **_: object) -> None:
        """Keep what a call needs. Raise AssertionError if the function has no grant for it."""
        if self._running is None:
            return
        for kind, name, action in needed(model.name, params):
            use = Use(self._running, f"{kind}/{name.removeprefix(STAGE)}", action)
            assert allowing_grants(use), f"no grant for {use}"
            self.permissions.add(use)

    def _invoked(self, request: Any, **_: object) -> AWSResponse:
        if self.lambda_is_broken:
            return AWSResponse(request.url, 500, HTTPHeaders(), _Body(b"{}"))
        self.invocations.append(json.loads(request.body))
        return AWSResponse(request.url, 202, HTTPHeaders(), _Body())


@contextmanager
def running_world() -> Iterator[World]:
    """A world from cold starts to the end of the test, as on the local AWS: callbacks may use plain
    HTTP.
    """
    owner = Owner()
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        world: World
        environment.setattr(clock, "now", lambda: world.now)
        world = World(owner)
        environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
        yield world
    owner.close()
