"""Orders that want attention, in the sparse indexes `attention` and `review` of the orders."""

from __future__ import annotations

from collections.abc import Sequence
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

    def attention_shards(self) -> Sequence[str]:
        """The parts of the index. Each order is in one of them."""
        return attention_shards()

    def orders_in(
        self, shard: str, after: str | None, limit: int
    ) -> tuple[Sequence[str], str | None]:
        """The orders of a shard that want attention now or later, by the time and the id.

        The second value is where the page ended. It is None if the page is the last one.
        """
        items, last = self._reads.page(
            self._table,
            "attention_shard = :shard",
            {":shard": shard},
            "attention",
            limit,
            _start(shard, after) if after else None,
        )
        end = f"{last['attention_at']}#{last['order_id']}" if last else None
        return [item["order_id"] for item in items], end

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


def _start(shard: str, after: str) -> dict[str, str]:
    """The key in the index after which a page begins."""
    attention_at, _, order_id = after.partition("#")
    return {
        "attention_shard": shard,
        "attention_at": attention_at,
        **order_key(order_id),
    }
