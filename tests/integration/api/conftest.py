import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from tests.fakes.api_events import Context, request
from tests.fakes.builders import make_client
from tests.fakes.clock import Clock
from tests.fakes.signing import signed_log_in
from tests.integration.backing import cold_start, create_code_key, create_signing_keys
from trading.adapters.dynamodb.transactions import to_item
from trading.adapters.identity import passwords, signature_keys
from trading.domain.clients.credentials import (
    INTERNAL_AUDIENCE,
    Credential,
    CredentialStatus,
    StoredSecret,
)

if TYPE_CHECKING:
    from types import ModuleType

TABLES = {
    "clients": "client_id",
    "credentials": "api_key",
    "factors": "holder",
    "idempotency": "id",
    "control": "name",
}
EXCHANGE_SECRET = "the secret that XNYS signs with, shared"


@cache
def _secret(api_key: str) -> tuple[str, StoredSecret]:
    secret = passwords.generate_secret()
    return secret, passwords.stored(secret)


@cache
def _key_pair(api_key: str) -> tuple[str, str]:
    return signature_keys.new_key_pair()


@dataclass
class World:
    """The resources that the functions find in AWS, and the functions themselves."""

    dynamodb: Any
    sqs: Any
    secrets_manager: Any
    kms: Any
    queue_url: str
    environment: pytest.MonkeyPatch
    signing_keys: dict[str, list[str]]
    secrets: dict[str, str] = field(default_factory=dict)
    private_keys: dict[str, str] = field(default_factory=dict)
    """In PEM, by API key."""
    _warm: dict[str, "ModuleType"] = field(default_factory=dict)
    _kept: dict[str, str] = field(default_factory=dict)

    def add_client(self, client_id: str, status: str = "ACTIVE") -> None:
        client = make_client(client_id=client_id, status=status)
        item = to_item(client.model_dump(exclude_defaults=True) | {"status": status})
        self.dynamodb.put_item(TableName="trading-test-clients", Item=item)

    def add_exchange(self, exchange_id: str, **status: str) -> None:
        item = {"kind": "EXCHANGE", "id": exchange_id, "exchange_id": exchange_id, **status}
        self.dynamodb.put_item(TableName="trading-test-reference", Item=to_item(item))

    def add_credential(self, api_key: str, **overrides: Any) -> None:
        secret, stored = _secret(api_key)
        self.secrets[api_key] = secret
        credential = Credential(
            api_key=api_key,
            client_id=overrides.pop("client_id", "alice"),
            secrets=overrides.pop("secrets", (stored,)),
            permissions=("orders:read", "orders:write"),
            **overrides,
        )
        self.dynamodb.put_item(
            TableName="trading-test-credentials", Item=to_item(credential.model_dump())
        )

    def add_program(self, api_key: str, **overrides: Any) -> None:
        """An API key with a registered public key. It signs its log-ins."""
        self.private_keys[api_key], public_key = _key_pair(api_key)
        self.add_credential(api_key, public_key=public_key, **overrides)

    def log_in_event(self, api_key: str, key: str = "key-1", **body: Any) -> dict[str, Any]:
        """The log-in of an API key without a signature."""
        sent = {"api_key": api_key, "api_secret": self.secrets.get(api_key, "?")} | body
        return request("POST", "/api/v1/auth/token", sent, headers={"Idempotency-Key": key})

    def signed_log_in_event(self, api_key: str, key: str = "key-1", **body: Any) -> dict[str, Any]:
        """The log-in of a program."""
        event = self.log_in_event(api_key, key, **body)
        return signed_log_in(event, self.private_keys[api_key], datetime.now(UTC), api_key)

    def use_signing_keys(self, keys: dict[str, list[str]]) -> None:
        """Deploy the functions with these keys by audience."""
        self.signing_keys = keys
        self.environment.setenv("SIGNING_KEYS", json.dumps(keys))
        self.cool()

    def items(self, table: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.dynamodb.scan(TableName=f"trading-test-{table}")["Items"]
        return found

    def messages(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        new = []
        for message in answer.get("Messages", []):
            if self._is_new(message):
                new.append(message)
            else:
                self.sqs.delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return new

    def _is_new(self, message: dict[str, Any]) -> bool:
        """Whether SQS would have delivered the message. The mock forgets the deduplication id of a
        message that was deleted.
        """
        kept = self._kept.setdefault(
            message["Attributes"]["MessageDeduplicationId"], message["MessageId"]
        )
        return bool(kept == message["MessageId"])

    def function(self, name: str) -> "ModuleType":
        """The module of a function. It starts cold at its first use in a test and after `cool`."""
        if name not in self._warm:
            self._warm[name] = cold_start(name)
        return self._warm[name]

    def cool(self) -> None:
        """Make every function start cold from now on."""
        self._warm.clear()

    def call(self, name: str, event: dict[str, Any]) -> Any:
        return self.function(name).handler(event, Context())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "STAGE": "test",
        "LOG_LEVEL": "INFO",
        "POWERTOOLS_SERVICE_NAME": "test",
        "POWERTOOLS_METRICS_NAMESPACE": "Trading",
        "VENUE_SECRET_PREFIX": "trading-test-venue-",
        "EXCHANGE_IDS": "XNYS",
        "REFERENCE_TABLE": "trading-test-reference",
        **{f"{table.upper()}_TABLE": f"trading-test-{table}" for table in TABLES},
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        dynamodb = boto3.client("dynamodb")
        for table, key in TABLES.items():
            dynamodb.create_table(
                TableName=f"trading-test-{table}",
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        keys = {"kind": "HASH", "id": "RANGE"}
        dynamodb.create_table(
            TableName="trading-test-reference",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.create_table(
            TableName="trading-test-audit",
            KeySchema=[
                {"AttributeName": "subject", "KeyType": "HASH"},
                {"AttributeName": "at", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("subject", "at")
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        monkeypatch.setenv("AUDIT_TABLE", "trading-test-audit")
        monkeypatch.setenv("SECOND_FACTOR_KEY", create_code_key())
        secrets_manager = boto3.client("secretsmanager")
        secrets_manager.create_secret(Name="trading-test-venue-XNYS", SecretString=EXCHANGE_SECRET)
        sqs = boto3.client("sqs")
        queue_url = sqs.create_queue(
            QueueName="trading-test-execution.fifo",
            Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"},
        )["QueueUrl"]
        monkeypatch.setenv("EXECUTION_QUEUE_URL", queue_url)
        world = World(
            dynamodb,
            sqs,
            secrets_manager,
            boto3.client("kms"),
            queue_url,
            monkeypatch,
            create_signing_keys(),
        )
        world.use_signing_keys(world.signing_keys)
        world.add_exchange("XNYS")
        world.add_client("alice")
        world.add_credential("key-alice")
        world.add_client("ivan", status="INACTIVE")
        world.add_credential("key-ivan", client_id="ivan")
        world.add_credential("key-revoked", status=CredentialStatus.INACTIVE)
        world.add_program("key-internal", client_id="operations", audience=INTERNAL_AUDIENCE)
        yield world


@pytest.fixture
def clock() -> Clock:
    return Clock()
