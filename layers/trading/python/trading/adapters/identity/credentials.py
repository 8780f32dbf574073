"""API keys as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.transactions import from_item
from trading.domain.clients.credentials import CLIENT_AUDIENCE, INTERNAL_AUDIENCE, Credential

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def read_credential(client: DynamoDBClient, table: str, api_key: str) -> Credential | None:
    """An API key as it is stored now."""
    answer = client.get_item(TableName=table, Key={"api_key": {"S": api_key}}, ConsistentRead=True)
    if "Item" not in answer:
        return None
    return load_entity(Credential, from_item(answer["Item"]))


class TableCredentials:
    """The port `Credentials`. It reads strongly consistent and caches nothing."""

    def __init__(self, client: DynamoDBClient, table: str, audience: str) -> None:
        self._client = client
        self._table = table
        self._audience = audience

    @classmethod
    def of_clients(cls, client: DynamoDBClient, table: str) -> Self:
        return cls(client, table, CLIENT_AUDIENCE)

    @classmethod
    def of_operators(cls, client: DynamoDBClient, table: str) -> Self:
        return cls(client, table, INTERNAL_AUDIENCE)

    def credential(self, api_key: str) -> Credential | None:
        found = read_credential(self._client, self._table, api_key)
        return found if found and found.audience == self._audience else None
