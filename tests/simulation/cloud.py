"""The AWS that the functions find: Lambda workers, API Gateway, event source mappings, Scheduler, and every call between them."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import CodeType, ModuleType
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from aws_lambda_powertools.utilities.circuit_breaker import base as circuit_breaker
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from infra.catalog import INTERNAL_ROUTES, MAILBOXES, PUBLIC_ROUTES, SERVICES, TABLES, Route
from tests.simulation.engine import Engine, Outcome, Process, current
from tests.simulation.faults import CallFault, Faults
from tests.simulation.services.dynamodb import DynamoDB
from tests.simulation.services.errors import ServiceError
from tests.simulation.services.secretsmanager import SecretsManager
from tests.simulation.services.sqs import Sqs
from tests.simulation.services.stepfunctions import StepFunctions
from tests.simulation.workflows import definition
from trading.domain.credentials import CLIENT_AUDIENCE, INTERNAL_AUDIENCE

STAGE = "sim"
BATCH_SIZE = 10
ATTEMPTS = 2
"""As `trading.adapters.aws` configures botocore."""
READ_TIMEOUT = 3.0
OUTAGE = 0.9
"""The share of calls that fail while a service is out."""
LATENCY = (0.002, 0.02)
API_TIMEOUT = 29.0
AUTHORIZER_CACHE_SECONDS = 300
ASYNCHRONOUS_RETRIES = (60.0, 120.0)
VISIBILITY_FACTOR = 6
QUEUE_MAX_RECEIVES = 30
ARN = "arn:aws:execute-api:us-east-1:000000000000:sim/sim/{method}{path}"
THROTTLED = {"dynamodb": "ThrottlingException", "sqs": "RequestThrottled", "stepfunctions": "ThrottlingException"}
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
AUDIENCES = {"authorizer": CLIENT_AUDIENCE, "internal_authorizer": INTERNAL_AUDIENCE}
APIS: dict[str, tuple[tuple[Route, ...], str]] = {
    "public": (PUBLIC_ROUTES, "authorizer"),
    "internal": (INTERNAL_ROUTES, "internal_authorizer"),
}


@dataclass(frozen=True)
class Answer:
    """What a caller over HTTP gets; status 0: nothing, the connection broke or timed out."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class Context:
    """What a function sees of its invocation."""

    function_name: str
    aws_request_id: str
    process: Process | None = None
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:sim"

    def get_remaining_time_in_millis(self) -> int:
        """Until the function's time-out."""
        assert self.process is not None
        return int(self.process.remaining * 1000)


class Worker:
    """An execution environment: one import of a function's module, with all that it remembers, and a machine's clock."""

    def __init__(self, function: str, skew: float, number: int) -> None:
        os.environ["TOKEN_AUDIENCE"] = AUDIENCES.get(function, "")
        self.module = _import_anew(f"functions.{function}.handler")
        self.skew = skew
        self.name = f"{function}/{number}"
        self._breaker: tuple[dict[str, int], dict[str, int], dict[str, Any]] = ({}, {}, {})
        self._probe_owner = f"probe-{self.name}"
        self._request: tuple[Any, Any] = (None, None)

    def enter(self) -> None:
        """What a library keeps once a process is this worker's from here on."""
        BaseRouter.current_event, BaseRouter.lambda_context = self._request
        circuit_breaker._LOCAL_FAILURES, circuit_breaker._LOCAL_SUCCESSES, circuit_breaker._LAST_OBSERVED_STATE = (
            self._breaker
        )
        circuit_breaker._PROBE_OWNER.id = self._probe_owner
        circuit_breaker._PROBE_OWNER.pid = os.getpid()

    def leave(self) -> None:
        """Another worker goes on."""
        self._request = (BaseRouter.current_event, BaseRouter.lambda_context)


@cache
def _compiled(name: str) -> CodeType:
    found = find_spec(name)
    assert found is not None, name
    assert found.origin is not None, name
    return compile(Path(found.origin).read_bytes(), found.origin, "exec")


def _import_anew(name: str) -> ModuleType:
    """A module of its own, run from its first line, as at a cold start."""
    code = _compiled(name)
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = code.co_filename
    exec(code, module.__dict__)  # noqa: S102
    return module


class Lambda:
    """Invokes functions, each invocation a process of its own in a worker of its own."""

    def __init__(self, engine: Engine, seed: str, random: Random, faults: Faults, log: Callable[..., None]) -> None:
        self.cold_starts = 0
        self.invocations = 0
        self._engine = engine
        self._seed = seed
        self._random = random
        self._faults = faults
        self._log = log
        self._idle: dict[str, list[Worker]] = {name: [] for name in SERVICES}

    def invoke(self, function: str, event: Any, key: str, done: Callable[[Outcome], None]) -> None:
        """Run a function once. `key` names the cause, so that its luck does not depend on what else happens."""
        self.invocations += 1
        worker = self._worker(function)
        context = Context(f"{STAGE}-{function}", f"{function}-{self.invocations}")
        name = f"{worker.name} {key}"

        def body() -> Any:
            return worker.module.handler(event, context)

        def ended(outcome: Outcome) -> None:
            if outcome.killed is None:
                self._idle[function].append(worker)
            said = outcome.killed or (repr(outcome.error)[:200] if outcome.error else _summary(outcome.value))
            self._log(name, "ended", said)
            done(outcome)

        process = context.process = Process(
            self._engine,
            name,
            Random(f"{self._seed}/{function}/{key}"),
            body,
            ended,
            timeout=SERVICES[function].timeout,
            skew=worker.skew,
        )
        process.entered, process.left = worker.enter, worker.leave
        self._log(name, "invoked")

    def retrying(
        self, function: str, event: Any, key: str, undelivered: Callable[[Any], None], attempt: int = 0
    ) -> None:
        """An asynchronous invocation: tried again after a minute, and after two more; then it goes to the failures' queue."""

        def done(outcome: Outcome) -> None:
            if outcome.error is None and outcome.killed is None:
                return
            if attempt == len(ASYNCHRONOUS_RETRIES):
                undelivered(event)
                return
            self._engine.after(
                ASYNCHRONOUS_RETRIES[attempt], lambda: self.retrying(function, event, key, undelivered, attempt + 1)
            )

        self.invoke(function, event, f"{key} #{attempt + 1}", done)

    def _worker(self, function: str) -> Worker:
        idle = self._idle[function]
        if idle and not self._faults.happens("cold", self._random):
            return idle.pop(self._random.randrange(len(idle)))
        self.cold_starts += 1
        skew = self._faults.rates.skew
        self._engine.set_wall_clock(self._engine.now)
        return Worker(function, self._random.uniform(-skew, skew), self.cold_starts)


class Cloud:
    """One region of one account. Its calls are what functions make (`call`), its events what makes functions run."""

    def __init__(self, engine: Engine, seed: str, faults: Faults, log: Callable[..., None]) -> None:
        self.engine = engine
        self.faults = faults
        self.log = log
        self.seed = seed
        self.random = random = Random(f"{seed}/cloud")
        self.lambdas = Lambda(engine, seed, random, faults, log)
        self.dynamodb = DynamoDB(lambda: engine.now, random)
        self.sqs = Sqs(lambda: engine.now, random)
        self.secrets = SecretsManager(lambda: engine.now)
        self.workflows = StepFunctions(
            lambda: engine.now, engine.after, random, self._send_for_workflow, self._invoke_for_workflow
        )
        self.services: dict[str, Any] = {
            "dynamodb": self.dynamodb,
            "sqs": self.sqs,
            "secretsmanager": self.secrets,
            "stepfunctions": self.workflows,
        }
        self.finishing: Callable[[dict[str, Any]], None] = lambda output: None
        """Told what a workflow is about to be told."""
        self.undelivered: list[tuple[str, Any]] = []
        self._authorized: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
        self._tokens = 0
        self._invoked_by_workflows = 0
        self._polled_at: dict[str, float] = {}
        self.outages: dict[str, tuple[float, float]] = {}
        self._routes = {api: [(r, _pattern(r.path)) for r in routes] for api, (routes, _) in APIS.items()}
        for name, spec in TABLES.items():
            self.dynamodb.create_table(f"{STAGE}-{name}", spec.key, spec.indexes, spec.expires)
        self.dynamodb.stale = lambda: random.uniform(0, 1.0) if faults.happens("stale", random) else 0.0
        self.dynamodb.unprocessed = lambda: faults.happens("unprocessed", random)
        self.dynamodb.page_size = lambda: random.randint(1, 3) if faults.happens("small_page", random) else None
        self.queues: dict[str, str] = {}
        self.dead_letters: dict[str, str] = {}
        self._contention, self._contended = (0.0, 0.0), ""
        self.buried: list[str] = []
        """Why messages were given up."""
        for name in MAILBOXES:
            dead = f"{STAGE}-{name}-dlq.fifo"
            self.dead_letters[name] = self.sqs.create_queue(dead)
            self.queues[name] = self.sqs.create_queue(
                f"{STAGE}-{name}.fifo",
                visibility_timeout=VISIBILITY_FACTOR * SERVICES[name].timeout,
                dead_letter_queue=dead,
                max_receive_count=QUEUE_MAX_RECEIVES,
            )
        self.sqs.groups = self._some_groups
        self._function_of_queue = {url: name for name, url in self.queues.items()}
        self.lifecycle_arn = self._workflow("order_lifecycle")
        self.cycle_arn = self._workflow("settlement_cycle")

    def environment(self) -> dict[str, str]:
        """The variables of all functions."""
        return {
            "STAGE": STAGE,
            "POWERTOOLS_SERVICE_NAME": "trading",
            "POWERTOOLS_METRICS_NAMESPACE": "Trading",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "SIGNING_KEY_SECRET_ID": f"{STAGE}-signing-key",
            "VENUE_SECRET_PREFIX": f"{STAGE}-venue-",
            "ORDER_LIFECYCLE_ARN": self.lifecycle_arn,
            "PUBLIC_API_ID": "public",
            "PUBLIC_API_STAGE": STAGE,
            "VENUES_API_ID": "venues",
            "VENUES_API_STAGE": STAGE,
            **{f"{name.upper()}_TABLE": f"{STAGE}-{name}" for name in TABLES},
            **{f"{name.upper()}_QUEUE_URL": url for name, url in self.queues.items()},
            **{f"{name.upper()}_DLQ_URL": url for name, url in self.dead_letters.items()},
        }

    def plan_outages(self, start: float, end: float) -> None:
        """Decide which services are to fail in between, and for how long."""
        for service in self.services:
            if self.faults.happens("outage", self.random):
                begins = self.random.uniform(start, end)
                self.outages[service] = (begins, begins + self.random.choice((30, 300, 900)))
        chance = Random(f"{self.seed}/contention")
        if self.faults.happens("contention", chance):
            begins = chance.uniform(start, end)
            self._contention = (begins, begins + chance.choice((60, 300, 900)))
            self._contended = chance.choice(("TransactWriteItems", "TransactWriteItems", "ledger", "reference"))

    @property
    def is_troubled(self) -> bool:
        """Whether a service or a table is to fail for so long that our functions give up."""
        return bool(self.outages or self._contended)

    def _is_out(self, service: str, random: Random) -> bool:
        begins, ends = self.outages.get(service, (0.0, 0.0))
        return begins <= self.engine.now < ends and random.random() < OUTAGE

    def _contention_of(self, operation: str, params: dict[str, Any], random: Random) -> CallFault | None:
        """What contention does to a call: a conflict to a transaction, or throttling to the reads of a table."""
        begins, ends = self._contention
        if not begins <= self.engine.now < ends:
            return None
        if operation == self._contended == "TransactWriteItems":
            return CallFault.CONFLICT if random.random() < OUTAGE else None
        tables = params.get("RequestItems", {}).keys() | {params.get("TableName")}
        is_read = operation in ("GetItem", "BatchGetItem", "Query") and f"{STAGE}-{self._contended}" in tables
        return CallFault.THROTTLED if is_read and random.random() < OUTAGE else None

    def call(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        """A call that a function makes, with all that may happen to it; botocore's attempts included."""
        process = current()
        if process is None:
            return self.perform(service, operation, params)
        if operation == "TransactWriteItems" and "ClientRequestToken" not in params:
            self._tokens += 1
            params = {**params, "ClientRequestToken": f"token-{self._tokens}"}
        process.calls += 1
        failure: Exception | None = None
        for _ in range(ATTEMPTS):
            fault = self.faults.at_call(process.random, failure is not None)
            process.sleep(process.random.uniform(*LATENCY))
            if fault is None and self._is_out(service, process.random):
                fault = CallFault.ERROR
            fault = fault or self._contention_of(operation, params, process.random)
            if fault is not None:
                self.log(process.name, fault.value, operation, _subject(params))
            if fault is None:
                self.log(process.name, operation, _subject(params))
                return self.perform(service, operation, params)
            failure = self._fail(process, fault, service, operation, params)
            if fault is CallFault.CONFLICT:
                break
        assert failure is not None
        raise failure

    def _fail(
        self, process: Process, fault: CallFault, service: str, operation: str, params: dict[str, Any]
    ) -> Exception:
        """Do what a fault does; the error of this attempt."""
        if fault in (CallFault.LOST, CallFault.FROZEN_AFTER, CallFault.KILLED_AFTER):
            try:
                self.perform(service, operation, params)
            except ServiceError as error:
                self.log(process.name, "unheard", error.code)
        match fault:
            case CallFault.KILLED_BEFORE | CallFault.KILLED_AFTER:
                process.die(fault.value)
            case CallFault.FROZEN_BEFORE | CallFault.FROZEN_AFTER:
                process.sleep(max(process.remaining, 0) + 1)
            case CallFault.LOST:
                process.sleep(READ_TIMEOUT)
                return ReadTimeoutError(endpoint_url=service)
            case CallFault.THROTTLED:
                return ServiceError(THROTTLED.get(service, "ThrottlingException"), "slow down")
            case CallFault.CONFLICT if service == "dynamodb" and operation == "TransactWriteItems":
                return _transaction_conflict(process.random, len(params["TransactItems"]))
            case CallFault.CONFLICT if service == "dynamodb" and operation in WRITES:
                return ServiceError("TransactionConflictException", "another transaction holds the item")
            case CallFault.CONFLICT:
                return ConnectTimeoutError(endpoint_url=service)
        return ServiceError("InternalServerError", "an internal error")

    def perform(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        if operation == "SendTaskSuccess":
            self.finishing(json.loads(params["output"]))
        if params.get("WaitTimeSeconds"):  # here every poll sees all there is
            params = {name: value for name, value in params.items() if name != "WaitTimeSeconds"}
        answer = self.services[service].call(operation, params)
        if operation == "SendMessage":
            if params["QueueUrl"] in self.dead_letters.values():
                self.buried.append(params["MessageAttributes"]["reason"]["StringValue"])
            self._poll_soon(params["QueueUrl"])
        elif operation == "ChangeMessageVisibilityBatch":
            self._poll_when_visible(params["QueueUrl"])
        return answer

    # API Gateway

    def request(
        self,
        api: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        key: str,
        done: Callable[[Answer], None],
    ) -> None:
        """A request over the internet to one of the APIs; `done` gets the answer, if there is one."""
        if self.faults.happens("request_lost", self.random):
            self.log(key, "request lost")
            self.engine.after(API_TIMEOUT, lambda: done(Answer(0)))
            return

        def answered(answer: Answer) -> None:
            self.log(key, "answered", answer.status)
            if self.faults.happens("response_lost", self.random):
                self.log(key, "response lost")
                self.engine.after(API_TIMEOUT, lambda: done(Answer(0)))
            else:
                self.engine.after(self.random.uniform(*LATENCY), lambda: done(answer))

        self.engine.after(
            self.random.uniform(*LATENCY), lambda: self._routed(api, method, path, headers, body, key, answered)
        )

    def _routed(
        self,
        api: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        key: str,
        done: Callable[[Answer], None],
    ) -> None:
        path, _, query = path.partition("?")
        route = next((r for r, pattern in self._routes[api] if r.method == method and pattern.fullmatch(path)), None)
        if route is None:
            done(Answer(403, b'{"message":"Missing Authentication Token"}'))
            return
        event = _api_event(method, path, query, headers, body, key)

        def authorized(claims: dict[str, Any] | None) -> None:
            if claims is not None:
                event["requestContext"]["authorizer"] = claims
            self.lambdas.invoke(route.function, event, key, lambda outcome: done(_answer(outcome)))

        if route.signed:
            authorized(None)
        else:
            self._authorize(api, event, headers.get("Authorization", ""), key, authorized, done)

    def _authorize(
        self,
        api: str,
        event: dict[str, Any],
        authorization: str,
        key: str,
        authorized: Callable[[dict[str, Any]], None],
        refused: Callable[[Answer], None],
    ) -> None:
        known = self._authorized.get((api, authorization))
        if known is not None and known[0] > self.engine.now:
            authorized(known[1])
            return

        def decided(outcome: Outcome) -> None:
            if outcome.value is None:
                unauthorized = outcome.error is not None and str(outcome.error) == "Unauthorized"
                refused(Answer(401 if unauthorized else 500, b'{"code":"UNAUTHENTICATED"}'))
                return
            claims = outcome.value["context"]
            self._authorized[api, authorization] = (self.engine.now + AUTHORIZER_CACHE_SECONDS, claims)
            authorized(claims)

        asked = {**event, "type": "REQUEST", "methodArn": ARN.format(method=event["httpMethod"], path=event["path"])}
        self.lambdas.invoke(APIS[api][1], asked, key, decided)

    # Event source mappings

    def _poll_soon(self, queue_url: str) -> None:
        if queue_url in self._function_of_queue:
            self._poll_at(queue_url, self.engine.now + self.random.uniform(0.001, 0.05))

    def _poll_when_visible(self, queue_url: str) -> None:
        visible_at = self.sqs.next_visible_at(queue_url)
        if visible_at is not None and queue_url in self._function_of_queue:
            self._poll_at(queue_url, max(visible_at, self.engine.now + 0.001))

    def _poll_at(self, queue_url: str, time: float) -> None:
        planned = self._polled_at.get(queue_url)
        if planned is not None and self.engine.now <= planned <= time:
            return
        self._polled_at[queue_url] = time
        self.engine.at(time, lambda: self._poll(queue_url, time))

    def _poll(self, queue_url: str, planned: float) -> None:
        if self._polled_at.get(queue_url) != planned:
            return
        del self._polled_at[queue_url]
        function = self._function_of_queue[queue_url]
        received = self.sqs.call(
            "ReceiveMessage",
            {
                "QueueUrl": queue_url,
                "MaxNumberOfMessages": self.random.randint(1, BATCH_SIZE),
                "MessageSystemAttributeNames": ["All"],
                "MessageAttributeNames": ["All"],
            },
        ).get("Messages", [])
        if not received:
            self._poll_when_visible(queue_url)
            return
        records = [_record(message) for message in received]
        first = received[0]["Attributes"]
        key = f"{received[0]['MessageId']} x{len(received)} r{first['ApproximateReceiveCount']}"
        self.lambdas.invoke(
            function, {"Records": records}, key, lambda outcome: self._handled(queue_url, received, outcome)
        )
        self._poll_soon(queue_url)

    def _handled(self, queue_url: str, received: list[dict[str, Any]], outcome: Outcome) -> None:
        """Delete what was handled, unless the deletion is lost; what was not comes again by itself."""
        failed = {message["MessageId"] for message in received}
        if outcome.value is not None:
            failed = {failure["itemIdentifier"] for failure in outcome.value["batchItemFailures"]}
        for message in received:
            if message["MessageId"] in failed or self.faults.happens("redelivered", self.random):
                continue
            self.sqs.call("DeleteMessage", {"QueueUrl": queue_url, "ReceiptHandle": message["ReceiptHandle"]})
        self._poll_soon(queue_url)

    def _some_groups(self, groups: Iterable[str]) -> list[str]:
        """AWS promises no order across groups."""
        shuffled = list(groups)
        self.random.shuffle(shuffled)
        return shuffled

    # Step Functions' side effects, and Scheduler

    def _workflow(self, name: str) -> str:
        arn: str = self.workflows.create_state_machine(name.replace("_", "-"), definition(name, self.queues))
        return arn

    def _send_for_workflow(self, params: dict[str, Any]) -> Any:
        if self.faults.happens("error", self.random) or self._is_out("sqs", self.random):
            raise ServiceError("AmazonSQSException", "an internal error")
        return self.perform("sqs", "SendMessage", params)

    def _invoke_for_workflow(
        self, function: str, payload: Any, done: Callable[[Any, tuple[str, str] | None], None]
    ) -> None:
        def ended(outcome: Outcome) -> None:
            if outcome.killed is not None:
                done(None, ("Lambda.Unknown", outcome.killed))
            elif outcome.error is not None:
                done(None, (type(outcome.error).__name__, str(outcome.error)))
            else:
                done(outcome.value, None)

        self._invoked_by_workflows += 1
        self.lambdas.invoke(function, payload, f"workflow {json.dumps(payload)} #{self._invoked_by_workflows}", ended)

    def scheduled(self, function: str, event: dict[str, Any], key: str) -> None:
        """What EventBridge Scheduler does when the time has come: at least once."""
        for copy in range(2 if self.faults.happens("schedule_twice", self.random) else 1):
            self.engine.after(
                self.random.uniform(0, 5) * (copy + 1),
                partial(self.lambdas.retrying, function, event, f"{key}.{copy}", partial(self._undelivered, function)),
            )

    def _undelivered(self, function: str, event: Any) -> None:
        self.undelivered.append((function, event))


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{\w+}", "[^/]+", path))


def _transaction_conflict(random: Random, size: int) -> ServiceError:
    unlucky = random.randrange(size)
    reasons = [{"Code": "TransactionConflict" if number == unlucky else "None"} for number in range(size)]
    return ServiceError("TransactionCanceledException", "Transaction cancelled", CancellationReasons=reasons)


def _subject(params: dict[str, Any]) -> str:
    """What a call is about, short."""
    named = params.get("Key") or params.get("Item")
    if named is not None:
        table: str = params["TableName"]
        return table + " " + _key(named)
    if "TransactItems" in params:
        writes = [write for action in params["TransactItems"] for write in action.values()]
        return ", ".join(w["TableName"] + " " + _key(w.get("Key") or w["Item"]) for w in writes)
    for name in ("MessageBody", "name", "taskToken", "SecretId", "QueueUrl", "TableName"):
        if name in params:
            return str(params[name])
    return ""


KEYS = ("order_id", "client_id", "trade_id", "name", "id", "api_key", "item", "kind", "version", "status")


def _key(item: dict[str, Any]) -> str:
    return " ".join([next(iter(item[name].values())) for name in KEYS if name in item])


def _summary(value: Any) -> str:
    if isinstance(value, dict):
        if "statusCode" in value:
            return f"{value['statusCode']} {value['body'][:160]}"
        if "policyDocument" in value:
            return "allowed"
    return json.dumps(value, default=str)[:200]


def _answer(outcome: Outcome) -> Answer:
    if outcome.value is None:
        return Answer(504 if outcome.killed == "timed out" else 502, b'{"code":"UNAVAILABLE"}')
    value = outcome.value
    headers = {name: values[-1] for name, values in value["multiValueHeaders"].items()}
    return Answer(value["statusCode"], value["body"].encode(), headers)


def _api_event(method: str, path: str, query: str, headers: dict[str, str], body: bytes, key: str) -> dict[str, Any]:
    sent = {"Content-Type": "application/json", **headers}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": dict(parse_qsl(query)) or None,
        "multiValueQueryStringParameters": parse_qs(query) or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": re.sub(r"[^A-Za-z0-9-]", "-", key),
            "stage": STAGE,
            "path": path,
            "httpMethod": method,
            "apiId": "sim",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": body.decode() or None,
        "isBase64Encoded": False,
    }


def _record(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:queue.fifo",
        "awsRegion": "us-east-1",
    }
