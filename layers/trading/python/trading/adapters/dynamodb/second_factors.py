"""Second factors, and what needs one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trading.adapters.dynamodb.entity_writes import Location, put_of
from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.names import EVENT_ATTRIBUTE
from trading.adapters.dynamodb.reads import TableReads
from trading.adapters.dynamodb.registry import FIRST_VERSION
from trading.adapters.dynamodb.transactions import commit, to_item
from trading.domain.clients.second_factor import SecondFactor, SecondFactorPolicy
from trading.usecases.ports import Clock, NotFoundError, StaleError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NEVER_CHANGED = "attribute_not_exists(version) OR version <= :seen"
"""A seeded profile has no version, or version 0."""


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
    """The port `SecondFactorPolicies`. It writes two attributes of a profile, its version, and the
    event of the change.
    """

    def __init__(self, client: DynamoDBClient, table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def set(self, client_id: str, above: Decimal | None, withdrawals: bool | None = None) -> None:
        item = TableReads(self._client).item(self._table, {"client_id": client_id})
        if item is None:
            raise NotFoundError("There is no such client.", field="client_id")
        seen = int(item.get("version") or FIRST_VERSION)
        unchanged = NEVER_CHANGED if seen == FIRST_VERSION else "version = :seen"
        change = "SET version = :version, #event = :event"
        if withdrawals is not None:
            change += ", second_factor_to_withdraw = :withdrawals"
        name = "second_factor_above"
        change += f" REMOVE {name}" if above is None else f", {name} = :above"
        try:
            self._client.update_item(
                TableName=self._table,
                Key=to_item({"client_id": client_id}),
                UpdateExpression=change,
                ConditionExpression=f"attribute_exists(client_id) AND ({unchanged})",
                ExpressionAttributeNames={"#event": EVENT_ATTRIBUTE},
                ExpressionAttributeValues=to_item(
                    {
                        ":seen": seen,
                        ":version": seen + 1,
                        ":event": self._event(item | {"version": seen}),
                        ":above": above,
                        ":withdrawals": withdrawals,
                    }
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise StaleError from None

    def _event(self, item: Mapping[str, Any]) -> str:
        """The event of the change. Log-ins start faster without these imports."""
        from trading.adapters.dynamodb.event_text import packed
        from trading.domain.clients.client import Client
        from trading.domain.events import event_led_by

        client = load_entity(Client, item)
        return packed(event_led_by(client, [client], self._clock()))

    def of(self, client_id: str) -> SecondFactorPolicy:
        item = TableReads(self._client).item(self._table, {"client_id": client_id}) or {}
        return SecondFactorPolicy(
            orders_above=item.get("second_factor_above"),
            withdrawals=item.get("second_factor_to_withdraw", False),
        )
