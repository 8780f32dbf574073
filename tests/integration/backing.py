"""The AWS resources that the functions find. They are created from the catalog that is also
deployed.
"""

import importlib
import json
import sys
from types import ModuleType
from typing import Any

import boto3
import pytest

from infra.catalog.grants import token_audience
from infra.catalog.names import MAILBOXES, SIGNING_KEYS
from infra.catalog.tables import TABLES, TableSpec
from trading.adapters.messaging.event_bus import SOURCE
from trading.domain.events import AggregateKind

PREFIX = "trading-test-"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "STAGE": "test",
    "LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "Trading",
    "VENUE_SECRET_PREFIX": f"{PREFIX}venue-",
    "EXCHANGE_IDS": "XNYS XNAS ARCX BATS",
    "PUSH_FUNCTION": f"{PREFIX}push",
    "STREAM_API_ID": "api1234567",
    "STREAM_API_STAGE": "stream",
    **{f"{name.upper()}_TABLE": PREFIX + name for name in TABLES},
}


def create_signing_keys(number: int = 1) -> dict[str, list[str]]:
    """Create `number` keys for each audience. Answers their ids."""
    kms: Any = boto3.client("kms")
    return {
        audience: [
            kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"][
                "KeyId"
            ]
            for _ in range(number)
        ]
        for audience in SIGNING_KEYS.values()
    }


def create_code_key() -> str:
    """Create the key that codes are derived from. Answers its id."""
    kms: Any = boto3.client("kms")
    made = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    return str(made["KeyMetadata"]["KeyId"])


def create_tables() -> Any:
    """Create every table of the catalog, with its indexes and its TTL. Answers the client."""
    client: Any = boto3.client("dynamodb")
    for name, spec in TABLES.items():
        _create_table(client, PREFIX + name, spec)
    return client


def _create_table(client: Any, name: str, spec: TableSpec) -> None:
    attributes = {*spec.key, *(key for keys in spec.indexes.values() for key in keys)}
    indexes = [
        {
            "IndexName": index,
            "KeySchema": _key_schema(keys),
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        for index, keys in spec.indexes.items()
    ]
    client.create_table(
        TableName=name,
        KeySchema=_key_schema(spec.key),
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": "S"} for each in sorted(attributes)
        ],
        BillingMode="PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )
    if spec.expires:
        client.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": spec.expires}
        )


def _key_schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {"AttributeName": key, "KeyType": kind}
        for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
    ]


def create_queues() -> dict[str, str]:
    """Create every mailbox, the queue of the bus, and their DLQs. Answers the URLs by variable
    name.
    """
    sqs: Any = boto3.client("sqs")
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    urls = {}
    for name in MAILBOXES:
        for variable, queue in (
            (f"{name.upper()}_QUEUE_URL", name),
            (f"{name.upper()}_DLQ_URL", f"{name}-dlq"),
        ):
            urls[variable] = sqs.create_queue(QueueName=f"{PREFIX}{queue}.fifo", Attributes=fifo)[
                "QueueUrl"
            ]
    for variable, queue in (("EVENTS_QUEUE_URL", "events"), ("EVENTS_DLQ_URL", "events-dlq")):
        urls[variable] = sqs.create_queue(QueueName=f"{PREFIX}{queue}")["QueueUrl"]
    return urls


def create_event_bus() -> str:
    """Create the bus, with the rule that puts the events of accounts into their queue. Answers the
    name of the bus.
    """
    events: Any = boto3.client("events")
    bus, rule = f"{PREFIX}events", f"{PREFIX}events-of-accounts"
    events.create_event_bus(Name=bus)
    pattern = {"source": [SOURCE], "detail": {"aggregate": {"kind": [AggregateKind.ACCOUNT]}}}
    events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern))
    queue = f"arn:aws:sqs:us-east-1:123456789012:{PREFIX}events"
    events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "log", "Arn": queue}])
    return bus


def cold_start(name: str) -> ModuleType:
    """The handler module of a function, imported anew, so that it reads its settings and makes its
    clients again. Its audience is the deployed one.
    """
    for part in ("handler", "settings"):
        sys.modules.pop(f"functions.{name}.{part}", None)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TOKEN_AUDIENCE", token_audience(name))
        return importlib.import_module(f"functions.{name}.handler")
