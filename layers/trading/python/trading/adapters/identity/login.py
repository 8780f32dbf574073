"""The tables that a log-in reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.runtime.observability import count, logger
from trading.domain.clients.client import ClientStatus
from trading.domain.clients.lockout import (
    FAILURES_REMEMBERED_FOR,
    FailedLogins,
    RecentFailures,
)
from trading.metrics import Metric

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableClients:
    """The port `Owners` for the keys of clients."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def is_active(self, owner_id: str) -> bool:
        answer = self._client.get_item(
            TableName=self._table, Key={"client_id": {"S": owner_id}}, ConsistentRead=True
        )
        return answer.get("Item", {}).get("status", {}).get("S") == ClientStatus.ACTIVE


class Operators:
    """The port `Owners` for the keys of operators, whose status is that of their keys."""

    def is_active(self, owner_id: str) -> bool:
        return True


class TableLoginFailures:
    """The port `LoginFailures` over the control table.

    It counts for unknown keys too. The time to live removes the counts. While the table does not
    answer, nothing is locked.
    """

    def __init__(self, client: DynamoDBClient, table: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._now = now

    def recent(self, api_key: str, address: str) -> RecentFailures:
        with_key, from_address = _names(api_key, address)
        found = self._read([with_key, from_address])
        return RecentFailures(with_key=found.get(with_key), from_address=found.get(from_address))

    def add(self, api_key: str, address: str) -> None:
        for name in _names(api_key, address):
            self._add(name)

    def forget(self, api_key: str, address: str) -> None:
        with_key, _ = _names(api_key, address)
        try:
            self._client.delete_item(TableName=self._table, Key=_key(with_key))
        except (ClientError, BotoCoreError):
            _unavailable()

    def _read(self, names: Sequence[str]) -> dict[str, FailedLogins]:
        """The counts by name, in one call. DynamoDB may leave keys out, which are asked for once
        more.
        """
        found: dict[str, FailedLogins] = {}
        request: Any = {
            self._table: {"Keys": [_key(name) for name in names], "ConsistentRead": True}
        }
        try:
            for _ in range(2):
                answer = self._client.batch_get_item(RequestItems=request)
                for item in answer["Responses"].get(self._table, []):
                    found[item["name"]["S"]] = FailedLogins(
                        number=int(item["failures"]["N"]),
                        last_at=datetime.fromtimestamp(float(item["failed_at"]["N"]), UTC),
                    )
                request = answer.get("UnprocessedKeys")
                if not request:
                    return found
            _unavailable()
        except (ClientError, BotoCoreError):
            _unavailable()
        return found

    def _add(self, name: str) -> None:
        now = int(self._now().timestamp())
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="ADD failures :one SET failed_at = :now, expires_at = :expires_at",
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":now": {"N": str(now)},
                    ":expires_at": {"N": str(now + int(FAILURES_REMEMBERED_FOR.total_seconds()))},
                },
            )
        except (ClientError, BotoCoreError):
            _unavailable()


def _names(api_key: str, address: str) -> tuple[str, str]:
    """The names of the two counts: of the key from this address, and of the address."""
    return f"LOGIN#{api_key}#{address}", f"LOGIN-FROM#{address}"


def _key(name: str) -> dict[str, Any]:
    return {"name": {"S": name}}


def origin(source_ip: str) -> str:
    """The address that failures are counted for. Of an IPv6 address it is the network of 64 bits,
    because one host can use all addresses of its network.
    """
    try:
        address = ip_address(source_ip)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ip_network((address, 64), strict=False))


def _unavailable() -> None:
    logger.warning("failed logins not counted: the control table does not answer", exc_info=True)
    count(Metric.LOGIN_GUARD_UNAVAILABLE)
