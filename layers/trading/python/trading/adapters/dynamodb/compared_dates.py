"""Which settlement dates are compared with the depository, in the control table."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from trading.adapters.dynamodb.transactions import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAME = "SETTLEMENT#OPEN"


class TableComparedDates:
    """The port `ComparedDates`. Two runs at once may each write their date: both are true."""

    def __init__(self, client: DynamoDBClient, control_table: str) -> None:
        self._client = client
        self._table = control_table

    def open_since(self) -> date | None:
        """The date that the last comparison recorded. None before the first one."""
        answer = self._client.get_item(
            TableName=self._table, Key=to_item({"name": NAME}), ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        return date.fromisoformat(from_item(answer["Item"])["open_since"])

    def record(self, open_since: date) -> None:
        """Remember the settlement date before which everything is settled and compared."""
        item = {"name": NAME, "open_since": open_since.isoformat()}
        self._client.put_item(TableName=self._table, Item=to_item(item))
