"""Second factors, and what needs one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trading.adapters.dynamodb.entity_writes import Location, put_of
from trading.adapters.dynamodb.reads import TableReads
from trading.adapters.dynamodb.registry import FIRST_VERSION
from trading.adapters.dynamodb.transactions import commit, to_item
from trading.domain.clients.second_factor import SecondFactor, SecondFactorPolicy
from trading.usecases.ports import NotFoundError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableSecondFactors:
    """The port `SecondFactors`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def of(self, holder: str) -> SecondFactor:
        found = TableReads(self._client).get(self._table, {"holder": holder}, SecondFactor)
        return found or SecondFactor(holder=holder)

    def commit(self, factor: SecondFactor) -> None:
        location = Location(self._table, {"holder": factor.holder})
        commit(self._client, [put_of(factor, location)])


class ProfilePolicies:
    """The port `SecondFactorPolicies`. It writes two attributes of a profile, and its version."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def set(self, client_id: str, above: Decimal | None, withdrawals: bool | None = None) -> None:
        change, name = "SET version = if_not_exists(version, :first) + :one", "second_factor_above"
        if withdrawals is not None:
            change += ", second_factor_to_withdraw = :withdrawals"
        change += f" REMOVE {name}" if above is None else f", {name} = :above"
        try:
            self._client.update_item(
                TableName=self._table,
                Key=to_item({"client_id": client_id}),
                UpdateExpression=change,
                ConditionExpression="attribute_exists(client_id)",
                ExpressionAttributeValues=to_item(
                    {
                        ":first": FIRST_VERSION,
                        ":one": 1,
                        ":above": above,
                        ":withdrawals": withdrawals,
                    }
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise NotFoundError("There is no such client.", field="client_id") from None

    def of(self, client_id: str) -> SecondFactorPolicy:
        item = TableReads(self._client).item(self._table, {"client_id": client_id}) or {}
        return SecondFactorPolicy(
            orders_above=item.get("second_factor_above"),
            withdrawals=item.get("second_factor_to_withdraw", False),
        )
