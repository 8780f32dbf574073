"""Conditional writes to DynamoDB, all or nothing. Every refusal is mapped by its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.usecases.ports import StaleError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()

RACES = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
OVERLOADS = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})


class OverloadedError(DomainError):
    """The tables refuse more work at the moment. Nothing was written."""

    code = ErrorCode.OVERLOADED
    kind = ErrorKind.UNAVAILABLE


def to_item(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """An item in DynamoDB's format. Attributes that are None or an empty tuple are left out."""
    return {
        name: _serializer.serialize(value)
        for name, value in attributes.items()
        if value is not None and value != ()
    }


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an item."""
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


@dataclass(frozen=True)
class Write:
    """One conditional write: a put of `item`, or a delete of `key` if there is no item."""

    table: str
    condition: str
    item: dict[str, Any] | None = None
    key: dict[str, Any] | None = None
    names: Mapping[str, str] | None = None
    values: Mapping[str, Any] | None = None

    def request(self) -> dict[str, Any]:
        """The parameters of PutItem or DeleteItem."""
        request: dict[str, Any] = {"TableName": self.table, "ConditionExpression": self.condition}
        request |= {"Item": self.item} if self.item is not None else {"Key": self.key}
        if self.names:
            request["ExpressionAttributeNames"] = self.names
        if self.values:
            request["ExpressionAttributeValues"] = self.values
        return request


def commit(client: DynamoDBClient, writes: Sequence[Write]) -> None:
    """Write all or nothing. Raises StaleError, OverloadedError.

    StaleError: a condition failed, or another transaction holds an item.
    A single write needs no transaction and costs half.
    If the answer of a transaction is lost, botocore repeats it under the same client request token,
    so it is applied once. If all answers are lost, this raises botocore's error. The caller's next
    try then fails on the conditions and sees what was written.
    """
    try:
        if len(writes) == 1:
            (write,) = writes
            if write.item is not None:
                client.put_item(**write.request())
            else:
                client.delete_item(**write.request())
        else:
            items: Any = [{"Put" if w.item is not None else "Delete": w.request()} for w in writes]
            client.transact_write_items(TransactItems=items)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code == "TransactionCanceledException":
            reasons = {
                str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])
            }
            if reasons & RACES and not reasons - RACES - OVERLOADS - {"None"}:
                raise StaleError from error
            if reasons & OVERLOADS and not reasons - OVERLOADS - {"None"}:
                raise OverloadedError("the tables are overloaded", retry_after_seconds=1) from error
        if code in (
            "ConditionalCheckFailedException",
            "TransactionConflictException",
            "TransactionInProgressException",
        ):
            raise StaleError from error
        raise
