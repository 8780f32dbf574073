"""What is settled and compared with the depository, in the control table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading.adapters.dynamodb.transactions import from_item, to_item
from trading.usecases.posttrade.reconcile_settlement import Compared

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAME = "SETTLEMENT#OPEN"


class TableComparedDates:
    """The port `ComparedDates`.

    Two runs at once may each write their record: both are true, and the older one only has more
    compared again. A record of an earlier release has no `ends`.
    """

    def __init__(self, client: DynamoDBClient, control_table: str) -> None:
        self._client = client
        self._table = control_table

    def last(self) -> Compared | None:
        """What the last comparison recorded. None before the first one."""
        answer = self._client.get_item(
            TableName=self._table, Key=to_item({"name": NAME}), ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        item = from_item(answer["Item"])
        return Compared(open_since=item["open_since"], ends=item.get("ends", {}))

    def record(self, compared: Compared) -> None:
        """Remember what is settled and compared."""
        item = {"name": NAME, **compared.model_dump(mode="json")}
        self._client.put_item(TableName=self._table, Item=to_item(item))
