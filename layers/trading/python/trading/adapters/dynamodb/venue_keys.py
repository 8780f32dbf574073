"""The status of the key of each exchange, from the item of the exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trading.adapters.dynamodb.keys import exchange_key
from trading.adapters.dynamodb.transactions import from_item, to_item
from trading.domain.clients.venue_keys import VenueKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableVenueKeys:
    """The keys of the exchanges, over the table `reference`. Each read is strongly consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def key(self, venue: str) -> VenueKey | None:
        """The key of an exchange."""
        answer = self._client.get_item(
            TableName=self._table, Key=to_item(exchange_key(venue)), ConsistentRead=True
        )
        return _loaded(answer["Item"]) if "Item" in answer else None

    def is_active(self, venue: str) -> bool:
        """Whether the exchange has an active key."""
        key = self.key(venue)
        return key is not None and key.is_active


def _loaded(item: Mapping[str, Any]) -> VenueKey:
    found = from_item(item)
    kept = {name: found[name] for name in VenueKey.model_fields if name in found}
    return VenueKey.model_validate(kept)
