"""API keys and their secrets: who may have a token, and how guessing is slowed down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.dynamodb.transactions import from_item
from trading.adapters.identity import passwords
from trading.adapters.runtime.observability import count, logger
from trading.domain.clients.client import ClientStatus
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, Credential, CredentialStatus
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.metrics import Metric

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FREE_FAILURES = 5
FIRST_LOCK = timedelta(seconds=5)
LONGEST_LOCK = timedelta(minutes=15)
FAILURES_REMEMBERED_FOR = timedelta(hours=1)


class InvalidCredentialsError(DomainError):
    """Unknown key or wrong secret: not told apart."""

    code = ErrorCode.INVALID_CREDENTIALS
    kind = ErrorKind.UNAUTHENTICATED


class ClientInactiveError(DomainError):
    """The secret is right, but the client or the credential is not active."""

    code = ErrorCode.CLIENT_INACTIVE
    kind = ErrorKind.FORBIDDEN


class LoginLockedError(DomainError):
    """Too many failures with this key of late."""

    code = ErrorCode.LOGIN_LOCKED
    kind = ErrorKind.THROTTLED


def lock_after(failures: int) -> timedelta:
    """How long a key is locked after its n-th failure in a row: 5 s after the 5th, then doubling up
    to 15 minutes.
    """
    if failures < FREE_FAILURES:
        return timedelta(0)
    doublings = min(failures - FREE_FAILURES, 16)
    return min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


class Login:
    """Checks API keys and secrets. For an unknown key the same work is done as for a known one."""

    def __init__(
        self,
        client: DynamoDBClient,
        credentials_table: str,
        clients_table: str,
        control_table: str,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._credentials_table = credentials_table
        self._clients_table = clients_table
        self._now = now
        self._failures = _Failures(client, control_table, now)

    def authenticate(self, api_key: str, secret: str) -> Credential:
        """The credential. Raises LoginLockedError, InvalidCredentialsError, ClientInactiveError, in
        this order.
        """
        failures = self._failures.check(api_key)
        credential = self._credential(api_key)
        hashes = credential.valid_hashes(self._now()) if credential else ()
        if not passwords.matches(secret, hashes) or credential is None:
            self._failures.add(api_key)
            raise InvalidCredentialsError("The API key or the secret is wrong.")
        if failures:
            self._failures.forget(api_key)
        if credential.status is not CredentialStatus.ACTIVE or not self._client_is_active(
            credential
        ):
            raise ClientInactiveError("This client may not log in.")
        return credential

    def _credential(self, api_key: str) -> Credential | None:
        answer = self._client.get_item(
            TableName=self._credentials_table, Key={"api_key": {"S": api_key}}, ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        return Credential.model_validate(from_item(answer["Item"]))

    def _client_is_active(self, credential: Credential) -> bool:
        if credential.audience == INTERNAL_AUDIENCE:  # a service, not a client
            return True
        answer = self._client.get_item(
            TableName=self._clients_table,
            Key={"client_id": {"S": credential.client_id}},
            ConsistentRead=True,
        )
        return answer.get("Item", {}).get("status", {}).get("S") == ClientStatus.ACTIVE


class _Failures:
    """Failed logins in a row by key, known or not. TTL forgets them; without the control table
    nobody is locked out.
    """

    def __init__(self, client: DynamoDBClient, table: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._now = now

    def check(self, api_key: str) -> int:
        """How many failures stand against the key. Raises LoginLockedError while it is locked."""
        try:
            item = self._client.get_item(
                TableName=self._table, Key=_key(api_key), ConsistentRead=True
            ).get("Item")
        except (ClientError, BotoCoreError):
            return _unavailable()
        if item is None:
            return 0
        failures = int(item["failures"]["N"])
        unlocked_at = float(item["failed_at"]["N"]) + lock_after(failures).total_seconds()
        wait = unlocked_at - self._now().timestamp()
        if wait > 0:
            raise LoginLockedError(
                "Too many failed attempts with this key.", retry_after_seconds=int(wait) + 1
            )
        return failures

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


def _unavailable() -> int:
    logger.warning("failed logins not counted: the control table does not answer", exc_info=True)
    count(Metric.LOGIN_GUARD_UNAVAILABLE)
    return 0
