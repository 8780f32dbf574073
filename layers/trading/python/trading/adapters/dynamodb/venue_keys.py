"""The status of the key of each exchange, in the item of the exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trading.adapters.dynamodb.transactions import from_item, to_item
from trading.domain.clients.credentials import CredentialStatus
from trading.domain.clients.venue_keys import VenueKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableVenueKeys:
    """The port `VenueKeys`, over the table `reference`. Each read is strongly consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def key(self, venue: str) -> VenueKey | None:
        """The key of an exchange."""
        answer = self._client.get_item(
            TableName=self._table, Key=_location(venue), ConsistentRead=True
        )
        return _loaded(answer["Item"]) if "Item" in answer else None

    def is_active(self, venue: str) -> bool:
        """Whether the exchange has an active key."""
        key = self.key(venue)
        return key is not None and key.is_active

    def set_status(self, venue: str, status: CredentialStatus) -> VenueKey | None:
        """Disable or enable a key. Concurrent changes of other attributes stand."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=_location(venue),
                UpdateExpression="SET key_status = :status",
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeValues=to_item({":status": status}),
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return _loaded(answer["Attributes"])


def _location(venue: str) -> dict[str, Any]:
    return to_item({"kind": "EXCHANGE", "id": venue})


def _loaded(item: Mapping[str, Any]) -> VenueKey:
    found = from_item(item)
    kept = {name: found[name] for name in VenueKey.model_fields if name in found}
    return VenueKey.model_validate(kept)
