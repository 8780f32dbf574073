"""The same tables in the simulated DynamoDB, in moto and in the local AWS."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.catalog.tables import TableSpec
from local.aws_client import aws_client
from tests.simulation.boto import simulated_client
from tests.simulation.contracts.backends import BACKENDS
from tests.simulation.services.dynamodb import DynamoDB
from workstation.local_system import ACCOUNT, LocalSystem

SPECS = {
    "things": TableSpec(("id",)),
    "accounts": TableSpec(
        ("client_id", "item"), indexes={"obligations-due": ("due_date", "client_id")}
    ),
}
_unique = count()


@dataclass(frozen=True)
class Tables:
    """A client, and tables that exist for this test alone."""

    client: Any
    names: Mapping[str, str]

    @property
    def things(self) -> str:
        """A table with the key id."""
        return self.names["things"]

    @property
    def accounts(self) -> str:
        """A table with the key client_id, item, and the index obligations-due (due_date,
        client_id).
        """
        return self.names["accounts"]

    def put(self, item: dict[str, Any], table: str = "things", **options: Any) -> Any:
        return self.client.put_item(TableName=self.names[table], Item=item, **options)

    def get(self, key: dict[str, Any], table: str = "things", **options: Any) -> Any:
        """The item, read consistently, or None."""
        answer = self.client.get_item(
            TableName=self.names[table], Key=key, ConsistentRead=True, **options
        )
        return answer.get("Item")


def without(**reasons: str) -> pytest.MarkDecorator:
    """Leave backends out of a test. The reason says how each differs from AWS's documents."""
    return pytest.mark.parametrize(
        "tables", [name for name in BACKENDS if name not in reasons], indirect=True
    )


def tables_in(
    kind: str,
    request: pytest.FixtureRequest,
    specs: Mapping[str, TableSpec],
    *,
    native: bool = False,
) -> Tables:
    """New tables in `simulated`, `moto` or `local`. With `native` the client uses Python types."""
    names = {name: f"{name}-{next(_unique)}" for name in specs}
    if kind == "simulated":
        service = DynamoDB(time.time, Random(0))
        for name, spec in specs.items():
            service.create_table(names[name], spec.key, spec.indexes, spec.expires)
        return Tables(simulated_client("dynamodb", service, validate=True, native=native), names)
    if kind == "moto":
        request.getfixturevalue("moto_aws")
        client: Any = boto3.client("dynamodb")
    else:
        client = _local_client(request.getfixturevalue("local_aws"))
    for name, spec in specs.items():
        _create(client, names[name], spec)
    if native:
        client = boto3.resource(
            "dynamodb",
            endpoint_url=client.meta.endpoint_url,
            region_name=client.meta.region_name,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="local",
        ).meta.client
    return Tables(client, names)


@cache
def _local_client(system: LocalSystem) -> Any:
    return aws_client(system, "dynamodb")


def _create(client: Any, name: str, spec: TableSpec) -> None:
    attributes = {*spec.key, *(key for keys in spec.indexes.values() for key in keys)}
    indexes = [
        {
            "IndexName": index,
            "KeySchema": _schema(keys),
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        for index, keys in spec.indexes.items()
    ]
    client.create_table(
        TableName=name,
        KeySchema=_schema(spec.key),
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": "S"} for each in sorted(attributes)
        ],
        BillingMode="PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )


def _schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {"AttributeName": key, "KeyType": kind}
        for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
    ]


def refusal(call: Any, **params: Any) -> str:
    """The error code of a call, or an empty text if it was accepted."""
    try:
        call(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""
