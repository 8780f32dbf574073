"""Orders that want attention, in the sparse indexes `attention` and `review` of the orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from trading.adapters.dynamodb.keys import attention_shards, order_key
from trading.adapters.dynamodb.reads import TableReads
from trading.adapters.dynamodb.transactions import to_item
from trading.domain.orders.order import Order
from trading.domain.values import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableAttentionIndex:
    """The port `AttentionIndex`."""

    def __init__(self, client: DynamoDBClient, reads: TableReads, table: str) -> None:
        self._client = client
        self._reads = reads
        self._table = table

    def orders_due(self, now: datetime, limit: int, shard: str | None = None) -> Sequence[str]:
        """Orders that want attention by now, the longest overdue of each shard first.

        `shard`: of this shard only.
        """
        due: list[str] = []
        shards = [shard] if shard else attention_shards()
        for shard in shards:
            items = self._reads.query(
                self._table,
                "attention_shard = :shard AND attention_at <= :now",
                {":shard": shard, ":now": iso(now)},
                index="attention",
                limit=limit // len(shards),
            )
            due += [item["order_id"] for item in items]
        return due

    def open_order_ids(self) -> Iterator[str]:
        """All orders that want attention now or later."""
        for shard in attention_shards():
            for item in self._reads.query(
                self._table, "attention_shard = :shard", {":shard": shard}, index="attention"
            ):
                yield item["order_id"]

    def orders_in_review(self, limit: int) -> Sequence[str]:
        """Orders that are flagged for review by people, the oldest of each shard first."""
        flagged: list[str] = []
        shards = attention_shards()
        for shard in shards:
            items = self._reads.query(
                self._table,
                "review_shard = :shard",
                {":shard": shard},
                index="review",
                limit=limit // len(shards),
            )
            flagged += [item["order_id"] for item in items]
        return flagged

    def postpone(self, order: Order, until: datetime) -> None:
        """Look at the order again later. An order that has moved on stays as it is."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=to_item(order_key(order.order_id)),
                UpdateExpression="SET attention_at = :until",
                ConditionExpression="version = :version",
                ExpressionAttributeValues=to_item(
                    {":until": iso(until), ":version": order.version}
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return
