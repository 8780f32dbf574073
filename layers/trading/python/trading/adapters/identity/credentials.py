"""API keys as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading.adapters.dynamodb.transactions import from_item
from trading.domain.clients.credentials import Credential

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def read_credential(client: DynamoDBClient, table: str, api_key: str) -> Credential | None:
    """An API key as it is stored now."""
    answer = client.get_item(TableName=table, Key={"api_key": {"S": api_key}}, ConsistentRead=True)
    if "Item" not in answer:
        return None
    return Credential.model_validate(from_item(answer["Item"]))
