"""Access to DynamoDB that the venues' stores share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config

from simulators.retries import ConflictError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLIENT_CONFIG = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
)
"""For AWS clients. A call that hangs is cut off and repeated well within the timeout of a function.
"""

ASK_ONCE = CLIENT_CONFIG.merge(Config(read_timeout=2, retries={"total_max_attempts": 1}))
"""For a call that has a recovery path. The caller does not wait for a repetition."""

Item = dict[str, Any]
_LOST_RACE = {"ConditionalCheckFailed", "TransactionConflict"}


class Table:
    """A table with string keys `pk` and `sk`. The client takes native Python types
    (`resource.meta.client`).
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self.client = client
        self.name = name

    def get(self, pk: str, sk: str) -> Item | None:
        """The item without its keys. The read is strongly consistent."""
        item = self.client.get_item(
            TableName=self.name, Key={"pk": pk, "sk": sk}, ConsistentRead=True
        ).get("Item")
        return without_keys(item) if item else None

    def query(self, pk: str, prefix: str | None = None, **options: Any) -> Iterator[Item]:
        """Every item of a partition, with its keys. `prefix` selects by the start of `sk`. The
        reads are strongly consistent.
        """
        condition, values = "pk = :pk", {":pk": pk}
        if prefix is not None:
            condition, values = (
                f"{condition} AND begins_with(sk, :prefix)",
                {**values, ":prefix": prefix},
            )
        values.update(options.pop("ExpressionAttributeValues", {}))
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            **options,
        )
        for page in pages:
            yield from page["Items"]

    def transact(self, actions: Sequence[Item]) -> None:
        """Write all actions or none. Raises ConflictError if a condition fails or another
        transaction is under way.
        """
        try:
            self.client.transact_write_items(TransactItems=cast(Any, actions))
        except self.client.exceptions.TransactionCanceledException as error:
            codes = {
                reason.get("Code", "None")
                for reason in error.response.get("CancellationReasons", [])
            }
            if codes - {"None"} <= _LOST_RACE:
                raise ConflictError from error
            raise

    def put(self, item: Item, condition: str | None = None, **options: Any) -> Item:
        """An action of a transaction: put the item if the condition holds."""
        conditional = {"ConditionExpression": condition, **options} if condition else {}
        return {"Put": {"TableName": self.name, "Item": item, **conditional}}

    def write(self, call: Callable[..., object], **request: Any) -> None:
        """Make one conditional write. Raises ConflictError if its condition fails."""
        try:
            call(TableName=self.name, **request)
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise ConflictError from error


def without_keys(item: Mapping[str, Any]) -> Item:
    """The item in the form that its model takes."""
    return {name: value for name, value in item.items() if name not in ("pk", "sk")}
