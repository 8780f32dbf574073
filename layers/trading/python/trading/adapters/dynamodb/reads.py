"""Reading tables: one item, many items, and lists page by page."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trading.adapters.dynamodb.loading import Model, load_entity
from trading.adapters.dynamodb.transactions import OverloadedError, from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_GET_LIMIT = 100
MAX_REFUSALS = 5


class TableReads:
    """Reads of any table. Reads of a table are strongly consistent, those of an index are not."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client

    def item(self, table: str, key: dict[str, str]) -> dict[str, Any] | None:
        """One item."""
        answer = self._client.get_item(TableName=table, Key=to_item(key), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def get(self, table: str, key: dict[str, str], model: type[Model]) -> Model | None:
        """One entity."""
        item = self.item(table, key)
        return None if item is None else load_entity(model, item)

    def get_many(self, table: str, keys: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
        """Items by their keys, in any order. Raises OverloadedError."""
        refusals = 0
        while keys:
            batch, keys = keys[:BATCH_GET_LIMIT], keys[BATCH_GET_LIMIT:]
            request: Any = {
                table: {"Keys": [to_item(key) for key in batch], "ConsistentRead": True}
            }
            answer = self._client.batch_get_item(RequestItems=request)
            yield from map(from_item, answer["Responses"].get(table, []))
            unprocessed = answer.get("UnprocessedKeys", {}).get(table)
            if unprocessed:
                keys += [from_item(key) for key in unprocessed["Keys"]]
                refusals = _pause(refusals)

    def query(
        self,
        table: str,
        condition: str,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
        index: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Items by a key condition, read page by page as the caller takes them.

        With a `limit` one page of that size is read, and no more.
        """
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
        }
        request |= {"ExpressionAttributeNames": names} if names else {}
        request |= {"IndexName": index} if index else {"ConsistentRead": True}
        request |= {"Limit": limit or page_size} if limit or page_size else {}
        while True:
            answer = self._client.query(**request)
            yield from map(from_item, answer["Items"])
            if limit or "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def page(
        self,
        table: str,
        condition: str,
        values: dict[str, Any],
        index: str,
        limit: int,
        start: dict[str, str] | None,
    ) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """One page of an index, and the key that it ended with if there may be another page.

        `start`: the key that the page before ended with.
        """
        request: dict[str, Any] = {
            "TableName": table,
            "IndexName": index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
            "Limit": limit,
        }
        request |= {"ExclusiveStartKey": to_item(start)} if start else {}
        answer = self._client.query(**request)
        last = answer.get("LastEvaluatedKey")
        return [*map(from_item, answer["Items"])], from_item(last) if last else None

    def count(self, table: str, condition: str, values: dict[str, Any], index: str) -> int:
        """How many items of an index meet a key condition. No item is transferred."""
        request: dict[str, Any] = {
            "TableName": table,
            "IndexName": index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
            "Select": "COUNT",
        }
        found = 0
        while True:
            answer = self._client.query(**request)
            found += answer["Count"]
            if "LastEvaluatedKey" not in answer:
                return found
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def newest_of_client(
        self,
        table: str,
        condition: str,
        values: dict[str, Any],
        limit: int,
        start: dict[str, str] | None = None,
    ) -> tuple[Iterator[dict[str, Any]], bool]:
        """One page of the index `by-client`, newest first, and whether there may be more.

        `start`: the key of the item that the page before ended with.
        """
        request: dict[str, Any] = {
            "TableName": table,
            "IndexName": "by-client",
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
            "ScanIndexForward": False,
            "Limit": limit,
        }
        request |= {"ExclusiveStartKey": to_item(start)} if start else {}
        answer = self._client.query(**request)
        return map(from_item, answer["Items"]), "LastEvaluatedKey" in answer


def _pause(refusals: int) -> int:
    """Wait before asking again for what DynamoDB left unprocessed, each time longer.

    Raises OverloadedError after the fifth time.
    """
    if refusals == MAX_REFUSALS:
        raise OverloadedError("the tables are overloaded", retry_after_seconds=1)
    time.sleep(random.uniform(0, 0.05 * 2**refusals))  # noqa: S311
    return refusals + 1
