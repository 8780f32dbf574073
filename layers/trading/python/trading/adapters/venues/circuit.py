"""The record of an exchange's latest outage: what opened the circuit, and when. The item of the
circuit itself has no room for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.circuit_breaker import CircuitState, CircuitTransition

from trading.adapters.dynamodb.transactions import OverloadedError, from_item, to_item
from trading.domain.values import Frozen, Timestamp, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_CAUSE = 500


class Outage(Frozen):
    """The latest outage of an exchange. `failures` counts the calls that opened the circuit and the
    failed probes since.
    """

    exchange_id: str
    opened_at: Timestamp
    cause: str
    failures: int
    last_failed_at: Timestamp
    last_error: str
    closed_at: Timestamp | None = None


def outage_name(exchange_id: str) -> str:
    """The name of the outage's item in the control table."""
    return f"OUTAGE#{exchange_id}"


def record(
    client: DynamoDBClient,
    table: str,
    exchange_id: str,
    transition: CircuitTransition,
    cause: str,
    threshold: int,
    now: datetime,
) -> None:
    """Record a transition with one write: the circuit opened, or a probe failed or succeeded."""
    if transition.to_state is CircuitState.HALF_OPEN:
        return
    values: dict[str, Any] = {":now": iso(now)}
    if transition.to_state is CircuitState.CLOSED:
        update = "SET closed_at = :now"
    else:
        values |= {":cause": cause[:MAX_CAUSE]}
        update = "SET last_failed_at = :now, last_error = :cause"
        if transition.from_state is CircuitState.CLOSED:
            update += (
                ", opened_at = :now, cause = :cause, failures = :failures, exchange_id = :exchange "
                "REMOVE closed_at"
            )
            values |= {":failures": threshold, ":exchange": exchange_id}
        else:
            update += " ADD failures :one"
            values |= {":one": 1}
    client.update_item(
        TableName=table,
        Key=to_item({"name": outage_name(exchange_id)}),
        UpdateExpression=update,
        ExpressionAttributeValues=to_item(values),
    )


def outage_of(item: dict[str, Any]) -> Outage | None:
    """The outage in an item; None if the first write of it was lost."""
    known = {name: value for name, value in item.items() if name in Outage.model_fields}
    return Outage.model_validate(known) if known.keys() >= _REQUIRED else None


_REQUIRED = {name for name, field in Outage.model_fields.items() if field.is_required()}


def control_items(
    client: DynamoDBClient, table: str, names: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """At most 100 items of the control table by name, read consistently. Raises OverloadedError."""
    request: Any = {
        table: {"Keys": [to_item({"name": name}) for name in names], "ConsistentRead": True}
    }
    answer = client.batch_get_item(RequestItems=request)
    if answer.get("UnprocessedKeys"):
        raise OverloadedError("the control table is overloaded", retry_after_seconds=1)
    return {item["name"]: item for item in map(from_item, answer["Responses"].get(table, []))}
