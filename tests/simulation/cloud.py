"""The AWS of the simulation: its services, what invokes functions, and their environment."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any

from infra.catalog.functions import SERVICES
from infra.catalog.names import MAILBOXES, SECOND_FACTOR_KEY, SIGNING_KEYS
from infra.catalog.tables import TABLES
from tests.simulation.api_gateway import ApiGateway
from tests.simulation.calls import Calls
from tests.simulation.engine import Engine, Outcome
from tests.simulation.event_cloud import OWN_TABLES, EventCloud
from tests.simulation.event_sources import EventSources
from tests.simulation.faults import Faults
from tests.simulation.lambdas import Lambda
from tests.simulation.market import EXCHANGE_IDS
from tests.simulation.names import STAGE, TRANSFER_APPROVAL_ABOVE
from tests.simulation.outages import Outages
from tests.simulation.permissions import Permissions
from tests.simulation.services.dynamodb import DynamoDB
from tests.simulation.services.errors import ServiceError
from tests.simulation.services.kms import Kms
from tests.simulation.services.secretsmanager import SecretsManager
from tests.simulation.services.sqs import Sqs
from tests.simulation.services.stepfunctions import StepFunctions
from tests.simulation.workflows import definition

VISIBILITY_FACTOR = 6
CONFIRMATIONS_PER_PAGE = 8
"""Few, so that a comparison with the depository has several pages."""
ORDERS_PER_INVOCATION, ORDERS_PER_PAGE = 1, 2
"""Few, so that sweeps and closes of the day have parts."""
QUEUE_MAX_RECEIVES = 30
RUNS_DIE_WITHIN = 5.0
"""An Express execution that dies does so within this time. Most executions last half of it."""


class Cloud:
    """One region of one account.

    Functions reach it by `calls`, people by `api`, and EventBridge Scheduler by `scheduled`.
    """

    def __init__(self, engine: Engine, seed: str, faults: Faults, log: Callable[..., None]) -> None:
        self.engine = engine
        self.faults = faults
        self.log = log
        self.seed = seed
        self._random = random = Random(f"{seed}/cloud")
        self.lambdas = Lambda(engine, seed, random, faults, log)
        self.api = ApiGateway(engine, random, faults, self.lambdas, log)
        self.outages = Outages(engine, faults, random, Random(f"{seed}/contention"))
        self.lambdas.is_throttled = lambda: self.outages.is_exhausted("lambda")
        self.queues: dict[str, str] = {}
        self.dead_letters: dict[str, str] = {}
        self.events = EventCloud(
            engine, seed, faults, log, lambda: self.outages.is_exhausted("lambda")
        )
        self.permissions = Permissions(
            ChainMap(self.queues, {"events": self.events.queue}),
            ChainMap(self.dead_letters, {"events": self.events.dead_letters}),
        )
        self.calls = Calls(faults, self.outages, self.permissions, self._perform, log)
        self.dynamodb = DynamoDB(lambda: engine.now, random)
        self.sqs = Sqs(lambda: engine.now, random)
        self.secrets = SecretsManager(lambda: engine.now)
        self.kms = Kms()
        self.workflows = StepFunctions(
            lambda: engine.now,
            engine.after,
            random,
            self._send_for_workflow,
            self._invoke_for_workflow,
            self._read_for_workflow,
        )
        self.workflows.starts_twice = lambda: faults.happens("run_twice", random)
        self.workflows.kills_after = lambda: (
            random.uniform(0, RUNS_DIE_WITHIN) if faults.happens("run_killed", random) else None
        )
        self.services: dict[str, Any] = {
            "dynamodb": self.dynamodb,
            "sqs": self.sqs,
            "secretsmanager": self.secrets,
            "stepfunctions": self.workflows,
            "kms": self.kms,
            "lambda": self.lambdas,
        }
        self.asked_to_clear: Callable[[str], None] = lambda order_id: None
        """Called with the id of the order that a clearing message is about."""
        self.disabled_venues: dict[str, float] = {}
        """Since when which key of a venue is surely disabled."""
        self.give_up_reasons: list[str] = []
        """The reasons why messages were given up."""
        self._invoked_by_workflows = 0
        self._create_tables()
        self._create_queues()
        hidden_for = {
            url: float(VISIBILITY_FACTOR * SERVICES[name].timeout)
            for name, url in self.queues.items()
        }
        functions = {url: name for name, url in self.queues.items()}
        self._event_sources = EventSources(
            engine, random, faults, self.sqs, self.lambdas, functions, hidden_for
        )
        self.lifecycle_arn = self._create_workflow("order_lifecycle", express=True)
        self.cycle_arn = self._create_workflow("settlement_cycle")

    def _create_tables(self) -> None:
        happens, random = self.faults.happens, self._random
        for name, spec in TABLES.items():
            if name in OWN_TABLES:  # the part of the cloud that carries events has it
                continue
            self.dynamodb.create_table(f"{STAGE}-{name}", spec.key, spec.indexes, spec.expires)
        self.dynamodb.stale = lambda: random.uniform(0, 1.0) if happens("stale", random) else 0.0
        self.dynamodb.unprocessed = lambda: happens("unprocessed", random)
        self.dynamodb.page_size = lambda: (
            random.randint(1, 3) if happens("small_page", random) else None
        )

    def _create_queues(self) -> None:
        self.sqs.unprocessed = lambda: self.faults.happens("unprocessed", self._random)
        for name in MAILBOXES:
            dead = f"{STAGE}-{name}-dlq.fifo"
            self.dead_letters[name] = self.sqs.create_queue(dead)
            self.queues[name] = self.sqs.create_queue(
                f"{STAGE}-{name}.fifo",
                visibility_timeout=VISIBILITY_FACTOR * SERVICES[name].timeout,
                dead_letter_queue=dead,
                max_receive_count=QUEUE_MAX_RECEIVES,
            )
        self.sqs.groups = self._shuffled

    def _shuffled(self, groups: Iterable[str]) -> list[str]:
        """Shuffle the groups, because AWS promises no order across groups."""
        shuffled = list(groups)
        self._random.shuffle(shuffled)
        return shuffled

    def _create_workflow(self, name: str, *, express: bool = False) -> str:
        arn: str = self.workflows.create_state_machine(
            name.replace("_", "-"),
            definition(name, self.queues, f"{STAGE}-orders"),
            express=express,
        )
        return arn

    def environment(self) -> dict[str, str]:
        """The environment variables of all functions."""
        return {
            "STAGE": STAGE,
            "POWERTOOLS_SERVICE_NAME": "trading",
            "POWERTOOLS_METRICS_NAMESPACE": "Trading",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "VENUE_SECRET_PREFIX": f"{STAGE}-venue-",
            "EXCHANGE_IDS": " ".join(EXCHANGE_IDS),
            "TRANSFER_APPROVAL_ABOVE": str(TRANSFER_APPROVAL_ABOVE),
            "CONFIRMATIONS_PER_PAGE": str(CONFIRMATIONS_PER_PAGE),
            "ORDERS_PER_INVOCATION": str(ORDERS_PER_INVOCATION),
            "ORDERS_PER_PAGE": str(ORDERS_PER_PAGE),
            "SECOND_FACTOR_KEY": self.kms.create(f"{SECOND_FACTOR_KEY}-1"),
            **{f"{name.upper()}_TABLE": f"{STAGE}-{name}" for name in TABLES},
            **self.events.environment(),
            "ORDER_LIFECYCLE_ARN": self.lifecycle_arn,
            "ORDER_LIFECYCLE_LOG": "order-lifecycle",
            "CALLBACKS_API_ID": "callbacks",
            "VENUES_API_ID": "venues",
            "VENUES_API_STAGE": STAGE,
            **{f"{name.upper()}_QUEUE_URL": url for name, url in self.queues.items()},
            **{f"{name.upper()}_DLQ_URL": url for name, url in self.dead_letters.items()},
        }

    def deploy_signing_keys(self, *numbers: int) -> None:
        """Deploy the functions that need signing keys with these ones of each audience."""
        self.lambdas.deploy_signing_keys(
            {
                name: [self.kms.create(f"{name}-{number}") for number in numbers]
                for name in SIGNING_KEYS
            }
        )

    def _perform(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        """Perform a call that has arrived, and trigger what follows from it."""
        if self.events.takes(service, params):
            return self.events.perform(service, operation, params)
        if operation == "SendMessage" and params["QueueUrl"] == self.queues["clearing"]:
            self.asked_to_clear(json.loads(params["MessageBody"])["order_id"])
        if operation == "SendMessageBatch" and params["QueueUrl"] == self.queues["clearing"]:
            for entry in params["Entries"]:
                self.asked_to_clear(json.loads(entry["MessageBody"])["order_id"])
        if params.get("WaitTimeSeconds"):  # in the simulation every poll sees all messages
            params = {name: value for name, value in params.items() if name != "WaitTimeSeconds"}
        answer = self.services[service].call(operation, params)
        if operation == "SendMessage":
            if params["QueueUrl"] in self.dead_letters.values():
                self.give_up_reasons.append(params["MessageAttributes"]["reason"]["StringValue"])
            self._event_sources.poll_soon(params["QueueUrl"])
        elif operation == "SendMessageBatch":
            self._event_sources.poll_soon(params["QueueUrl"])
        elif operation == "ChangeMessageVisibilityBatch":
            self._event_sources.poll_when_visible(params["QueueUrl"])
        return answer

    def _send_for_workflow(self, params: dict[str, Any]) -> Any:
        if self.faults.happens("error", self._random) or self.outages.hit("sqs", self._random):
            raise ServiceError("AmazonSQSException", "an internal error")
        return self._perform("sqs", "SendMessage", params)

    def _read_for_workflow(self, params: dict[str, Any]) -> Any:
        if self.faults.happens("error", self._random) or self.outages.hit("dynamodb", self._random):
            raise ServiceError("AmazonDynamoDBException", "an internal error")
        return self._perform("dynamodb", "GetItem", params)

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
        self.lambdas.invoke(
            function,
            payload,
            f"workflow {json.dumps(payload)} #{self._invoked_by_workflows}",
            ended,
        )

    def scheduled(self, function: str, event: dict[str, Any], key: str) -> None:
        """Do what EventBridge Scheduler does at a scheduled time. It delivers at least once."""
        for copy in range(2 if self.faults.happens("schedule_twice", self._random) else 1):
            self.engine.after(
                self._random.uniform(0, 5) * (copy + 1),
                partial(self.lambdas.retrying, function, event, f"{key}.{copy}"),
            )
