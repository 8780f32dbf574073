"""The tables that a log-in reads and writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.dynamodb.transactions import from_item
from trading.adapters.runtime.observability import count, logger
from trading.domain.clients.client import ClientStatus
from trading.domain.clients.credentials import Credential
from trading.domain.clients.lockout import FAILURES_REMEMBERED_FOR, FailedLogins
from trading.metrics import Metric

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableCredentials:
    """The port `Credentials` over the tables. It reads strongly consistent and caches nothing."""

    def __init__(self, client: DynamoDBClient, credentials_table: str, clients_table: str) -> None:
        self._client = client
        self._credentials_table = credentials_table
        self._clients_table = clients_table

    def credential(self, api_key: str) -> Credential | None:
        answer = self._client.get_item(
            TableName=self._credentials_table, Key={"api_key": {"S": api_key}}, ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        return Credential.model_validate(from_item(answer["Item"]))

    def client_is_active(self, client_id: str) -> bool:
        answer = self._client.get_item(
            TableName=self._clients_table,
            Key={"client_id": {"S": client_id}},
            ConsistentRead=True,
        )
        return answer.get("Item", {}).get("status", {}).get("S") == ClientStatus.ACTIVE


class TableLoginFailures:
    """The port `LoginFailures` over the control table.

    It counts for unknown keys too. The time to live removes the counts. While the table does not
    answer, no key is locked.
    """

    def __init__(self, client: DynamoDBClient, table: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._now = now

    def failed_logins(self, api_key: str) -> FailedLogins | None:
        try:
            item = self._client.get_item(
                TableName=self._table, Key=_key(api_key), ConsistentRead=True
            ).get("Item")
        except (ClientError, BotoCoreError):
            _unavailable()
            return None
        if item is None:
            return None
        return FailedLogins(
            number=int(item["failures"]["N"]),
            last_at=datetime.fromtimestamp(float(item["failed_at"]["N"]), UTC),
        )

    def add(self, api_key: str) -> None:
        now = int(self._now().timestamp())
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(api_key),
                UpdateExpression="ADD failures :one SET failed_at = :now, expires_at = :expires_at",
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":now": {"N": str(now)},
                    ":expires_at": {"N": str(now + int(FAILURES_REMEMBERED_FOR.total_seconds()))},
                },
            )
        except (ClientError, BotoCoreError):
            _unavailable()

    def forget(self, api_key: str) -> None:
        try:
            self._client.delete_item(TableName=self._table, Key=_key(api_key))
        except (ClientError, BotoCoreError):
            _unavailable()


def _key(api_key: str) -> dict[str, Any]:
    return {"name": {"S": f"LOGIN#{api_key}"}}


def _unavailable() -> None:
    logger.warning("failed logins not counted: the control table does not answer", exc_info=True)
    count(Metric.LOGIN_GUARD_UNAVAILABLE)
